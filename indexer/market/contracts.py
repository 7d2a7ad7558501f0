"""The contracts of many pools: what sources say of them, and what the chains, where we have nodes, say to that."""

import time
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from django.db import connection, transaction

from indexer.chains.endpoints import EndpointsError, open_node
from indexer.chains.models import Chain
from indexer.market.candidates import EVM, FREE, KEY_SOURCE, PAID, Place, PoolFacts, by_chain, find_candidates
from indexer.market.factory_logs import OWN_LOGS, Factories, find_made, read_factories
from indexer.market.identity import CHAIN, Claim, claim
from indexer.market.keys import find_keys
from indexer.market.models import Document, Pool
from indexer.market.multicall import Asking
from indexer.market.reading import Drift, Malformed, Reading, read
from indexer.market.rejecting import keep_rejected
from indexer.market.score import Evidence
from indexer.market.shapes import OLD_POOLS, OldPoolRow
from indexer.market.source import SourceError, has_paid_key, open_defillama
from indexer.market.taking import remember
from indexer.market.tokens import Places, Tokens
from indexer.market.upsert import lock
from indexer.market.watching import chosen_on, watched_on
from indexer.rpc import RpcError
from indexer.tasks.declaring import Run, Wait

FIELDS = ("id", "chain_name", "chain_id", "project", "symbol", "pool_meta", "url", "underlying_tokens")
TASK, OLD_PATH = "map-contracts", "/yields/poolsOld"
Old = Mapping[uuid.UUID, tuple[str | None, str | None]]
"""By pool: the adapter's key, and the address that it names."""
KEEP_URLS = """
UPDATE pools SET url = said.url FROM unnest(%s::uuid[], %s::text[]) AS said (id, url)
 WHERE pools.id = said.id AND pools.url IS DISTINCT FROM said.url
"""


def read_old(run: Run) -> Old | None:
    """What only a paid key tells of pools, whose URLs are stored; None where there is no key, or it is of no use now.

    It is an extra: whatever is wrong with it, `run.log` says so, and the contracts are found without it.
    """
    if not has_paid_key():
        return None
    try:
        return take_old(run)
    except (SourceError, Drift, Malformed, Wait) as error:
        run.log.warning("the paid key is not used, and what it told before stays: %s", error)
        return None


