"""A machine whose clock is set a week ahead, then two weeks back, under its worker: waits are by a clock that only goes
on, and times that are stored are the database's. That clock's own jumps: see test_historic_leases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.positions.world import A, B, World, grow
from tests.processes import ChainWorker, wait_until

FOUND = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@pytest.fixture
def set_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Sets the clock of the processes started after this by so much against the machine's."""
    if not FOUND:
        pytest.skip("libfaketime is not installed: apt install libfaketime")
    file = tmp_path / "clock"

    def set_clock(by: timedelta) -> None:
        new = tmp_path / "clock.new"
        new.write_text(f"{by.total_seconds():+.0f}\n")
        new.replace(file)

    set_clock(timedelta())
    for name, value in {
        "LD_PRELOAD": str(FOUND[0]),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        # Nobody can set that one, which is why it is used.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }.items():
        monkeypatch.setenv(name, value)
    return set_clock


@pytest.mark.slow
def test_a_worker_does_not_mind(world: World, set_clock: Callable[[timedelta], None], tmp_path: Path) -> None:
    def at_rest() -> bool:
        return bool(
            world.setting("latest_block_processed") == world.evm.head() and world.setting("coverage")["complete"]
        )

    world.import_list({A: "Transfer"})
    with ChainWorker("hilltop", url=world.evm.url, log=tmp_path / "worker.log") as worker:
        wait_until(at_rest)
        for by in (timedelta(days=7), timedelta(days=-7)):
            set_clock(by)
            world.import_list({A: "Transfer", B: {"topic0": "0x" + "11" * 32, "user_topic": by.days % 3 + 1}})
            grow(world.evm, 2)
            wait_until(at_rest, 10, lambda: worker.said)
            # The jump did come to it: its log says so.
            said = datetime.fromisoformat(worker.said.splitlines()[-1].split(",")[0]).replace(tzinfo=UTC)
            assert abs(said - (datetime.now(UTC) + by)) < timedelta(hours=25)
        assert worker.terminate(5) == 0
    newest = world.connection.execute("SELECT max(updated_at) <= now() FROM settings").fetchone()
    assert newest == (True,)
