"""What is taken of an answer: every row that is right, none that is wrong, and nothing at all of a changed source."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from indexer.market.charts import name_pool, reject_days_to_come
from indexer.market.reading import LEAST_BAD, Drift, Malformed, read
from indexer.market.shapes import CHAINS, CHART, OLD_POOLS, POOLS, PROTOCOLS, Shape
from tests.standin.defillama import DefiLlama

LLAMA = DefiLlama("small")
SHAPES = {"/v2/chains": CHAINS, "/protocols": PROTOCOLS, "/pools": POOLS, "/key/yields/poolsOld": OLD_POOLS}
CHART_PATH = f"/chart/{LLAMA.tables['/pools'].read()[0]['pool']}"


def rows_of(path: str) -> list[dict[str, Any]]:
    table = LLAMA.find(path)
    assert table
    return table.read()


def pools_with(*changed: dict[str, Any]) -> bytes:
    """The stand-in's pools, the first ones of them changed."""
    rows = rows_of("/pools")
    for row, change in zip(rows, changed, strict=False):
        row.update(change)
    return in_data(rows)


def in_data(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"status": "success", "data": rows}).encode()


@pytest.mark.parametrize(("path", "shape"), [*SHAPES.items(), (CHART_PATH, CHART)])
def test_every_row_of_a_good_answer_is_taken(path: str, shape: Shape) -> None:
    table = LLAMA.find(path)
    assert table
    reading = read(table.body().plain, shape)
    assert not reading.rejected
    assert len(reading.rows) == len(table.rows)


def test_null_is_not_zero_and_absent_is_null() -> None:
    row = rows_of("/pools")[0] | {"tvlUsd": None, "apy": 0}
    del row["apyBase"]
    taken = read(in_data([row]), POOLS).rows[0]
    assert (taken.tvl, taken.apy, taken.apy_base) == (None, 0.0, None)


# The traps of single rows: (what the row says, the reason, what is said of it)
TRAPS = [
    ({"pool": "not a uuid"}, "shape", "Invalid UUID - at `$.pool`"),
    ({"pool": None}, "shape", "Expected `uuid`, got `null` - at `$.pool`"),
    ({"tvlUsd": "12"}, "shape", "Expected `float | null`, got `str` - at `$.tvlUsd`"),
    ({"chain": None}, "shape", "Expected `str`, got `null` - at `$.chain`"),
    ({"stablecoin": "yes"}, "shape", "Expected `bool | null`, got `str` - at `$.stablecoin`"),
    ({"underlyingTokens": "0x00"}, "shape", "Expected `array | null`, got `str` - at `$.underlyingTokens`"),
    ({"apy": 1_000_001}, "bounds", "Expected `float` <= 1000000.0 - at `$.apy`"),
    ({"apy": -101}, "bounds", "Expected `float` >= -100.0 - at `$.apy`"),
    ({"tvlUsd": 3e11}, "bounds", "- at `$.tvlUsd`"),
    ({"tvlUsd": -1}, "bounds", "- at `$.tvlUsd`"),
    ({"project": "p" * 201}, "bounds", "Expected `str` of length <= 200 - at `$.project`"),
    ({"apy": float("nan")}, "shape", "got `str` - at `$.apy`"),  # json.dumps writes NaN, which is no JSON
    ({"apy": float("inf")}, "shape", "got `str` - at `$.apy`"),
    ({"apy": float("-inf")}, "shape", "got `str` - at `$.apy`"),
    ({"symbol": "a\0b"}, "shape", "NUL"),  # PostgreSQL has no such text
    ({"symbol": "a\ud800b"}, "shape", "half of a pair"),  # JavaScript cuts texts in the middle of a character
]


@pytest.mark.parametrize(("change", "reason", "words"), TRAPS)
def test_one_bad_row_is_rejected_with_its_field_and_takes_no_other_with_it(
    change: dict[str, Any], reason: str, words: str
) -> None:
    reading = read(pools_with(change), POOLS)
    assert len(reading.rows) == 999
    (rejected,) = reading.rejected
    assert rejected.reason == reason
    assert words in rejected.words
    assert rejected.key == (rows_of("/pools")[0] | change)["pool"] or rejected.key == "row 0"
    assert rejected.row.startswith("{")


# What looks wrong and is right: (what the row says, the attribute, what it is then)
ODD_BUT_RIGHT = [
    ({"apy": 12_345.6}, "apy", 12_345.6),  # above 10,000 %
    ({"apy": -3.5}, "apy", -3.5),  # options lose
    ({"tvlUsd": 32_493_036_117}, "tvl", 32_493_036_117.0),  # Lido's, as the documentation of the API has it
    ({"underlyingTokens": [None, "0xeeee"]}, "underlying_tokens", [None, "0xeeee"]),
    ({"symbol": "\\ud800 NaN 😀 \\"}, "symbol", "\\ud800 NaN 😀 \\"),
    ({"aNewField": {"of": "theirs"}}, "pool_meta", rows_of("/pools")[0]["poolMeta"]),
]


