"""A chain schema and a real anvil side by side, and the question every test ends with: is the index the truth?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.chains.profiles import Finality
from indexer.positions.historic import HistoricLoop
from indexer.positions.latest import LatestLoop
from indexer.positions.protocol.imports import Imported, import_watch_list
from indexer.positions.watchlist import read_watch_list
from indexer.rpc import Endpoint, EndpointPool, Level, Node
from tests import evm
from tests.conftest import empty

FINALITY = Finality(depth=6)
A, B, C = (bytes([n]) * 20 for n in (0xAA, 0xBB, 0xCC))
QUIET = 7
"""In every so manieth block nobody touches them."""

# As `psql` would: which blocks a job claims to have been read in.
CLAIMS = """
WITH read AS (
    SELECT scan_id, range_agg(int8range(from_block, cursor)) AS blocks FROM segments
    JOIN scans ON scans.id = scan_id WHERE finished_at IS NULL AND cursor > from_block GROUP BY scan_id
)
SELECT jobs.id, contract_address, user_topic, enabled, floor, covered
       + coalesce((SELECT range_agg(need * read.blocks) FROM scan_jobs JOIN read USING (scan_id)
                   WHERE job_id = jobs.id), '{}')
       + CASE WHEN live_from IS NULL THEN '{}'
              ELSE int8multirange(int8range(live_from, greatest(live_from,
                   (SELECT value::bigint FROM settings WHERE key = 'latest_block_processed') + 1))) END
