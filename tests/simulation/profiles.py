"""The kinds of chains of the simulation, and to what level their blocks can be checked."""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from indexer.chains.profiles import Finality, Profile
from tests.simulation.blocks import Oddities


class Reach(Enum):
    """The strongest check that a chain's blocks above final allow, from one block's own evidence or from others."""

    PROVED = "the receipts root binds every log to the hash"
    BLOOM = "the bloom excludes most of what is not so, and is not complete evidence"
    AGREED = "only a second endpoint can tell"
    CLAIMED = "nobody can tell"


class ChainKind(NamedTuple):
    """A kind of chain; `standard`: its profile says that it keeps Ethereum's rules, but for its quirks."""

    name: str
    reach: Reach
    oddities: Oddities = Oddities()
    finality: Finality = Finality(depth=6)
    standard: bool = True
    endpoints: int = 3

    @property
    def trusts_hashes(self) -> bool:
        """Whether a header that does not fit its hash is known to be false from the first block on."""
        return self.standard and not self.oddities.foreign_header_hash

    def profile(self) -> Profile:
        return Profile(
            slug="hilltop",
            chain_id=31337,
            name=self.name,
            block_time=1.0,
            finality=self.finality,
            quirks=self.oddities.quirks,
            standard_roots=self.standard,
        )


TAGGED = Finality(depth=6, tag="finalized")
NO_ROOT = Oddities(receipts_root=False)
NOTHING = Oddities(bloom="absent", receipts_root=False, foreign_header_hash=True)

CHAIN_KINDS: Sequence[ChainKind] = (
    ChainKind("ethereum", Reach.PROVED, finality=TAGGED),
    ChainKind("by depth", Reach.PROVED, Oddities(fork="prague")),
    ChainKind("by its bloom", Reach.BLOOM, NO_ROOT),
    ChainKind("nobody knows yet", Reach.AGREED, Oddities(fork="london"), standard=False),
    ChainKind("polygon", Reach.AGREED, Oddities(state_sync=True, fork="london")),
    ChainKind("rounds without blocks", Reach.PROVED, Oddities(null_rounds=True, fork="berlin")),
    ChainKind("zksync", Reach.AGREED, Oddities(bloom="zero", receipts_root=False, zero_transaction_hash=True)),
    ChainKind("monad", Reach.AGREED, Oddities(bloom="zero", receipts_root=False, async_execution=1), TAGGED),
    ChainKind("gaps between logs", Reach.PROVED, Oddities(log_index_gaps=True, fork="shanghai")),
    ChainKind("constant blooms", Reach.PROVED, Oddities(bloom="full")),
    ChainKind("headers of its own", Reach.AGREED, NOTHING),
    ChainKind("one endpoint, all proved", Reach.PROVED, endpoints=1),
    ChainKind("one endpoint, nothing to prove", Reach.CLAIMED, NOTHING, endpoints=1),
)
