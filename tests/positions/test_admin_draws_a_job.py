"""What a job's page says: its definition as a watch list takes it, and the blocks it is read in."""

import json

import pytest

from indexer.chains.connections import Connection
from indexer.positions.admin.present import draw, progress_html
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.watchlist import read_watch_list
from tests.people import LogIn
from tests.positions.lookup_rows import start
from tests.positions.world import A, watch

BORROW = {
    "abi": "event Borrow(address borrower, uint256 borrowAmount, uint256 accountBorrows, uint256 totalBorrows)",
    "user": "borrower",
    "metadata": "borrowAmount",
}


@pytest.mark.parametrize("event", ["Transfer", {"topic0": "0x" + "ab" * 32, "user_topic": 3}, BORROW])
def test_a_jobs_page_shows_what_an_import_would_take(connection: Connection, log_in: LogIn, event: object) -> None:
    start(connection)
    given = watch({A: event})
    import_watch_list(connection, read_watch_list(given), source="test", chain_floor=5, prune=False)
    row = connection.execute("SELECT id FROM jobs").fetchone()
    assert row is not None
    page = log_in("viewer").get(f"/admin/positions/job/{row[0]}/change/")
    job = page.context["original"]
    definition = page.context["adminform"].model_admin.definition(job)
    written = json.loads(definition.split(">", 1)[1].rsplit("<", 1)[0].replace("&quot;", '"'))
    again = read_watch_list({"chain": "hilltop", "chain_id": 31337, "watches": [written]})
    assert [entry.definition for entry in again.entries] == [
        entry.definition for entry in read_watch_list(given).entries
    ]
    assert [entry.start_block for entry in again.entries] == [5]


@pytest.mark.parametrize(
    ("ranges", "drawn"),
    [
        ([(0, 50)], [("0.00", "50.00")]),
        ([(25, 50), (90, 100)], [("25.00", "25.00"), ("90.00", "10.00")]),
        ([(90, 300)], [("90.00", "10.00")]),  # cut at the end
        ([(200, 300)], []),  # nothing of it is on the bar
        ([(10, 10)], []),  # empty
        ([], []),
    ],
)
def test_ranges_are_drawn_to_scale(ranges: list[tuple[int, int]], drawn: list[tuple[str, str]]) -> None:
    assert [(part.left, part.width) for part in draw(0, 100, [("past", ranges)])] == drawn


def test_one_block_of_very_many_can_still_be_seen() -> None:
    assert draw(0, 10_000_000, [("live", [(9_999_999, 10_000_000)])])[0].width == "0.30"


@pytest.mark.parametrize(
    ("read", "total", "said"), [(0, 0, "100 %"), (999_999, 1_000_000, "99.9 %"), (5, 5, "100 %"), (0, 9, "0.0 %")]
)
def test_progress_is_never_rounded_up_to_all(read: int, total: int, said: str) -> None:
    assert progress_html(read, total).endswith(f" {said}</span>")
