"""The table of texts, codes and HTTP statuses: each has one meaning, and ranges and rates are never confused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.rpc import (
    BlockUnknown,
    Endpoint,
    Forbidden,
    MethodUnsupported,
    Pruned,
    QuotaSpent,
    Refused,
    RpcError,
    Rulebook,
    Throttled,
    TooLarge,
    Transport,
)
from indexer.rpc.rulebook import READ, SHOWN
from indexer.rpc.texts import TEXTS

from .envelopes import one, three
from .pathologies import CASES, PAGES, RANGES, RATES, Case, Page
from .scripted import ScriptedNode, Sent, refusing

BOOK = Rulebook()


def whole(case: Case) -> str:
    return case.message if case.data is None else f"{case.message}\n{case.data}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_text_is_claimed_by_one_meaning(case: Case) -> None:
    found = {rule.kind for rule in TEXTS if rule.pattern.search(whole(case))}
    # Infura's text for a spent day ends with words that, alone, are about a rate.
    assert found <= ({QuotaSpent, Throttled} if case.kind is QuotaSpent else {case.kind})


def test_every_rule_is_needed_by_some_text() -> None:
    texts = [whole(case) for case in CASES]
    assert [r.pattern.pattern for r in TEXTS if not any(r.pattern.search(text) for text in texts)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_means_what_its_status_means(page: Page, scripted: ScriptedNode, endpoint: Endpoint) -> None:
    scripted.always = lambda request: Sent(page.body.encode(), page.status, dict(page.headers))
    for ask in (one, three):
        with pytest.raises(RpcError) as caught:
            ask(endpoint)
        assert type(caught.value) is page.kind
        if isinstance(caught.value, Throttled):
            assert caught.value.retry_after == page.wait


SPELLINGS: dict[str, Callable[[int], str]] = {
    "plain": str,
    "commas": lambda number: f"{number:,}",
    "dots": lambda number: f"{number:,}".replace(",", "."),
    "hex": hex,
}
WITH_A_LIMIT = (
    "eth_getLogs is limited to a {limit} range",
    "exceed maximum block range: {limit}",
    "eth_getLogs block range too large, range: {asked}, max: {limit}",
    "block range too large ({asked}), maximum allowed is {limit} blocks",
    "block range is larger than max block range, block range = {asked}, max block range = {limit}",
    "the range exceeds the range allowed for your plan ({asked} > {limit}).",
    "requested too many blocks from {asked} to {asked}, maximum is set to {limit}",
    "range {asked} exceeds limit of {limit}",
)
NUMBERS = st.integers(1, 10**15)


@given(NUMBERS, NUMBERS, st.sampled_from(sorted(SPELLINGS)), st.sampled_from(WITH_A_LIMIT))
@settings(deadline=None)
def test_a_limit_is_read_however_it_is_spelled(limit: int, asked: int, spelling: str, form: str) -> None:
    spell = SPELLINGS[spelling]
    text = form.format(limit=spell(limit), asked=spell(asked))
    error = BOOK.error(-32000, text, None, 200, {}, method="eth_getLogs")
    assert isinstance(error, TooLarge)
    assert error.limit_blocks == limit


@given(st.integers(1, 99_999))
@settings(deadline=None)
def test_a_limit_in_thousands_is_read(thousands: int) -> None:
    for spelled, limit in ((f"{thousands}k", thousands * 1000), (f"{thousands}.5K", thousands * 1000 + 500)):
        error = BOOK.error(None, f"eth_getLogs range is too large, max is {spelled} blocks", None, 200, {})
        assert isinstance(error, TooLarge)
        assert error.limit_blocks == limit


@given(st.integers(0, 2**60), st.integers(0, 2**60))
@settings(deadline=None)
def test_a_suggestion_is_kept_in_its_order_and_dropped_when_inverted(first: int, last: int) -> None:
    for text in (
        f"Log response size exceeded. this block range should work: [{first:#x}, {last:#x}]",
        f"query exceeds max results 20000, retry with the range {first}-{last}",
    ):
        error = BOOK.error(-32602, text, None, 200, {})
        assert isinstance(error, TooLarge)
        assert error.suggested == ((first, last) if first <= last else None)


AROUND = st.text(st.characters(codec="utf-8", exclude_categories=["Nd", "Ll", "Lu"]), max_size=20)


@given(st.sampled_from(RANGES + RATES), AROUND, AROUND, st.sampled_from((200, 400, 413, 429, 503)))
@settings(deadline=None)
def test_a_range_never_waits_and_a_rate_never_shrinks(case: Case, before: str, after: str, status: int) -> None:
    """Whatever stands around the text, and whatever the HTTP status says."""
    known = any(rule.pattern.search(case.message) for rule in TEXTS)
    kind = BOOK.classify(case.code, f"{before} {case.message} {after}", case.data, status, {})
    if known and case.message not in ("limit exceeded", "invalid block range"):
        assert kind is case.kind
    assert not (issubclass(case.kind, Throttled) and kind is TooLarge)


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (401, {}, Forbidden),
        (402, {}, QuotaSpent),  # the bill is not paid
        (403, {}, Forbidden),
        (404, {}, Forbidden),
        (408, {}, Transport),
        (410, {}, Forbidden),
        (413, {}, TooLarge),
        (429, {}, Throttled),
        (500, {}, Transport),
        (503, {}, Transport),
        (503, {"Retry-After": "3"}, Throttled),  # it names its wait
        (520, {}, Transport),
        (200, {}, Refused),
        (400, {}, Refused),
    ],
)
def test_an_unknown_text_means_what_its_http_status_means(
    status: int, headers: dict[str, str], kind: type[RpcError]
) -> None:
    for code in (-32000, -32005, -32600, -32602, -32603, None):
        for text in ("something new", "", "this plan is limited to a certain region"):
            assert BOOK.classify(code, text, None, status, headers) is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (429, Throttled),
        (4444, Pruned),
        (-32004, MethodUnsupported),
        (-32008, TooLarge),
        (-32019, BlockUnknown),
        (-32601, MethodUnsupported),
        (-32614, TooLarge),
    ],
)
def test_a_code_with_one_meaning_tells_where_the_text_is_new(code: int, kind: type[RpcError]) -> None:
    assert BOOK.classify(code, "something new", None, 200, {}) is kind


def test_a_limit_exceeded_with_http_429_is_a_rate() -> None:
    """BSC's nodes answer the same words with HTTP 200, of a method that is off."""
    assert BOOK.classify(-32005, "limit exceeded", None, 429, {}) is Throttled
    assert BOOK.classify(-32005, "limit exceeded", None, 200, {}) is MethodUnsupported
    assert BOOK.classify(-32005, "rate limit exceeded", None, 200, {}) is Throttled


