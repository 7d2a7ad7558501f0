"""Services that know tokens, as witnesses of contracts that are not sure yet: is there a token that is called so?"""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from indexer.market.candidates import EVM, Place, PoolFacts, by_chain
from indexer.market.metadata import Service, services
from indexer.market.score import AGREED, Evidence, EvidenceKind, score
from indexer.market.source import SourceError
from indexer.market.symbols import agree
from indexer.tasks.declaring import Run, Wait

Places = dict[uuid.UUID, dict[Place, list[Evidence]]]
"""By pool, its places with what was found of each."""


class Tokens:
    """To be used in `with`, by one thread.

    A service that cannot be asked about a chain is left out there for as long as this lives, and `run.log` says why:
    nothing waits for what is optional, not even where it must be left alone for long. What it said before stays.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._left_out: set[tuple[str, int]] = set()
        self._services: list[Service] = []
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        self._services = [self._opened.enter_context(service) for service in services()]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.close()

    def check(self, pools: Sequence[PoolFacts], found: Places) -> dict[uuid.UUID, set[str]]:
        """Add what the services know to what was found of these pools; by pool, those that were asked about it."""
        asked: dict[uuid.UUID, set[str]] = defaultdict(set)
        of_chain = by_chain(pools)
        # Chosen before anybody answers: what one service knows, the next one is asked as well.
        unsure = {chain_id: find_unsure(of, found) for chain_id, of in of_chain.items()}
        for service in self._services:
            for chain_id in sorted(service.chains & of_chain.keys()):
                symbols = self._ask(service, chain_id, sorted({place.address for _, place in unsure[chain_id]}))
                if symbols is None:
                    continue
                for pool in of_chain[chain_id]:
                    asked[pool.id].add(service.api)
                for pool, place in unsure[chain_id]:
                    symbol = symbols.get(place.address, "")
                    if agree(pool.symbol, symbol):
                        detail = {"symbol": symbol, "pool": pool.symbol}
                        found[pool.id][place].append(Evidence(EvidenceKind.SYMBOL, service.api, detail))
        return asked

    def _ask(self, service: Service, chain_id: int, addresses: Sequence[str]) -> Mapping[str, str] | None:
        if (service.api, chain_id) in self._left_out:
            return None
        try:
            return service.symbols(self._run, chain_id, addresses)
        except (SourceError, Wait) as error:
            self._left_out.add((service.api, chain_id))
            self._run.log.warning("%s is not asked about tokens of chain %d: %s", service.api, chain_id, error)
            return None


def find_unsure(pools: Sequence[PoolFacts], found: Places) -> list[tuple[PoolFacts, Place]]:
    """Contracts that may be pools, and of which nothing proves or refutes it."""
    return [
        (pool, place)
        for pool in pools
        for place, pieces in found[pool.id].items()
        if (place.namespace, place.kind) == (EVM, "pool") and is_unsure(pieces)
    ]


def is_unsure(pieces: Sequence[Evidence]) -> bool:
    confidence, refuted, _ = score(pieces)
    return not refuted and confidence < AGREED
