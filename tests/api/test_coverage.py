"""GET /api/v1/chains/{chain}/coverage: the runs of blocks that a chain's answers rest on."""

from typing import Any

import pytest
from django.test import Client

from indexer.chains.connections import Connection
from indexer.positions.protocol.ledger import Run, note_run
from indexer.rpc import Level
from tests.api.problems import problem
from tests.positions.lookup_rows import add_job, contract, refresh, start, statements

PATH = "/api/v1/chains/hilltop/coverage"
SCAN, LATER = 7, 9


@pytest.fixture
def runs(connection: Connection) -> list[Any]:
    """Two scans, the latest loop, and the blocks above final in two kinds."""
    add_job(connection, contract(1))
    start(connection, final=90, cursor=90)
    with connection.transaction(), connection.cursor() as cur:
        note_run(cur, Run(50, 90, Level.PROVED, ("local-1",), 2, 11, 0))
        note_run(cur, Run(0, 29, Level.CLAIMED, ("local-2",), 0, 0), LATER)
        note_run(cur, Run(0, 19, Level.AGREED, ("local-1", "local-2"), 5, 10), SCAN)
        note_run(cur, Run(20, 49, Level.CLAIMED, ("local-2",), 1, None), SCAN)
        for number, level in ((91, Level.PROVED), (92, Level.PROVED), (93, Level.BLOOM)):
            cur.execute(
                "INSERT INTO blocks (number, hash, parent_hash, timestamp, level, endpoints, log_count, digest,"
                " watch_version) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [number, bytes([number]) * 32, bytes(32), 1, level, ["local-1"], 1, 2**127 + 1, 0],
            )
        cur.execute("UPDATE settings SET value = '93' WHERE key = 'latest_block_processed'")
    refresh(connection)
    return [
        (SCAN, 0, 19, "agreed", 5, "0x" + f"{10:032x}"),
        (SCAN, 20, 49, "claimed", 1, None),
        (LATER, 0, 29, "claimed", 0, "0x" + "0" * 32),
        ("latest", 50, 90, "proved", 2, "0x" + f"{11:032x}"),
    ]


def show(runs: list[dict[str, Any]]) -> list[Any]:
    return [(run["by"], run["from"], run["to"], run["level"], run["log_count"], run["digest"]) for run in runs]


def test_it_is_the_runs_of_both_loops_with_totals(client: Client, runs: list[Any]) -> None:
    answer = client.get(PATH).json()
    assert show(answer["runs"]) == runs
    assert show(answer["above_final"]) == [
        ("latest", 91, 92, "proved", 2, "0x" + f"{2:032x}"),
        ("latest", 93, 93, "bloom", 1, "0x" + f"{2**127 + 1:032x}"),
    ]
    assert [run["read_at"] for run in answer["above_final"]] == [None, None]
    assert answer["levels"] == {"claimed": 60, "agreed": 20, "bloom": 1, "proved": 43}
    assert answer["verified"] == {"weakest": "claimed", "usual": "claimed"}
    assert (answer["as_of"]["block"], answer["as_of"]["final"], answer["complete"]) == (93, 90, True)
    assert answer["next"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_pages_lead_through_all_runs(client: Client, runs: list[Any], limit: int) -> None:
    seen = []
    link: str | None = f"{PATH}?limit={limit}"
    while link:
        answer = client.get(link).json()
        assert len(answer["runs"]) <= limit
        seen += show(answer["runs"])
        link = answer["next"]
    assert seen == runs


def test_a_run_that_comes_meanwhile_repeats_and_hides_none(
    client: Client, connection: Connection, runs: list[Any]
) -> None:
    first = client.get(PATH + "?limit=2").json()
    with connection.transaction(), connection.cursor() as cur:
        note_run(cur, Run(50, 60, Level.PROVED, ("local-1",), 0, 0), SCAN)
        note_run(cur, Run(0, 9, Level.PROVED, ("local-1",), 0, 0), 3)
    rest = client.get(first["next"].replace("limit=2", "limit=9")).json()
    assert [run for run in show(first["runs"] + rest["runs"]) if run in runs] == runs


def test_a_chain_never_indexed_has_nothing_to_show(client: Client) -> None:
    answer = client.get("/api/v1/chains/seaside/coverage").json()
    assert (answer["as_of"], answer["verified"], answer["runs"], answer["levels"]) == (None, None, [], {})


@pytest.mark.parametrize("cursor", ["latest", "soon:1:1", "1:2", "latest:-1:0", "1:2:3:4"])
def test_a_cursor_that_no_page_has_given_is_a_400(client: Client, cursor: str) -> None:
    problem(client.get(PATH, {"cursor": cursor}), 400)


def test_any_page_costs_one_statement(client: Client, runs: list[Any]) -> None:
    client.get(PATH)
    for limit in (1, 4):
        with statements() as sent:
            assert len(client.get(PATH, {"limit": limit}).json()["runs"]) == limit
        assert len(sent) == 1
