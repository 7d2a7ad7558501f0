"""`audit_chain` says what it compared and repaired, and leaves with a code that tells whether all is well."""

import os
import signal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from indexer.access.models import AuditEntry
from indexer.chains.endpoints import open_pool
from indexer.rpc import label_of
from tests.positions.liars import LISTS, Endpoints, busy_block, dropping, inventing, make_final, read_by, two
from tests.positions.pool_fixtures import fill
from tests.positions.world import World, grow
from tests.rpc.scripted import Answer

__all__ = ["two"]


@pytest.fixture
def read(world: World, two: Endpoints, monkeypatch: pytest.MonkeyPatch) -> World:
    """Read by the first endpoint; the command finds both."""
    monkeypatch.setenv("RPC_URLS_HILLTOP", two.urls)
    fill(world)
    world.import_list(LISTS)
    return world


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("audit_chain", "hilltop", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def outcome() -> str:
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.chain) == ("audit chain", "hilltop")
    return str(entry.outcome)


def labels(two: Endpoints) -> list[str]:
    """As the command names the two: by host and place."""
    return [label_of(url, place) for place, url in enumerate(two.urls.split(","), 1)]


def read_by_first(world: World, two: Endpoints) -> None:
    """Everything was read from the endpoint that the command will find first."""
    pool = open_pool("hilltop", 31337, lambda seconds: None)
    pool.members = pool.members[:1]
    read_by(world, pool)


def test_all_that_agrees_is_said(read: World, two: Endpoints) -> None:
    read_by_first(read, two)
    said = run("--sample", "100%")
    one, other = labels(two)
    assert f"{one}: " in said
    assert f"{other}: " in said
    assert "wrong in 0 (0.0000%)" in said
    assert "agrees" in said.splitlines()[-1]
    assert outcome().endswith("agrees")


def test_what_is_repaired_is_said_with_its_job_and_who_was_wrong(read: World, two: Endpoints) -> None:
    block = busy_block(read, read.floor + 4)
    two.lie(1, inventing(block, b"\x68" * 20))
    read_by_first(read, two)
    make_final(read)
    [job] = [of for (user, of) in read.rows() if user == b"\x68" * 20]
    said = run("--sample", "1", "--level", "proved")
    assert "repaired" in said
    assert f"job {job}: 0 addresses added, 1 removed" in said
    assert f"job {job}" in said[said.index("read again from block") :]
    assert f"wrong: {labels(two)[0]}" in said
    assert "repaired" in outcome()
    read.settle()
    read.check_truth()


def test_what_differs_and_is_left_makes_it_fail(read: World, two: Endpoints) -> None:
    two.lie(1, dropping(3))
    read_by_first(read, two)
    make_final(read)
    before = read.rows()
    with pytest.raises(CommandError, match="differs, left as it is"):
        run("--sample", "100%", "--no-repair")
    assert read.rows() == before


def test_a_sample_is_at_least_one_reading_and_goes_on_where_it_left(read: World, two: Endpoints) -> None:
    read_by_first(read, two)
    for _ in range(3):
        # Each as a scan of its own.
        grow(read.evm, 7)
        read_by_first(read, two)
    [total] = read.connection.execute("SELECT count(*) FROM readings").fetchone() or [0]
    run("--sample", "1%")
    audited = "SELECT count(*) FROM readings WHERE audited_at IS NOT NULL"
    assert read.connection.execute(audited).fetchone() == (1,)
    for _ in range(total):
        run("--sample", "1%")
    assert read.connection.execute(audited).fetchone() == (total,)


def test_only_the_blocks_that_are_asked_for_are_audited(read: World, two: Endpoints) -> None:
    read_by_first(read, two)
    [(first, last), *_] = read.connection.execute(
        "SELECT from_block, to_block FROM readings ORDER BY from_block"
    ).fetchall()
    run("--from", first, "--to", first, "--sample", "100%")
    rows = read.connection.execute("SELECT from_block, to_block FROM readings WHERE audited_at IS NOT NULL").fetchall()
    assert rows == [(first, last)]
    with pytest.raises(CommandError, match="no final blocks were read there"):
        run("--from", read.evm.head() + 1000)


@pytest.mark.parametrize("sample", ["0", "101%", "some"])
def test_a_sample_that_is_no_share_is_refused(read: World, sample: str) -> None:
    with pytest.raises(CommandError, match="is no share"):
        run("--sample", sample)


def test_told_to_stop_it_leaves_and_what_is_done_stays(read: World, two: Endpoints) -> None:
    two.lie(1, dropping(3))
    read_by_first(read, two)
    make_final(read)
    two.tell_the_truth()
    left = [True]

    def interrupt(call: dict[str, Any]) -> Answer | None:
        if call["method"] == "eth_getLogs" and left:
            left.pop()
            os.kill(os.getpid(), signal.SIGINT)
        return None

    before = signal.getsignal(signal.SIGINT)
    for proxy in two.proxies:
        proxy.rules.append(interrupt)
    with pytest.raises(CommandError, match="interrupted") as caught:
        run("--sample", "100%")
    assert caught.value.returncode == 130
    assert signal.getsignal(signal.SIGINT) is before
    run("--sample", "100%")
    read.settle()
    read.check_truth()