@pytest.mark.parametrize(
    ("headers", "data", "seconds"),
    [
        ({"Retry-After": "7"}, None, 7.0),
        ({"retry-after": " 1.5 "}, None, 1.5),
        ({}, {"backoff_seconds": 30, "rate": {}}, 30.0),  # Infura
        ({}, {"rate": {"backoff_seconds": 2.5}}, 2.5),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None, 60.0),  # by our clock
        (
            {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Date": "Wed, 21 Oct 2026 07:27:50 GMT"},
            None,
            10.0,
        ),  # by theirs, which may be wrong
        ({"Retry-After": "Wednesday, 21-Oct-26 07:28:00 GMT"}, None, 60.0),
        ({"Retry-After": "Wed, 21 Oct 2020 07:28:00 GMT"}, None, 0.0),
        ({"Retry-After": "Wed, 99 Oct 2026 07:28:00 GMT"}, None, None),
        ({"Retry-After": "-5"}, None, None),
        ({"Retry-After": "nan"}, None, None),
        ({"Retry-After": "٣"}, None, None),
        ({}, None, None),
    ],
)
def test_the_wait_a_provider_names_is_read(headers: dict[str, str], data: Any, seconds: float | None) -> None:
    book = Rulebook(now=lambda: 1_792_567_620.0)  # 2026-10-21 07:27:00 UTC
    error = book.error(429, "Too many requests", data, 429, headers)
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


ADDRESSES = {
    "This query contains 5006 filters. The current limit is 5000.": 5000,
    "specify less number of address": None,
    "exceed max addresses or topics per search position": None,
}


def test_only_texts_about_addresses_want_fewer_of_them() -> None:
    for case in RANGES:
        error = BOOK.error(case.code, case.message, case.data, 200, {})
        if isinstance(error, TooLarge):
            about = case.message in ADDRESSES
            assert (error.what, error.limit_addresses) == (
                "addresses" if about else "range",
                ADDRESSES.get(case.message),
            )
            assert error.limit_blocks is None or not about


@given(st.text(), st.text())
@settings(deadline=None)
def test_no_header_breaks_the_reading_of_a_wait(retry_after: str, date: str) -> None:
    error = BOOK.error(429, "", None, 429, {"Retry-After": retry_after, "Date": date})
    assert isinstance(error, Throttled)
    assert error.retry_after is None or error.retry_after >= 0


@pytest.mark.parametrize("text", ["Method not found", "no backend is currently healthy to serve traffic"])
@pytest.mark.parametrize("method", ["eth_blockNumber", "eth_chainId", "eth_getBlockByNumber", "eth_getBlockByHash"])
def test_a_method_every_node_serves_is_never_off_nor_too_large(
    text: str, method: str, scripted: ScriptedNode, endpoint: Endpoint
) -> None:
    """dRPC has answered eth_blockNumber with -32601."""
    scripted.always = refusing(-32601, text)
    with pytest.raises(Transport):
        endpoint.call(method, [], str)


def test_a_text_of_any_size_is_bounded_and_harmless() -> None:
    for text in ("max is " + "9" * 100_000 + "k blocks", "max range: " + "1," * 100_000, "[0x" + "f" * 100_000):
        error = BOOK.error(-32000, text, {"deep": [text]}, 200, {})
        assert len(error.text) <= SHOWN < READ


def test_a_text_is_one_line_that_a_terminal_and_a_database_bear() -> None:
    error = BOOK.error(-32000, "first\nsecond\x1b[31m\x00third\ud800", None, 200, {})
    assert error.text == "first second [31m third"
