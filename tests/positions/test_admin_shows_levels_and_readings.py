"""The admin says how well what was read is checked, and on whose answers it rests."""

import re

import pytest

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.protocol.ledger import Run, note_run
from indexer.rpc import Level
from tests.people import LogIn
from tests.positions.lookup_rows import refresh, start

READINGS = "/admin/positions/reading/"
RUNS: tuple[tuple[int | None, Run], ...] = (
    (1, Run(0, 9_999, Level.CLAIMED, ("alchemy-1",), 5, 2**100 + 7)),
    (1, Run(10_000, 19_999, Level.AGREED, ("alchemy-1", "infura-2"), 7, 8)),
    (2, Run(0, 4_999, Level.CLAIMED, ("infura-2",), None, None)),
    (None, Run(20_000, 20_000, Level.PROVED, ("local-3",), 1, 9)),
)


@pytest.fixture
def read(connection: Connection) -> None:
    start(connection, final=20_000, cursor=20_001, head=20_002)
    for number in (1, 2):
        connection.execute("INSERT INTO scans (id, created_at) VALUES (%s, now())", [number])
    connection.execute(
        "INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, level, attempts)"
        " VALUES (1, 0, 9999, 10000, 5, 0, 0), (1, 10000, 19999, 20000, 7, 1, 0), (2, 0, 4999, 5000, 0, 0, 0)"
    )
    with connection.transaction(), connection.cursor() as cur:
        for scan, run in RUNS:
            note_run(cur, run, scan)
    refresh(connection)


def rows_of(page: str) -> list[str]:
    """The rows of a list as people read them."""
    rows = page.partition('id="result_list"')[2].partition("</table>")[0].split("<tr")[2:]
    return [" ".join(re.sub(r"<[^>]*>", " ", f"<tr{row}").split()) for row in rows]


def test_every_reading_says_what_it_rests_on(read: None, log_in: LogIn) -> None:
    rows = rows_of(log_in("viewer").get(READINGS).content.decode())
    assert len(rows) == len(RUNS)
    newest, of_the_second, agreed, oldest = rows
    assert newest.startswith("20,000 1 block proved local-3 latest loop 1 …00000009 ")
    assert of_the_second.startswith("0–4,999 5,000 blocks claimed infura-2 scan 2 – – ")
    assert agreed.startswith("10,000–19,999 10,000 blocks agreed alchemy-1 infura-2 scan 1 7 …00000008 ")
    assert oldest.startswith("0–9,999 10,000 blocks claimed alchemy-1 scan 1 5 …00000007 ")


@pytest.mark.parametrize(
    ("query", "first_blocks"),
    [
        ("level=claimed", [0, 0]),
        ("loop=latest", [20_000]),
        ("loop=historic", [0, 10_000, 0]),
        ("endpoint=infura-2", [0, 10_000]),
        ("endpoint=infura-2&level=agreed&loop=historic", [10_000]),
        ("q=4,999", [0, 0]),
        ("q=5000", [0]),
        ("q=abc", []),
        ("endpoint=nobody", []),
    ],
)
def test_readings_are_found_by_level_loop_endpoint_and_block(
    query: str, first_blocks: list[int], read: None, log_in: LogIn
) -> None:
    rows = rows_of(log_in("viewer").get(f"{READINGS}?{query}").content.decode())
    assert [int(re.split(r"[–\s]", row)[0].replace(",", "")) for row in rows] == first_blocks


def test_a_level_or_loop_that_there_is_not_finds_all(read: None, log_in: LogIn) -> None:
    response = log_in("viewer").get(f"{READINGS}?level=certain&loop=neither", follow=True)
    assert response.status_code == 200
    assert len(rows_of(response.content.decode())) == len(RUNS)


def test_nobody_changes_a_reading(read: None, connection: Connection, log_in: LogIn) -> None:
    client = log_in("administrator")
    row = connection.execute("SELECT min(id) FROM readings").fetchone()
    assert row is not None
    assert client.get(f"{READINGS}add/").status_code == 403
    assert client.post(f"{READINGS}{row[0]}/delete/", {"chain": "hilltop", "post": "yes"}).status_code == 403
    assert client.post(f"{READINGS}{row[0]}/change/", {"chain": "hilltop", "level": 3}).status_code == 403


def test_segments_and_scans_say_the_weakest_level_and_whose_word_it_is(read: None, log_in: LogIn) -> None:
    client = log_in("viewer")
    second, first = rows_of(client.get("/admin/positions/scan/").content.decode())
    assert "claimed infura-2" in second
    assert "claimed alchemy-1 infura-2" in first
    segments = rows_of(client.get("/admin/positions/segment/?q=1").content.decode())
    assert ["claimed alchemy-1 –" in segments[0], "agreed alchemy-1 infura-2 –" in segments[1]] == [True, True]


def test_a_chain_says_its_usual_and_its_weakest_level(read: None, chain: Chain, log_in: LogIn) -> None:
    client = log_in("viewer")
    row = next(row for row in rows_of(client.get("/admin/chains/chain/").content.decode()) if "hilltop" in row)
    assert "claimed" in row
    assert "mostly" not in row
    assert "proved 1, agreed 10,000, claimed 15,001" in client.get("/admin/").content.decode()
    page = re.sub(r"<[^>]*>", "", client.get(f"/admin/chains/chain/{chain.pk}/change/").content.decode())
    for line in ("proved 1 block, &lt; 0.1 %", "agreed 10,000 blocks, 39.9 %", "claimed 15,001 blocks, 59.9 %"):
        assert line in page
    assert "proved 1, agreed 10,000, claimed 15,001" in client.get("/admin/positions/setting/").content.decode()


def test_where_the_weakest_level_is_not_the_usual_one_both_are_said(
    chain: Chain, connection: Connection, log_in: LogIn
) -> None:
    start(connection)
    with connection.transaction(), connection.cursor() as cur:
        note_run(cur, Run(0, 88, Level.PROVED, ("local-1",), 5, 5))
        note_run(cur, Run(89, 90, Level.CLAIMED, ("local-1",), 5, 5))
    refresh(connection)
    rows = rows_of(log_in("viewer").get("/admin/chains/chain/").content.decode())
    (row,) = [row for row in rows if "hilltop" in row]
    assert "mostly proved , at least claimed" in row