@pytest.mark.parametrize(("change", "attribute", "value"), ODD_BUT_RIGHT)
def test_what_is_odd_but_right_is_taken(change: dict[str, Any], attribute: str, value: object) -> None:
    # The second row is broken so that the first has to come through the mending of NaN, too.
    reading = read(pools_with(change, {"apy": float("nan")}), POOLS)
    assert getattr(reading.rows[0], attribute) == value
    assert len(reading.rows) == 999


def test_bytes_that_are_no_utf8_are_a_problem_of_their_row() -> None:
    body = pools_with({"symbol": "HERE"}).replace(b"HERE", b"\xff\xfe")
    reading = read(body, POOLS)
    assert (len(reading.rows), reading.rejected[0].reason) == (999, "shape")


def test_a_number_beyond_all_floats_is_out_of_bounds() -> None:
    body = pools_with({"il7d": 31337.5}).replace(b"31337.5", b"1e999")
    assert read(body, POOLS).rejected[0][1:3] == ("bounds", "Number out of range - at `$.il7d`")


DEEP = (b"[" * 5000 + b"]" * 5000, b'{"a":' * 5000 + b"1" + b"}" * 5000)


@pytest.mark.parametrize("broken", [b"1e400", b'"\xff\xfe"', *DEEP])
def test_a_row_that_cannot_be_read_is_known_by_its_key_nevertheless(broken: bytes) -> None:
    body = pools_with({"il7d": 31337.5, "pool": (key := rows_of("/pools")[0]["pool"]).upper()})
    reading = read(body.replace(b"31337.5", broken), POOLS)
    assert (len(reading.rows), [each.key for each in reading.rejected]) == (999, [key])


def test_what_is_nested_deeply_where_nobody_looks_is_a_problem_of_its_row_too() -> None:
    """And brackets within texts are none."""
    body = pools_with({"aNewField": 31337.5}, {"symbol": "[" * 5000})
    reading = read(body.replace(b"31337.5", b"[" * 5000 + b"]" * 5000), POOLS)
    assert (len(reading.rows), reading.rows[0].symbol) == (999, "[" * 5000)
    assert "nested too deeply" in reading.rejected[0].words
    with pytest.raises(Malformed):
        read(body.replace(b"31337.5", b"[" * 5000), POOLS)


def test_lists_that_a_protocol_lacks_may_be_null() -> None:
    rows = rows_of("/protocols")
    rows[0] |= {"chains": None, "chainTvls": None}
    assert not read(json.dumps(rows).encode(), PROTOCOLS).rejected


def test_a_row_that_is_no_object_is_known_by_its_place() -> None:
    body = in_data(rows_of("/pools")).replace(b'"data": [', b'"data": [null, ')
    (rejected,) = read(body, POOLS).rejected
    assert (rejected.key, rejected.row) == ("row 0", "null")


def test_of_two_rows_with_one_key_the_last_is_taken() -> None:
    rows = rows_of("/pools")
    rows.append(rows[0] | {"pool": rows[0]["pool"].upper(), "apy": 77})
    reading = read(in_data(rows), POOLS)
    assert (len(reading.rows), reading.rows[-1].apy) == (1000, 77)
    assert [(each.key, each.reason) for each in reading.rejected] == [(rows[0]["pool"], "duplicate")]


def test_of_one_day_of_a_chart_the_last_measurement_is_taken() -> None:
    days = rows_of(CHART_PATH)
    days.append(days[-1] | {"timestamp": "2099-12-31T00:00:00.000Z"})
    days.append(days[-1] | {"apy": 5})
    reading = read(in_data(days), CHART)
    assert (reading.rows[-1].key, reading.rows[-1].apy, len(reading.rejected)) == ("2099-12-31", 5, 1)


@pytest.mark.parametrize(
    ("moment", "bound"),
    [
        ("9999-12-31T23:30:00-02:00", "<= 2100-01-01"),  # a day later in UTC, which no calendar has
        ("2999-01-01T00:00:00Z", "<= 2100-01-01"),
        ("0001-01-01T00:00:00+02:00", ">= 1970-01-01"),
    ],
)
def test_a_day_that_no_calendar_has_takes_no_other_with_it(moment: str, bound: str) -> None:
    days = rows_of(CHART_PATH)
    days[3]["timestamp"] = moment
    reading = read(in_data(days), CHART)
    assert [each[:3] for each in reading.rejected] == [
        (moment, "bounds", f"Expected `datetime` {bound} - at `$.timestamp`")
    ]
    assert len(reading.rows) == len(days) - 1


def test_a_day_after_tomorrow_is_rejected_and_many_of_them_are_drift() -> None:
    days = rows_of(CHART_PATH)
    reading = read(in_data(days), CHART)
    last = reading.rows[-1].day
    assert reject_days_to_come(reading, last - timedelta(days=1)) == reading
    cut = reject_days_to_come(reading, last - timedelta(days=2))
    assert (cut.rows, len(cut.raws)) == (reading.rows[:-1], len(cut.rows))
    (rejected,) = cut.rejected
    assert rejected[:2] == (f"{last}", "bounds")
    assert json.loads(rejected.row) == days[-1]
    with pytest.raises(Drift, match=r"^\$\.timestamp: 100 of "):
        reject_days_to_come(reading, last - timedelta(days=101))