def take_old(run: Run) -> Old:
    """Raises SourceError, Drift, Malformed and what `run` does."""
    with open_defillama() as source:
        answer = source.fetch(run, OLD_PATH, again=True)
    held = Document.objects.filter(name=answer.name).first()
    # As of every answer: half of what was there is one that is not whole.
    reading: Reading[OldPoolRow] = read(answer.body, OLD_POOLS, least=held.rows // 2 if held else 0)
    with transaction.atomic():
        keep_urls(reading.rows)
        keep_rejected(TASK, reading.rejected, held.taken_at if held else None)
        remember(answer, len(reading.rows) + len(reading.rejected), again=True)
    return {row.id: (row.pool_old, row.token_address) for row in reading.rows}


def keep_urls(rows: Sequence[OldPoolRow]) -> None:
    """Store the URLs that differ from those that are stored, in the caller's transaction."""
    with connection.cursor() as cursor:
        lock("pools")  # which sync-pools writes, too
        cursor.execute(KEEP_URLS, [[row.id for row in rows], [row.url for row in rows]])


def read_pools(after: uuid.UUID | None, most: int, chain: str, old: Old | None) -> list[PoolFacts]:
    """The next pools by id, those that vanished left out; of one of the source's chains, if it is named."""
    pools = Pool.objects.filter(vanished_at=None).order_by("id")
    if after is not None:
        pools = pools.filter(id__gt=after)
    if chain:
        pools = pools.filter(chain_name=chain)
    facts = []
    for id, name, chain_id, project, symbol, meta, url, underlying in pools.values_list(*FIELDS)[:most]:
        key, token = (old or {}).get(id, (None, None))
        held = [raw or "" for raw in underlying or ()]  # one that the source does not know is there all the same
        facts.append(PoolFacts(id, name, chain_id, project, symbol, meta, url, held, key, token))
    return facts


class Chains:
    """Our chains as witnesses: which contracts they watch, and what their nodes answer. To be used by one thread.

    A chain that cannot be asked is left out for as long as this lives; `run.log` says why.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._ours = {chain.chain_id: chain for chain in Chain.objects.all()}
        self._watched: dict[int, frozenset[str]] = {}
        self._proved: dict[tuple[int, str, str], dict[uuid.UUID, dict[str, str]]] = {}
        self._factories: dict[int, Factories] = {}
        self._asking: dict[int, Asking | None] = {}

    def proved(self, pool: PoolFacts) -> Mapping[str, str]:
        """The contracts that the chain watches and the pool's id proves, with their keys.

        They are sought once for all pools of a chain and project, when the first of them comes.
        """
        chain_id = pool.home.chain_id
        if chain_id is None or chain_id not in self._ours or pool.id.version != 5:
            return {}
        group = chain_id, pool.chain, pool.project
        if group not in self._proved:
            of = Pool.objects.filter(chain_id=chain_id, chain_name=pool.chain, project=pool.project)
            pools = of.filter(vanished_at=None).values_list("id", flat=True)
            self._proved[group] = find_keys(pools, pool.chain, pool.project, self.watched(chain_id))
        return self._proved[group].get(pool.id, {})

    def made(self, pools: Iterable[PoolFacts]) -> Mapping[uuid.UUID, tuple[str, Evidence]]:
        """By pool, the contract that a factory made for it, as far as we have logs of that."""
        found: dict[uuid.UUID, tuple[str, Evidence]] = {}
        for chain_id, theirs in by_chain(pools).items():
            if (chain := self._ours.get(chain_id)) is not None:
                if chain_id not in self._factories:
                    self._factories[chain_id] = read_factories(chain)
                found |= find_made(chain, self._factories[chain_id], theirs)
        return found

    def watched(self, chain_id: int) -> Collection[str]:
        """The contracts of our own jobs there, in lower case: their factories' events once made them known."""
        if chain_id not in self._watched:
            self._watched[chain_id] = watched_on(self._ours[chain_id])
        return self._watched[chain_id]

    def all_chosen(self) -> Iterator[tuple[int, str]]:
        """Chain id and contract of all jobs but those that were proposed."""
        for chain_id, chain in self._ours.items():
            for address in chosen_on(chain):
                yield chain_id, address

    def check(self, pools: Sequence[PoolFacts], found: Mapping[uuid.UUID, Iterable[Place]]) -> "Checked":
        """What chains say of the places that are claimed to be pools."""
        checked = Checked()
        facts = {pool.id: pool for pool in pools}
        for chain_id, theirs in sorted(by_chain(pools).items()):
            if chain_id not in self._ours:
                continue
            places = [
                (pool, place)
                for pool, of in found.items()
                for place in of
                if (place.namespace, place.chain_id, place.kind) == (EVM, chain_id, "pool")
            ]
            claims = [claim(facts[pool], place.address) for pool, place in places]
            answers = self._ask(chain_id, claims) if claims else []
            if answers is None:
                continue
            checked.pools |= {pool.id for pool in theirs}
            for of_place, evidence in zip(places, answers, strict=True):
                if evidence is not None:
                    checked.evidence[of_place] = evidence
        return checked

    def _ask(self, chain_id: int, claims: Sequence[Claim]) -> list[Evidence | None] | None:
        chain = self._ours[chain_id]
        try:
            if chain_id not in self._asking:
                self._asking[chain_id] = Asking(open_node(chain.slug, chain_id, time.sleep))
            asking = self._asking[chain_id]
            if asking is None:
                return None
            try:
                return asking.check(claims)
            except RpcError:
                # A reorg may have taken the block away meanwhile: once more, of the newest one.
                return asking.check(claims)
        except (RpcError, EndpointsError) as error:
            self._asking[chain_id] = None
            self._run.log.warning("%s is not asked about contracts: %s", chain.slug, error)
            return None


class Checked:
    """`pools` whose chain was asked, and the evidence by pool and place where it had something to say."""

    def __init__(self) -> None:
        self.pools: set[uuid.UUID] = set()
        self.evidence: dict[tuple[uuid.UUID, Place], Evidence] = {}


def find_contracts(
    run: Run,
    pools: Sequence[PoolFacts],
    old: Old | None,
    chains: Chains,
    tokens: Tokens,
    done: int,
    total: int,
) -> tuple[Places, dict[uuid.UUID, frozenset[str]]]:
    """The places of each pool with all that speaks for and against them; and the sources that were asked about it.

    What of a source that was asked is not found any more, it no longer says; of a pool that the paid answer does not
    have, it says nothing. `done` of `total` pools are done before.
    """
    found, made = {}, chains.made(pools)
    for number, facts in enumerate(pools):
        run.progress(done + number, total)
        known = [made[facts.id]] if facts.id in made else []
        found[facts.id] = find_candidates(facts, chains.proved(facts), known)
    everybody = frozenset({FREE, KEY_SOURCE, OWN_LOGS})
    asked = {pool: everybody | {PAID} if pool in (old or ()) else everybody for pool in found}
    checked = chains.check(pools, found)
    for (pool, place), evidence in checked.evidence.items():
        found[pool][place].append(evidence)
    for pool in checked.pools:
        asked[pool] |= {CHAIN}
    for pool, services in tokens.check(pools, found).items():
        asked[pool] |= services
    return found, asked
