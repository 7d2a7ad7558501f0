"""What nobody knew is kept once for each endpoint, counted, bounded; what was taught of it is read by the worker."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain, TaughtRule, UnknownText
from indexer.chains.refusals import KEPT, note_unknown, read_rules
from indexer.rpc import Refused, Rulebook, Throttled


def refused(text: str, label: str = "local-1", **changed: Any) -> Refused:
    error = Refused(text, endpoint=label, method="eth_getLogs", code=-32000)
    error.status = 200
    for name, value in changed.items():
        setattr(error, name, value)
    return error


def kept(chain: Chain) -> list[tuple[str, str, int]]:
    return list(UnknownText.objects.filter(chain=chain).order_by("id").values_list("label", "text", "count"))


def test_a_text_is_kept_once_for_each_endpoint_and_counted(connection: Connection, chains: list[Chain]) -> None:
    for _ in range(3):
        note_unknown(connection, chains[0], refused("the moon is full"))
    note_unknown(connection, chains[0], refused("the moon is full", "local-2"))
    note_unknown(connection, chains[1], refused("the moon is full"))
    assert kept(chains[0]) == [("local-1", "the moon is full", 3), ("local-2", "the moon is full", 1)]
    assert kept(chains[1]) == [("local-1", "the moon is full", 1)]


def test_it_tells_how_it_came_last(connection: Connection, chain: Chain) -> None:
    note_unknown(connection, chain, refused("the moon is full"))
    note_unknown(connection, chain, refused("the moon is full", code=None, status=None, method="eth_getBlockReceipts"))
    text = UnknownText.objects.get()
    assert (text.code, text.status, text.method) == (None, None, "eth_getBlockReceipts")
    assert text.first_seen < text.last_seen


def test_the_newest_texts_of_a_chain_are_kept(connection: Connection, chains: list[Chain]) -> None:
    note_unknown(connection, chains[1], refused("of another chain"))
    for number in range(KEPT + 20):
        note_unknown(connection, chains[0], refused(f"number {number}"))
        if number == 50:
            note_unknown(connection, chains[0], refused("number 0"))
    texts = {text: count for _, text, count in kept(chains[0])}
    # What was seen again is as new as that.
    assert texts == {"number 0": 2} | {f"number {number}": 1 for number in range(21, KEPT + 20)}
    assert kept(chains[1]) == [("local-1", "of another chain", 1)]


def test_texts_of_any_kind_and_length_are_kept(connection: Connection, chain: Chain) -> None:
    for text in ("", "\0", "é" * 5000, "\U0001f600" * 500, "a\nb\\c'd\"e%s"):
        note_unknown(connection, chain, refused(text, "x" * 500, method="m" * 500))
    assert len(kept(chain)) == 5


def test_workers_note_the_same_texts_at_once(chain: Chain) -> None:
    def note(worker: int) -> None:
        with connect(chain) as own:
            for number in range(60):
                note_unknown(own, chain, refused(f"number {(number * 7 + worker * 13) % 60}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(note, range(4)))
    assert sorted(count for _, _, count in kept(chain)) == [4] * 60


def test_enabled_rules_are_read_and_understood(connection: Connection, chain: Chain) -> None:
    TaughtRule.objects.create(pattern="the moon is full", meaning="Throttled", created_by="ada")
    TaughtRule.objects.create(pattern="the sun is down", meaning="Throttled", enabled=False, created_by="ada")
    book = Rulebook()
    book.teach(read_rules(connection))
    assert book.classify(-32000, "Sorry, the moon is full", None, 200, {}) is Throttled
    assert book.classify(-32000, "Sorry, the sun is down", None, 200, {}) is Refused


def test_a_rule_that_cannot_be_read_is_left_out_and_said(
    connection: Connection, chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    TaughtRule.objects.create(pattern="the moon is full", meaning="OfALaterRelease", created_by="ada")
    TaughtRule.objects.create(pattern="the sun is down", meaning="Throttled", created_by="ada")
    with caplog.at_level(logging.WARNING):
        assert len(read_rules(connection)) == 1
    assert "is left out: 'OfALaterRelease' is no meaning" in caplog.text
