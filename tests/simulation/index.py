"""Is the index the truth? Asked of the tables of a generated chain at any moment, and when all has come to rest."""

from collections import defaultdict
from typing import Any

from indexer.chains.connections import Connection
from indexer.positions.protocol.store import digest_of
from indexer.rpc import Level
from tests.positions.world import CLAIMS
from tests.simulation.chain import Chain
from tests.simulation.ledger import check_levels, check_weakest
from tests.simulation.plan import Promise
from tests.simulation.truth import Truth, truth_of, watch_named

ROWS = """
SELECT job_id, address, NULL, NULL, first_block FROM logs
UNION ALL SELECT job_id, address, key, value, first_block FROM log_metadata
"""


class Index:
    """The tables behind `connection`, beside the chain that they are to tell of, but for the newest `behind` blocks."""

    def __init__(self, chain: Chain, connection: Connection, behind: int = 0) -> None:
        self.chain = chain
        self.connection = connection
        self.behind = behind

    def setting(self, key: str) -> Any:
        row = self.connection.execute("SELECT value FROM settings WHERE key = %s", [key]).fetchone()
        assert row is not None
        return row[0]

    def truths(self, last: int | None = None) -> dict[int, Truth]:
        """What every job should have by now, or up to a block, enabled or not, by job."""
        return {
            job: truth_of(self.chain, contract, watch_named(topic0, user_topic), floor, last)
            for job, contract, topic0, user_topic, floor in self.connection.execute(
                "SELECT id, contract_address, topic0, user_topic, floor FROM jobs WHERE NOT retired ORDER BY id"
            )
        }

    def check_claims(self, above_final: Promise, below_final: Promise) -> None:
        """At any moment, where TRUE is promised: what is covered is stored, what is stored is on the chain."""
        if Promise.TRUE in (above_final, below_final):
            with self.chain.lock:
                self._check_claims(above_final, below_final)

    def is_on_the_chain(self) -> bool:
        """Whether the cursor is; otherwise an undo is pending: the answer speaks of another branch, and says so."""
        cursor = self.setting("latest_block_processed")
        if cursor is None or cursor not in self.chain.canonical:
            return False
        header = self.connection.execute("SELECT hash FROM blocks WHERE number = %s", [cursor]).fetchone()
        return header is not None and "0x" + header[0].hex() == self.chain.canonical[cursor].hash

    def check_weakest(self) -> None:
        """At any moment: the weakest level that anything was read at is said."""
        check_weakest(self.connection)

    def check_blocks(self) -> None:
        """At any moment, where endpoints on other chains are outvoted: no block and no head but of this chain."""
        with self.chain.lock:
            for number, hash_ in self.connection.execute("SELECT number, hash FROM blocks"):
                assert "0x" + hash_.hex() in self.chain.by_hash, f"block {number} is none of this chain"
            head = self.setting("head_block")
            assert head is None or head <= max(self.chain.at_height), f"head {head:,} is above every block there was"

    def check_levels(self, level: Level) -> None:
        """At any moment: what was read at this level or a stronger one was read rightly."""
        with self.chain.lock:
            if self.is_on_the_chain():
                check_levels(self.chain, self.connection, level)

    def _check_claims(self, above_final: Promise, below_final: Promise) -> None:
        if not self.is_on_the_chain():
            return
        final = self.setting("final_block")

        def promised(number: int) -> bool:
            return (above_final if number > final else below_final) is Promise.TRUE

        claimed = {row[0]: row[5] for row in self.connection.execute(CLAIMS)}
        stored: defaultdict[int, dict[tuple[bytes, str | None, str | None], int]] = defaultdict(dict)
        for job, user, key, value, first in self.connection.execute(ROWS):
            stored[job][user, key, value] = first
        for job, truth in self.truths().items():
            rows, touched = stored[job], set()
            for number, user, key, value in truth.touches:
                pool: tuple[bytes, str | None, str | None] = (user, None, None)
                for of in {pool, (user, key, value)}:
                    touched.add((number, of))
                    if promised(number) and any(number in part for part in claimed.get(job, ())):
                        assert rows.get(of, number + 1) <= number, f"job {job}: block {number} is covered, {of} is not"
            false = {(first, of) for of, first in rows.items() if promised(first)} - touched
            assert not false, f"job {job}: rows of no block of the chain: {false}"

    def check_truth(self) -> None:
        """At rest: rows, unreadable logs, coverage and what may still be undone are those of the chain as it is."""
        final = self.setting("final_block")
        last = self.chain.head - self.behind
        assert self.setting("latest_block_processed") == last
        truths = self.truths(last)
        rows = self.connection.execute("SELECT job_id, address, first_block FROM logs")
        assert {(job, user): first for job, user, first in rows} == {
            (job, user): first for job, truth in truths.items() for user, first in truth.logs.items()
        }
        rows = self.connection.execute("SELECT job_id, address, key, value, first_block FROM log_metadata")
        assert {tuple(of): first for *of, first in rows} == {
            (job, *of): first for job, truth in truths.items() for of, first in truth.metadata.items()
        }
        rows = self.connection.execute("SELECT job_id, block_number, count FROM unreadable_logs")
        assert {(job, number): count for job, number, count in rows} == {
            (job, number): count for job, truth in truths.items() for number, count in truth.unreadable.items()
        }
        rows = self.connection.execute("SELECT job_id, block_number, address, key, value_sha256 FROM unsettled")
        assert set(rows) == {
            (job, number, user, key, None if value is None else digest_of(value))
            for job, truth in truths.items()
            for number, user, key, value in truth.touches
            if number > final
        }
        incomplete = self.connection.execute("SELECT id, unreadable FROM jobs WHERE retired OR NOT complete").fetchall()
        assert not incomplete
        for job, unreadable in self.connection.execute("SELECT id, unreadable FROM jobs"):
            assert unreadable == sum(truths[job].unreadable.values())
