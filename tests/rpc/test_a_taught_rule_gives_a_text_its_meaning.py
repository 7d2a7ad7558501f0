"""Rules that people teach: plain texts with two placeholders, checked when taught, harmless when read."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.rpc import Endpoint, Forbidden, QuotaSpent, Refused, RpcError, Rulebook, Throttled, TooLarge, taught_rule
from indexer.rpc.rulebook import FEWEST_LETTERS, LONGEST_TAUGHT, MEANINGS
from indexer.rpc.texts import TEXTS

from .pathologies import CASES, Case
from .scripted import ScriptedNode, refusing

SAID = "shard 7 serves no more than 250 heights, you asked for 1,000"
PATTERN = "serves no more than {LIMIT} heights, you asked for {NUM}"


def meaning(book: Rulebook, text: str, code: int | None = -32000) -> type[RpcError]:
    return book.classify(code, text, None, 200, {})


def test_a_refusal_nobody_knows_is_understood_once_taught(scripted: ScriptedNode) -> None:
    book = Rulebook()
    endpoint = Endpoint(scripted.url, "local-1", rulebook=book)
    scripted.always = refusing(-32000, SAID)
    with pytest.raises(Refused):
        endpoint.call("eth_getLogs", [{}], list[str])
    book.teach([taught_rule(PATTERN, "TooLarge")])
    with pytest.raises(TooLarge) as caught:
        endpoint.call("eth_getLogs", [{}], list[str])
    assert caught.value.limit_blocks == 250
    book.teach([])
    with pytest.raises(Refused):
        endpoint.call("eth_getLogs", [{}], list[str])
    endpoint.close()


@pytest.mark.parametrize("meaning_", [kind.__name__ for kind in MEANINGS])
def test_every_meaning_can_be_taught(meaning_: str) -> None:
    book = Rulebook([taught_rule("the moon is full", meaning_)])
    assert book.error(-32000, "Sorry: the moon is full.", None, 200, {}).__class__.__name__ == meaning_


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("The Moon IS full", "the moon is full"),
        ("the moon   is\nfull", "alas the moon is full today"),
        ("moon is full (100%) [really]? .*", "The moon is full (100%) [really]? .*"),  # nothing is special
        ("moon {NUM} of {NUM}", "moon 0x1f of 10,000"),
        ("moon is full", "the moon\tis   full"),
    ],
)
def test_a_pattern_is_plain(pattern: str, text: str) -> None:
    assert meaning(Rulebook([taught_rule(pattern, "Throttled")]), text) is Throttled


def test_what_is_copied_from_a_shown_text_is_found_again() -> None:
    shown = Rulebook().error(-32000, "it\x00is \n full", {"moon": "7", "x": 1}, 200, {}).text
    book = Rulebook([taught_rule(shown, "Throttled")])
    assert book.classify(-32000, "it\x00is \n full", {"moon": "7", "x": 1}, 200, {}) is Throttled


KNOWN = [case for case in CASES if any(rule.pattern.search(f"{case.message}\n{case.data}") for rule in TEXTS)]


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case.name)
def test_a_known_text_keeps_its_meaning_whatever_is_taught(case: Case) -> None:
    words = "".join(character if character.isalpha() else " " for character in case.message).split()
    careless = {"exceed", "blocks", "request", max(words, key=len)}
    rules = [taught_rule(word, "Forbidden") for word in careless if len(word) >= FEWEST_LETTERS]
    assert Rulebook(rules).classify(case.code, case.message, case.data, 200, {}) is case.kind


def test_a_rule_goes_before_what_a_code_or_a_status_alone_would_mean() -> None:
    book = Rulebook([taught_rule("key has been suspended", "Forbidden"), taught_rule("credits of today", "QuotaSpent")])
    assert book.classify(-32009, "the key has been suspended", None, 429, {}) is Forbidden
    error = book.error(429, "no credits of today left", None, 429, {"Retry-After": "60"})
    assert isinstance(error, QuotaSpent)
    assert error.retry_after == 60.0


@pytest.mark.parametrize(
    ("pattern", "meaning_", "said"),
    [
        ("", "Throttled", "0 letters"),
        ("limit", "Throttled", "5 letters"),
        ("{LIMIT} {NUM} 12345 ... ----", "TooLarge", "0 letters"),
        ("a" * (LONGEST_TAUGHT + 1), "Throttled", "201 characters are too many"),
        ("from {LIMIT} blocks to {LIMIT}", "TooLarge", "stands for one number"),
        ("wait for {LIMIT} seconds", "Throttled", "write {NUM}"),
        ("the moon is full", "NullRound", "no meaning: choose one of TooLarge"),
        ("the moon is full", "Inconsistent", "no meaning"),
        ("the moon is full", "", "no meaning"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_words(pattern: str, meaning_: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        taught_rule(pattern, meaning_)


PIECES = st.sampled_from(("{NUM}", "{LIMIT}", ",", ".", "1", "1,000", "0x", "k", " ", "a", "(a+)+", "limits"))


@given(st.lists(PIECES, max_size=30).map("".join), st.text("1,.0xk aA(+)limts", max_size=2000))
def test_no_pattern_takes_long(pattern: str, text: str) -> None:
    try:
        book = Rulebook([taught_rule(pattern, "TooLarge")] * 50)
    except ValueError:
        return
    began = time.process_time()
    meaning(book, text)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("{NUM}" * 38 + " limits", "1" * 2000),
        ("{NUM},{NUM},{NUM},{NUM},{NUM},{NUM},{NUM},{NUM} limits", "1,111" * 400),
        ("{NUM} {NUM} {NUM} {NUM} {NUM} {NUM} limits", "1 " * 1000),
        ("limits " * 28, "limits " * 27 + "limit" * 400),
    ],
)
def test_a_pattern_made_to_take_long_does_not(pattern: str, text: str) -> None:
    book = Rulebook([taught_rule(pattern, "TooLarge")])
    began = time.process_time()
    assert meaning(book, text) is Refused
    assert time.process_time() - began < 0.5


def test_rules_are_replaced_while_answers_are_read() -> None:
    """Every answer is read by the rules of before or by those of after, never by a part of them."""
    book = Rulebook()
    rules = [taught_rule("the moon is full", "Throttled"), taught_rule("the sun is down", "Throttled")]
    stop = threading.Event()

    def teach() -> None:
        while not stop.is_set():
            book.teach(rules)
            book.teach([])

    thread = threading.Thread(target=teach)
    thread.start()
    try:
        found = {meaning(book, "the sun is down") for _ in range(2000)}
    finally:
        stop.set()
        thread.join()
    assert found <= {Refused, Throttled}
