"""What the demo shows of its chains' progress."""

from typing import Any

import pytest
from rich.console import Console

from indexer.chains.connections import Connection
from indexer.embedded.demo.progress import (
    STATES,
    Line,
    Progress,
    Rate,
    make_screen,
    name_links,
    read_progress,
    summarize,
    write_line,
)

AT_WORK = Progress(
    head=1_500,
    indexed_to=1_499,
    final=1_488,
    read=1_499,
    jobs_complete=3,
    jobs=16,
    rows=2_345,
    reorgs=4,
    complete=False,
)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"indexed_to": None}, "starting"),  # the worker has not come up yet
        ({"indexed_to": 1_400}, "catching up"),  # far behind, whatever the jobs are
        ({"indexed_to": 1_400, "complete": True}, "catching up"),
        ({"indexed_to": 1_497}, "reading the past"),  # a few blocks behind is the usual
        ({"complete": True}, "complete"),
        ({"indexed_to": 1_520, "complete": True}, "complete"),  # the chain has just been shortened
    ],
)
def test_a_state_says_what_the_worker_is_doing(change: dict[str, Any], state: str) -> None:
    assert AT_WORK._replace(**change).state == state
    assert state in STATES


def test_a_chain_that_never_ran_has_read_what_its_segments_say() -> None:
    settings = {
        "latest_block_processed": None,
        "final_block": None,
        "rewind": {"count": 0, "ancestor": None},
        "coverage": {"complete": False},
    }
    progress = summarize(400, settings, 25, 0, 16, 0)
    assert (progress.indexed_to, progress.final, progress.read) == (None, None, 25)


def test_a_rate_is_that_of_the_last_ten_seconds() -> None:
    rate = Rate()
    assert rate.add(100.0, 1_000) == 0.0
    assert rate.add(101.0, 1_400) == 400.0
    assert rate.add(102.0, 1_400) == 200.0
    for second in range(103, 111):
        rate.add(float(second), 1_400)
    assert rate.add(111.0, 1_410) == 1.0


def test_a_rate_is_never_negative() -> None:
    rate = Rate()
    rate.add(1.0, 500)
    assert rate.add(2.0, 488) == 0.0


def test_the_screen_shows_every_chain_and_whole_links() -> None:
    lines = [Line("hilltop", AT_WORK, 12.34), Line("seaside", AT_WORK._replace(indexed_to=None, final=None), 0.0)]
    address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(make_screen(lines, name_links("http://127.0.0.1:8000", [address], "/logs")))
    shown = [" ".join(line.split()) for line in capture.get().splitlines()]
    assert shown[0] == "chain head indexed to final blocks/s jobs complete rows reorgs state"
    assert shown[1] == "hilltop 1,500 1,499 1,488 12.3 3 / 16 2,345 4 reading the past"
    assert shown[2] == "seaside 1,500 - - 0.0 3 / 16 2,345 4 starting"
    assert f"http://127.0.0.1:8000/api/v1/addresses/{address}" in shown
    assert "Health http://127.0.0.1:8000/health/ready" in shown
    assert "API http://127.0.0.1:8000/api/v1/docs" in shown
    assert "Metrics http://127.0.0.1:8000/metrics" in shown
    assert "Logs /logs" in shown


def test_without_a_screen_all_chains_are_one_line() -> None:
    text = write_line([Line("hilltop", AT_WORK, 1.0), Line("seaside", AT_WORK, 1.0)])
    assert "\n" not in text
    assert "hilltop: head 1,500, indexed to 1,499, final 1,488, 1.0 blocks/s, jobs complete 3/16, rows 2,345" in text
    assert "; seaside: " in text


def test_progress_is_read_from_the_chains_schema(connection: Connection) -> None:
    connection.execute("UPDATE settings SET value = '120' WHERE key = 'latest_block_processed'")
    connection.execute("UPDATE settings SET value = '108' WHERE key = 'final_block'")
    connection.execute("""UPDATE settings SET value = '{"count": 2, "ancestor": 90}' WHERE key = 'rewind'""")
    connection.execute("INSERT INTO scans (created_at) VALUES (now())")
    connection.execute(
        "INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts)"
        " SELECT id, 0, 99, 40, 0, 0 FROM scans"
    )
    assert read_progress(connection, 123) == Progress(
        head=123, indexed_to=120, final=108, read=160, jobs_complete=0, jobs=0, rows=0, reorgs=2, complete=False
    )
