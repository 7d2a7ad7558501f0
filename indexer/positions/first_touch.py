"""The log by which an address first touched a contract: not stored, but asked of an endpoint when somebody wants it.

Whoever asks waits for some seconds at most, and is told of an endpoint its label and the class of its error only.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from indexer.chains.endpoints import EndpointsError, open_pool, urls_of
from indexer.chains.models import Chain
from indexer.chains.profiles import profile_of
from indexer.positions.definition import Definition
from indexer.positions.lookup import WORDS, LevelWord
from indexer.positions.watch import WatchIndex
from indexer.rpc import BlockReader, Budget, EndpointPool, Header, RpcError, Throttled, Together, Watched
from indexer.rpc.trust import Trust

PATIENCE = 4.0
"""Seconds that a proof waits for endpoints, however many there are."""
TIMEOUT = 2.0
"""Seconds for connecting to an endpoint, and for each read."""
LONGEST_PAUSE = 1.0
"""Seconds that a question is put off; what an endpoint makes wait longer is not asked."""
MOST_AT_ONCE = 4
"""Questions that a process has open with endpoints, those counted in that nobody waits for any more."""
REQUESTS_PER_DAY = 20_000
"""Requests of a process to the endpoints of one chain, of which proofs may use half, as an audit does."""
REST = 30.0
"""Seconds after which endpoints that could not be used are tried again."""
REMEMBERED = 2_000


class Wanted(NamedTuple):
    """The first log of a block that names the address (20 bytes) for one of the jobs; `hash` is the block's where it is
    known. After another reorg (`rewinds`) it may be another block's, and is looked for anew."""

    address: bytes
    block: int
    hash: bytes | None
    rewinds: int
    jobs: tuple[tuple[int, Definition], ...]


class FirstTouch(NamedTuple):
    """Where the log is: `transaction` 0x hex, None where the chain's nodes give none. `why`: why it could not be found.

    `level` is what the block was checked against, with the labels of the endpoints that this rests on.
    """

    transaction: str | None = None
    log_index: int | None = None
    level: LevelWord | None = None
    endpoints: list[str] = []
    why: str | None = None


class Opened(NamedTuple):
    """A chain's endpoints as configured when they were opened; without a pool, `why` and until when."""

    urls: tuple[str, ...]
    pool: EndpointPool | None
    why: str = ""
    until: float = float("inf")


class FirstTouches:
    """Asks the endpoints that RPC_URLS_<CHAIN> of this process names. Safe to share between threads.

    What was found is remembered. `open` makes a chain's pool and raises EndpointsError and RpcError.
    """

    def __init__(
        self,
        *,
        patience: float = PATIENCE,
        most_at_once: int = MOST_AT_ONCE,
        open: Callable[[Chain], EndpointPool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.patience = patience
        self._open = open or open_for_proofs
        self._clock = clock
        self._opened: dict[str, Opened] = {}
        self._opening = threading.Lock()
        self._slots = threading.Semaphore(most_at_once)
        self._found: OrderedDict[tuple[str, Wanted], FirstTouch] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, chain: Chain, wanted: Wanted) -> FirstTouch:
        """The log, or why it is not known; within `patience` seconds."""
        key = (str(chain.slug), wanted)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        try:
            urls = tuple(urls_of(str(chain.slug)))
        except EndpointsError:
            return FirstTouch(why=f"no endpoint of {chain.slug} is configured for this process: RPC_URLS")
        if not self._slots.acquire(blocking=False):
            return FirstTouch(why="the endpoints are being asked for as much as is allowed; ask again in some seconds")
        together: Together[str, FirstTouch] = Together()
        together.ask("first touch", partial(self._ask, chain, urls, wanted))
        for _, answer in together.gather(self.patience):
            found = FirstTouch(why=explain(answer)) if isinstance(answer, RpcError) else answer
            if found.log_index is not None:
                self._remember(key, found)
            return found
        return FirstTouch(why=f"no endpoint has answered within {self.patience:g} s")

    def _ask(self, chain: Chain, urls: tuple[str, ...], wanted: Wanted) -> FirstTouch:
        """In a thread of its own, which gives the slot back."""
        try:
            with self._opening:
                opened = self._opened.get(str(chain.slug))
                if opened is None or opened.urls != urls or opened.until <= self._clock():
                    opened = self._opened[str(chain.slug)] = self._open_now(chain, urls)
            return FirstTouch(why=opened.why) if opened.pool is None else find_in_block(opened.pool, wanted)
        finally:
            self._slots.release()

    def _open_now(self, chain: Chain, urls: tuple[str, ...]) -> Opened:
        try:
            return Opened(urls, self._open(chain))
        except EndpointsError:
            why = f"the endpoints of {chain.slug} cannot be used as configured"
        except RpcError as error:
            why = explain(error)
        return Opened(urls, None, why, self._clock() + REST)

    def _remember(self, key: tuple[str, Wanted], found: FirstTouch) -> None:
        with self._lock:
            self._found[key] = found
            while len(self._found) > REMEMBERED:
                self._found.popitem(last=False)


def open_for_proofs(chain: Chain) -> EndpointPool:
    """A pool that gives up soon, its requests counted as an audit's. Raises EndpointsError, RpcError."""
    profile = profile_of(str(chain.slug), chain.chain_id)
    pool = open_pool(
        str(chain.slug),
        chain.chain_id,
        pause_shortly,
        timeout=TIMEOUT,
        trust=Trust.of_quirks(profile.quirks, profile.standard_roots, profile.roots_from) if profile else None,
        budget=Budget(REQUESTS_PER_DAY),
    )
    return pool.for_purpose("audit")


def pause_shortly(seconds: float) -> None:
    if seconds > LONGEST_PAUSE:
        raise Throttled(f"it would have to wait for {seconds:.0f} s")
    time.sleep(seconds)


def find_in_block(pool: EndpointPool, wanted: Wanted) -> FirstTouch:
    """Read the block at the strongest level there is, and find the log in it. Raises RpcError."""
    if wanted.hash is None:
        header = pool.canonical(wanted.block)
    else:
        # Near the head: what the endpoints had reached at the question before may be below it.
        pool.newest()
        header = pool.header_by_hash(wanted.hash)
    if header is None:
        return FirstTouch(why=f"no endpoint gives block {wanted.block:,} as it was read; it may be reorganised")
    return find_log(pool, header, wanted)


def find_log(pool: EndpointPool, header: Header, wanted: Wanted) -> FirstTouch:
    pairs = ((definition.contract, definition.topic0) for _, definition in wanted.jobs)
    block = BlockReader(pool, Watched(pairs)).read(header)
    index = WatchIndex(wanted.jobs)
    level, labels = WORDS[block.level], list(block.endpoints)
    for log in sorted(block.logs, key=lambda log: log.log_index):
        if any(touch.address == wanted.address for touch in index.match([log]).touches):
            return FirstTouch(log.transaction_hash, log.log_index, level, labels)
    return FirstTouch(None, None, level, labels, f"block {wanted.block:,} as read now has no such log: audit the chain")


def explain(error: RpcError) -> str:
    """For anybody: no text of a provider, and no URL."""
    return f"{error.endpoint or 'the endpoints'}: {type(error).__name__}"
