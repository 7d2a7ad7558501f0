"""What an import does to which job, said before it is done."""

import pytest

from indexer.chains.connections import Connection
from indexer.positions.protocol.imports import Change, Imported, import_watch_list
from indexer.positions.watchlist import read_watch_list
from tests.positions.world import A, B, watch


def import_list(connection: Connection, contracts: dict[bytes, object], **options: bool) -> Imported:
    return import_watch_list(
        connection,
        read_watch_list(watch(contracts)),
        source="test",
        chain_floor=5,
        prune=options.pop("prune", False),
        list_changes=options.pop("list_changes", True),
        **options,
    )


def said(imported: Imported) -> list[tuple[str, bytes, int, list[str]]]:
    return [(change.kind, change.definition.contract, change.floor, change.labels) for change in imported.changes]


def test_a_dry_run_names_what_would_be_added(connection: Connection) -> None:
    imported = import_list(connection, {B: "Transfer", A: "Transfer"}, dry_run=True)
    assert said(imported) == [("added", A, 5, ["emitter/pool"]), ("added", B, 5, ["emitter/pool"])]
    assert not connection.execute("SELECT FROM jobs").fetchall()


def test_a_changed_event_is_one_job_added_and_one_replaced(connection: Connection) -> None:
    import_list(connection, {A: "Transfer"})
    changed = import_list(connection, {A: {"topic0": "0x" + "ab" * 32, "user_topic": 1}})
    assert said(changed) == [("added", A, 5, ["emitter/pool"]), ("replaced", A, 5, [])]
    assert [change.definition.user_topic for change in changed.changes] == [1, 2]


def test_pruned_and_revived_jobs_are_named(connection: Connection) -> None:
    import_list(connection, {A: "Transfer", B: "Transfer"})
    assert said(import_list(connection, {A: "Transfer"}, prune=True)) == [("disabled", B, 5, [])]
    assert said(import_list(connection, {B: "Transfer"})) == [("enabled again", B, 5, ["emitter/pool"])]


def test_a_lower_floor_is_named_once(connection: Connection) -> None:
    import_list(connection, {A: "Transfer"})
    lower = import_watch_list(
        connection,
        read_watch_list(watch({A: "Transfer"})),
        source="test",
        chain_floor=3,
        prune=False,
        list_changes=True,
    )
    assert lower.lowered == 1
    assert said(lower) == [("floor lowered", A, 3, ["emitter/pool"])]


@pytest.mark.parametrize("list_changes", [True, False])
def test_the_same_list_again_has_no_changes_to_name(connection: Connection, list_changes: bool) -> None:
    import_list(connection, {A: "Transfer"})
    again: list[Change] = import_list(connection, {A: "Transfer"}, list_changes=list_changes).changes
    assert again == []