FROM jobs WHERE NOT retired ORDER BY jobs.id
"""


def watch(contracts: dict[bytes, object]) -> dict[str, object]:
    """A watch list of hilltop: contract → event."""
    return {
        "chain": "hilltop",
        "chain_id": 31337,
        "watches": [
            {"protocol": "emitter", "product": "pool", "event": event, "contracts": ["0x" + contract.hex()]}
            for contract, event in contracts.items()
        ],
    }


def grow(chain: evm.Chain, blocks: int) -> None:
    """Mine blocks in which some old users and some new ones touch A, B and C, with a quiet one now and then."""
    for _ in range(blocks):
        number = chain.head() + 1
        for place, contract in enumerate((A, B, C) if number % QUIET else ()):
            chain.emit(contract, bytes([1 + number % 9]) * 20, other=bytes([200 + number % 5]) * 20)
            if (number + place) % 3 == 0:
                chain.emit(contract, number.to_bytes(20))
        chain.mine()


class World:
    """Both loops of a chain, stepped by hand."""

    def __init__(self, chain: Chain, node: evm.Chain, connection: Connection) -> None:
        self.chain = chain
        self.evm = node
        self.connection = connection
        self.floor = 0
        self.node = Node(Endpoint(node.url, "local-1"), attempts=2, pause=lambda seconds: None)

    @property
    def pool(self) -> EndpointPool:
        """The one endpoint that `node` asks."""
        return EndpointPool([self.node], attempts=2, pause=lambda seconds: None)

    def liven(self) -> None:
        """Give the newest 30 blocks logs, where tests before have left a quiet chain, and the very newest above all: a
        reorg replaces a block without logs by an equal one."""
        if len(self.evm.touches(A, first=self.evm.head() - 30)) < 20:
            grow(self.evm, 30)
        if len(self.evm.touches(A, first=self.evm.head() - 2)) < 2:
            grow(self.evm, 3)

    def begin(self) -> None:
        """Start over with an empty schema and the newest 30 blocks of the chain."""
        empty(self.chain)
        self.floor = self.evm.head() - 30

    def import_list(self, contracts: dict[bytes, object], **options: Any) -> Imported:
        return self.import_on(self.connection, contracts, **options)

    def import_on(self, connection: Connection, contracts: dict[bytes, object], **options: Any) -> Imported:
        settings: dict[str, Any] = {"source": "test", "chain_floor": self.floor, "prune": False} | options
        return import_watch_list(connection, read_watch_list(watch(contracts)), **settings)

    def latest(self, connection: Connection | None = None, goal: Level = Level.PROVED) -> LatestLoop:
        return LatestLoop("hilltop", connection or self.connection, self.pool, FINALITY, goal=goal)

    @contextmanager
    def historic(
        self, connection: Connection | None = None, owner: str = "test", goal: Level = Level.CLAIMED
    ) -> Iterator[HistoricLoop]:
        loop = HistoricLoop("hilltop", connection or self.connection, self.pool, owner, goal=goal)
        try:
            yield loop
        finally:
            loop.close()

    def run_historic(self, connection: Connection | None = None, owner: str = "test") -> None:
        with self.historic(connection, owner) as loop:
            while loop.step():
                pass

    def settle(self) -> None:
        """Run both loops until there is nothing left to do, as if every delay were over."""
        latest = self.latest()
        for _ in range(3):
            while latest.step():
                pass
            self.connection.execute("UPDATE segments SET next_attempt = NULL WHERE next_attempt IS NOT NULL")
            self.run_historic()

    def jobs(self) -> dict[tuple[bytes, int], int]:
        """(contract, the topic that names the user) → job."""
        rows = self.connection.execute("SELECT contract_address, user_topic, id FROM jobs WHERE NOT retired")
        return {(contract, topic): job for contract, topic, job in rows.fetchall()}

    def rows(self) -> dict[tuple[bytes, int], int]:
        rows = self.connection.execute("SELECT address, job_id, first_block FROM logs").fetchall()
        return {(address, job): block for address, job, block in rows}

    def setting(self, key: str) -> Any:
        row = self.connection.execute("SELECT value FROM settings WHERE key = %s", [key]).fetchone()
        assert row is not None
        return row[0]

    def check_claims(self) -> None:
        """At any moment: what is said to be covered is stored, and what is stored is on the chain."""
        cursor = self.setting("latest_block_processed")
        header = self.connection.execute("SELECT hash FROM blocks WHERE number = %s", [cursor]).fetchone()
        if header is None or cursor > self.evm.head() or header[0] != self.evm.hash_at(cursor):
            return  # an undo is pending: the answer speaks of another branch, and says so
        rows = self.rows()
        for job, contract, topic, _, _, claimed in self.connection.execute(CLAIMS).fetchall():
            touched = self.evm.touches(contract, topic, first=self.floor)
            for block, user in touched:
                if any(block in part for part in claimed):
                    assert (user, job) in rows, f"job {job}: block {block} is covered, {user.hex()} is missing"
            stored = {(user, first) for (user, of), first in rows.items() if of == job}
            assert stored <= {(user, block) for block, user in touched}, f"job {job}: rows of no block of the chain"

    def check_truth(self) -> None:
        """At rest: rows, coverage and what may still be undone are those of the chain as it is."""
        cursor, final = self.setting("latest_block_processed"), self.setting("final_block")
        assert cursor == self.evm.head()
        assert self.setting("coverage") == {"complete": True, "check_also": [], "check_also_count": 0}
        want: dict[tuple[bytes, int], int] = {}
        above: set[tuple[int, bytes, int]] = set()
        enabled = []
        for job, contract, topic, is_enabled, _, _ in self.connection.execute(CLAIMS).fetchall():
            if not is_enabled:
                continue
            enabled.append(job)
            for block, user in self.evm.touches(contract, topic, first=self.floor):
                want[user, job] = min(block, want.get((user, job), block))
                if block > final:
                    above.add((block, user, job))
        assert {key: block for key, block in self.rows().items() if key[1] in enabled} == want
        unsettled = self.connection.execute("SELECT block_number, address, job_id FROM unsettled").fetchall()
        assert {row for row in unsettled if row[2] in enabled} == above
        gone = self.connection.execute(
            "SELECT 1 FROM logs WHERE job_id NOT IN (SELECT id FROM jobs) UNION ALL SELECT 1 FROM jobs WHERE retired"
        ).fetchall()
        assert not gone, "rows of a job that is gone"

    def check_end(self) -> None:
        """At rest after all that happened: nothing is lost and nothing is doubled."""
        self.check_claims()
        self.check_truth()
        twice = self.connection.execute(
            "SELECT block_number, address, job_id FROM unsettled GROUP BY 1, 2, 3 HAVING count(*) > 1"
        ).fetchall()
        assert not twice


def on(chain: Chain, work: Callable[[Connection], object]) -> Callable[[], object]:
    """The work on a connection of its own."""

    def run() -> object:
        with connect(chain) as connection:
            return work(connection)

    return run
