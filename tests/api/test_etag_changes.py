"""Whatever changes an answer changes its tag: nobody is told that what they have is still true when it is not."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain, schema_of
from indexer.positions.protocol import jobs as changes
from indexer.positions.protocol.head import Base, HeadBlock, Settlement, commit_blocks
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.protocol.ledger import UNKNOWN
from indexer.positions.protocol.scans import close_scans
from indexer.positions.protocol.segments import claim_segment
from indexer.positions.protocol.state import read_state
from indexer.positions.protocol.takeup import BlockReading, commit_take_up, find_waiting
from indexer.positions.protocol.undo import undo_to
from indexer.positions.watch import Matches, Touch, Unreadable
from indexer.positions.watchlist import read_watch_list
from indexer.rpc import Header
from tests.positions.committing import commit_range
from tests.positions.lookup_rows import HASH, TIMESTAMP, USER, USER_EIP55, note_head, start

PATH = f"/api/v1/addresses/{USER_EIP55}?chain=hilltop"
FIRST, SECOND, THIRD = ("0x" + digit * 40 for digit in "123")
NOTHING = Matches([], [])

pytestmark = pytest.mark.usefixtures("_states_fresh")


def import_list(
    connection: Connection,
    *contracts: object,
    source: str = "list",
    product: str = "pool",
    event: object = "Transfer",
    prune: bool = False,
    **more: object,
) -> None:
    watch = {"protocol": "emitter", "product": product, "event": event, "contracts": list(contracts)} | more
    watch_list = read_watch_list({"chain": "hilltop", "chain_id": 31337, "watches": [watch]})
    import_watch_list(connection, watch_list, source=source, chain_floor=10, prune=prune)


def take_up(connection: Connection) -> None:
    found = find_waiting(connection)
    assert found is not None
    assert commit_take_up(connection, found, [BlockReading(number, NOTHING, UNKNOWN) for number, _ in found.blocks])


def job(connection: Connection, contract: str = FIRST) -> int:
    row = connection.execute(
        "SELECT id FROM jobs WHERE contract_address = %s AND NOT retired", [bytes.fromhex(contract[2:])]
    ).fetchone()
    assert row is not None
    return int(row[0])


def read_past(connection: Connection, last: int, matches: Matches = NOTHING) -> None:
    """The historic loop's next range, up to `last`."""
    claim = claim_segment(connection, "test")
    assert claim is not None
    assert commit_range(connection, "test", claim, last, matches)
    connection.execute("UPDATE segments SET owner = NULL")


def read_head(connection: Connection, matches: Matches = NOTHING, *, hash: bytes = b"\2" * 32, final: int = 90) -> None:
    """The latest loop's next block."""
    with connection.cursor() as cur:
        state = read_state(cur).started
    row = connection.execute("SELECT hash FROM blocks WHERE number = %s", [state.cursor]).fetchone()
    assert row is not None
    header = Header(state.cursor + 1, hash, row[0], TIMESTAMP + 12)
    base = Base(state.cursor, row[0], state.watch_version)
    assert commit_blocks(connection, base, [HeadBlock(header, matches)], Settlement(final, 0), settled=False)


def undo(connection: Connection) -> None:
    assert undo_to(connection, Header(100, HASH, bytes(32), TIMESTAMP))


@pytest.fixture
def watched(connection: Connection) -> Connection:
    """Two jobs: the first with a touch, live since 91, its past unread; the second disabled."""
    start(connection)
    import_list(connection, FIRST, SECOND)
    changes.disable_jobs(connection, [job(connection, SECOND)])
    take_up(connection)
    read_head(connection, Matches([Touch(101, USER, job(connection), None, None)], []))
    return connection


def touch_past(connection: Connection) -> None:
    read_past(connection, 40, Matches([Touch(20, USER, job(connection), None, None)], []))


def finish_past(connection: Connection) -> None:
    read_past(connection, 90, Matches([Touch(20, USER, job(connection), None, None)], []))


def close_past(connection: Connection) -> None:
    connection.execute("UPDATE segments SET cursor = to_block + 1")
    close_scans(connection, segment_finished=True)


def touch_head(connection: Connection) -> None:
    import_list(connection, THIRD)
    take_up(connection)
    read_head(connection, Matches([Touch(102, USER, job(connection, THIRD), None, None)], []))


def replace_head(connection: Connection) -> None:
    """Back to 100, and another 101 in place of the one before."""
    undo(connection)
    read_head(connection, hash=b"\3" * 32)