def test_a_rejected_day_is_known_by_its_pool_in_no_more_than_a_key_s_length() -> None:
    days = rows_of(CHART_PATH)
    days[0]["timestamp"] = "9" * 180
    (named,) = name_pool(read(in_data(days), CHART).rejected, "p" * 36)
    assert named.key == "p" * 36 + " " + "9" * 163


def test_a_time_without_a_zone_is_no_time() -> None:
    days = rows_of(CHART_PATH)
    days[3]["timestamp"] = "2026-01-01T00:00:00"
    assert "$.timestamp" in read(in_data(days), CHART).rejected[0].words


def test_a_day_is_one_of_utc_wherever_it_was_measured() -> None:
    row = rows_of(CHART_PATH)[0] | {"timestamp": "2026-01-01T00:30:00+02:00"}
    assert read(in_data([row]), CHART).rows[0].key == "2025-12-31"


def test_a_name_that_is_a_number_is_a_bad_row_of_protocols() -> None:
    rows = rows_of("/protocols")
    rows[0]["chainTvls"] = {"Ethereum-borrowed": "12"}
    rows[1] |= {"id": 17}
    rejected = read(json.dumps(rows).encode(), PROTOCOLS).rejected
    assert [each.key for each in rejected] == ["1", "17"]


# How a source changes: (what is done to every row, the field that is named)
DRIFTS = [
    (lambda row: row.pop("apy"), "$.apy"),
    (lambda row: row.pop("tvlUsd"), "$.tvlUsd"),
    (lambda row: row.pop("pool"), "$.pool"),
    (lambda row: row.update(id=row.pop("pool")), "$.pool"),
    (lambda row: row.update(tvlUsd=str(row["tvlUsd"])), "$.tvlUsd"),
    (lambda row: row.update(apy=None), "$.apy"),
    (lambda row: row.update(chain={"name": row["chain"]}), "$.chain"),
    (lambda row: row.update(tvlUsd=row["tvlUsd"] * 1e9), "$.tvlUsd"),
    (lambda row: row.update(underlyingTokens=[{}]), "$.underlyingTokens[...]"),
    (lambda row: row.update(pool="a" * 32), "$.pool"),
]


@pytest.mark.parametrize(("change", "field"), DRIFTS)
def test_a_field_that_is_bad_everywhere_stops_the_write_and_is_named(change: Any, field: str) -> None:
    rows = rows_of("/pools")
    for row in rows:
        change(row)
    with pytest.raises(Drift, match=rf"^{re.escape(field)}: .*what was kept before stays$") as drift:
        read(in_data(rows), POOLS)
    assert drift.value.field == field


def test_five_per_cent_of_bad_rows_are_their_own_problem_and_one_more_is_the_source_s() -> None:
    bad = {"apy": "high"}
    assert len(read(pools_with(*[bad] * 50), POOLS).rejected) == 50
    with pytest.raises(Drift, match=r"51 of 1,000 rows are bad for it: Expected `float | null`, got `str`"):
        read(pools_with(*[bad] * 51), POOLS)


def test_many_rows_that_are_bad_for_different_reasons_are_no_drift() -> None:
    fields = ("apy", "tvlUsd", "apyBase", "il7d")
    assert len(read(pools_with(*[{field: "x"} for field in fields for _ in range(40)]), POOLS).rejected) == 160


def test_in_a_short_answer_a_few_bad_rows_are_no_drift() -> None:
    days = rows_of(CHART_PATH)[:10]
    for day in days[: LEAST_BAD - 1]:
        day["apy"] = 1e9
    assert len(read(in_data(days), CHART).rejected) == LEAST_BAD - 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"status":"success"}', "$.data"),
        (b'{"status":"error","data":[]}', "$.status: 'error'"),
        (b'{"status":"success","data":{}}', "$.data"),
        (b'["success"]', r"\$"),
        (in_data([]), r"\$: 0 rows"),
    ],
)
def test_an_answer_without_rows_is_drift(body: bytes, said: str) -> None:
    with pytest.raises(Drift, match=said.replace("$.", r"\$\.")):
        read(body, POOLS)


def test_far_fewer_rows_than_before_are_drift_and_a_new_pool_s_empty_chart_is_none() -> None:
    with pytest.raises(Drift, match=r"1,000 rows, where there were 25,000 or more"):
        read(in_data(rows_of("/pools")), POOLS, least=25_000)
    assert read(in_data([]), CHART).rows == []


def test_a_text_without_end_costs_no_more_than_its_length() -> None:
    with pytest.raises(Malformed):
        read(b'{"status":"' + b'\\"' * 500_000, POOLS)


@pytest.mark.parametrize("body", [in_data(rows_of("/pools"))[:-500], b"", b"<html>", b'{"status":'])
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed, match=f"^{len(body):,} bytes that are no JSON: "):
        read(body, POOLS)