def drop_label(connection: Connection) -> None:
    """Another source keeps the job; one label goes, and nothing else changes."""
    import_list(connection, FIRST, SECOND, source="other", product="vault")
    import_list(connection, SECOND, prune=True)


CHANGES: dict[str, Callable[[Connection], object]] = {
    "the head moves": lambda connection: note_head(connection, 500),
    "a block without a touch": read_head,
    "a block with a touch": touch_head,
    "a block with an unreadable log": lambda connection: read_head(
        connection, Matches([], [Unreadable(102, job(connection), 1, "odd")])
    ),
    "blocks become final": lambda connection: read_head(connection, final=95),
    "a reorg": undo,
    "a reorg to a block of the same number": replace_head,
    "a job is added": lambda connection: import_list(connection, THIRD),
    "a job has another label": lambda connection: import_list(connection, FIRST, source="other", product="vault"),
    "a label goes": drop_label,
    "a job is replaced": lambda connection: import_list(
        connection, FIRST, event={"topic0": "0x" + "ab" * 32, "user_topic": 1}
    ),
    "a job is pruned": lambda connection: import_list(connection, SECOND, prune=True),
    "a job is disabled": lambda connection: changes.disable_jobs(connection, [job(connection)]),
    "a job is enabled": lambda connection: changes.enable_jobs(connection, [job(connection, SECOND)]),
    "the past is touched": touch_past,
    "the last of the past is touched": finish_past,
    "the past has an unreadable log": lambda connection: read_past(
        connection, 40, Matches([], [Unreadable(20, job(connection), 1, "odd")])
    ),
    "the past is read": close_past,
}


def ask(client: Client) -> tuple[str, Any]:
    response = client.get(PATH)
    assert response.status_code == 200
    return response["ETag"], response.json()


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_an_answer_changes_its_tag(client: Client, watched: Connection, name: str) -> None:
    before, answer = ask(client)
    assert ask(client) == (before, answer), "nothing has changed yet"
    CHANGES[name](watched)
    after, changed = ask(client)
    assert after != before
    if name not in ("the past has an unreadable log", "the past is read"):
        assert changed != answer, "a change that shows in the answer is what this is about"


def test_a_completed_job_read_again_changes_the_tag(client: Client, watched: Connection) -> None:
    close_past(watched)
    before, answer = ask(client)
    assert answer["chains"][0]["complete"]
    changes.rescan_jobs(watched, [job(watched)], 20)
    after, changed = ask(client)
    assert (after != before, changed["chains"][0]["complete"]) == (True, False)


def test_a_job_put_aside_changes_the_tag_if_nothing_else_does(client: Client, watched: Connection) -> None:
    before, _ = ask(client)
    changes.set_aside(watched, job(watched), "the node refuses it")
    assert ask(client)[0] != before


def test_every_range_of_the_past_changes_the_tag_though_the_same_jobs_are_to_be_checked(
    client: Client, watched: Connection
) -> None:
    tags = [ask(client)[0]]
    for last in (20, 21, 50, 90):
        read_past(watched, last)
        tags.append(ask(client)[0])
    assert len(set(tags)) == len(tags)


def test_a_lease_changes_nothing(client: Client, watched: Connection) -> None:
    before, _ = ask(client)
    assert claim_segment(watched, "somebody") is not None
    assert ask(client)[0] == before


def test_two_changes_at_once_change_the_tag_twice(client: Client, watched: Connection) -> None:
    """What began earlier may commit later: the newest time in the table would not show it."""
    other = Chain.objects.get(slug="hilltop")
    with connect(other) as slow, slow.transaction():
        slow.execute("SELECT now()")
        read_head(watched)
        between, _ = ask(client)
        slow.execute("UPDATE settings SET value = value, updated_at = now() WHERE key = 'coverage'")
    assert ask(client)[0] != between


def test_a_lower_floor_of_the_chain_changes_the_tag(client: Client, watched: Connection) -> None:
    before, _ = ask(client)
    Chain.objects.filter(slug="hilltop").update(floor=7)
    after, changed = ask(client)
    assert (after != before, changed["chains"][0]["from"]) == (True, 7)


def test_chains_that_come_and_go_change_the_tag_of_all(client: Client) -> None:
    every = PATH.partition("?")[0]
    tags = [client.get(every)["ETag"]]
    for _ in range(2):
        passing = Chain(schema_name=schema_of("passing"), slug="passing", chain_id=31339)
        passing.save(verbosity=0)
        try:
            tags.append(client.get(every)["ETag"])
        finally:
            passing.delete(force_drop=True)
    assert len(set(tags)) == 3
    assert client.get(every)["ETag"] == tags[0]
