"""What a provider's refusal means: by its text, by a rule that somebody taught, by its code, by its HTTP status."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from indexer.rpc.errors import (
    BlockUnknown,
    Forbidden,
    MethodUnsupported,
    NullRound,
    Pruned,
    QuotaSpent,
    Refused,
    RpcError,
    Throttled,
    TooLarge,
    Transport,
    What,
)
from indexer.rpc.texts import CODES, NUMBER, STATUSES, TEXTS, Rule

SMALL = frozenset({"eth_blockNumber", "eth_chainId", "eth_getBlockByHash", "eth_getBlockByNumber"})
"""Every node serves these and their answers are small: told otherwise, the provider is not well."""

SUGGESTION = re.compile(rf"(?:\[|with the range )\s*({NUMBER})\s*[,-]\s*({NUMBER})", re.IGNORECASE)
BACKOFF = re.compile(r'"backoff_seconds":\s*(\d{1,9}(?:\.\d{1,9})?)')
READ = 2000
SHOWN = 500
"""Characters of a provider's text that are looked at, and that are kept for people."""
TEXTS_IN_DATA = 20
"""Texts inside of `data` that are looked at one by one."""

MEANINGS: Mapping[type[RpcError], str] = {
    TooLarge: "asks for fewer blocks; follows the number at {LIMIT}",
    Throttled: "waits, then asks again; asks fewer times a second",
    QuotaSpent: "asks other endpoints and alerts: what was bought for the day or the month is used up",
    Forbidden: "leaves this endpoint alone and alerts: its key, plan or address needs somebody",
    BlockUnknown: "asks another endpoint for this block, then waits for it",
    Pruned: "asks endpoints that keep old blocks",
    MethodUnsupported: "asks this endpoint in another way, and tries this one again after a while",
    Transport: "asks again, another endpoint where there is one",
}
"""What can be taught, and what the worker then does. NullRound is not among it: the height would be skipped."""

LONGEST_TAUGHT = 200
FEWEST_LETTERS = 6
PLACEHOLDER = re.compile(r"(\{LIMIT\}|\{NUM\})")


class Said(NamedTuple):
    """A refusal as it came, its texts one to a line for the rules, and in one line for people."""

    code: int | None
    lines: str
    shown: str
    status: int
    headers: Mapping[str, str]


class Meaning(NamedTuple):
    """What a refusal is, the text that said so, and what it wants less of."""

    kind: type[RpcError]
    match: re.Match[str] | None = None
    what: What = "range"


class Rulebook:
    """The known texts and the taught ones. Safe to share between threads; `now` gives seconds since 1970.

    The built-in texts come first, so that a careless rule cannot turn a known text into something else; then what was
    taught, then codes and HTTP statuses.
    """

    def __init__(self, taught: Iterable[Rule] = (), *, now: Callable[[], float] = time.time) -> None:
        self._taught = tuple(taught)
        self._now = now

    def teach(self, rules: Iterable[Rule]) -> None:
        """Replace the taught rules by these, made by `taught_rule`; answers that come from now on are read by them."""
        self._taught = tuple(rules)

    def classify(
        self, code: int | None, message: str, data: object, http_status: int, headers: Mapping[str, str]
    ) -> type[RpcError]:
        """Return the class of a refusal; Refused where nobody knows it."""
        return self._recognise(_said(code, message, data, http_status, headers)).kind

    def error(
        self,
        code: int | None,
        message: str,
        data: object,
        http_status: int,
        headers: Mapping[str, str],
        *,
        method: str = "",
    ) -> RpcError:
        """Return the refusal as an error, with what the provider suggests; the endpoint is for the caller to set.

        An inverted suggestion is dropped. For a method that every node serves with a small answer, TooLarge and
        MethodUnsupported become Transport.
        """
        said = _said(code, message, data, http_status, headers)
        kind, match, what = self._recognise(said)
        if kind in (TooLarge, MethodUnsupported) and method in SMALL:
            kind = Transport
        error = self._make(kind, match, what, said)
        error.method, error.status = method, http_status
        return error

    def _make(self, kind: type[RpcError], match: re.Match[str] | None, what: What, said: Said) -> RpcError:
        text, code = said.shown, said.code
        if issubclass(kind, TooLarge):
            return kind(
                text,
                code=code,
                suggested=_suggestion(said.lines),
                limit_blocks=_named(match, "limit") or None,
                what=what,
                limit_addresses=_named(match, "addresses") or None,
            )
        if issubclass(kind, Throttled):
            return kind(text, code=code, retry_after=self._retry_after(said))
        if issubclass(kind, NullRound):
            return kind(text, code=code, block=_named(match, "block"))
        return kind(text, code=code)

    def _recognise(self, said: Said) -> Meaning:
        for rule in (*TEXTS, *self._taught):
            if said.status not in rule.but and (match := rule.pattern.search(said.lines)):
                return Meaning(rule.kind, match, rule.what)
        if said.code is not None and said.code in CODES:
            return Meaning(CODES[said.code])
        if said.status in STATUSES:
            return Meaning(STATUSES[said.status])
        if said.status >= 500:
            # A server that names its wait is asking for one (RFC 9110, 10.2.3).
            return Meaning(Throttled if self._retry_after(said) is not None else Transport)
        return Meaning(Refused)

    def _retry_after(self, said: Said) -> float | None:
        """Return the seconds to wait that a header or Infura's data names; a date is read by the provider's clock."""
        headers = {name.lower(): value.strip() for name, value in said.headers.items()}
        named = headers.get("retry-after", "")
        if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", named, re.ASCII):
            return float(named)
        until = _seconds_of(named)
        if until is not None:
            now = _seconds_of(headers.get("date", ""))
            return max(0.0, until - (self._now() if now is None else now))
        match = BACKOFF.search(said.lines)
        return float(match[1]) if match else None


def taught_rule(pattern: str, meaning: str) -> Rule:
    """Return the rule for a text that holds `pattern`, which is plain: capitals and spaces do not matter.

    `{NUM}` stands for any number and `{LIMIT}` for the greatest number of blocks per request. As nothing else is
    special, and a number is taken whole or not at all, no pattern takes long. `meaning` is the name of a class in
    MEANINGS. Raises ValueError that says what is wrong.
    """
    kind = next((kind for kind in MEANINGS if kind.__name__ == meaning), None)
    if kind is None:
        raise ValueError(f"{meaning!r} is no meaning: choose one of {', '.join(kind.__name__ for kind in MEANINGS)}")
    if len(pattern) > LONGEST_TAUGHT:
        raise ValueError(f"{len(pattern)} characters are too many: give the telling part, {LONGEST_TAUGHT} at most")
    parts = PLACEHOLDER.split(" ".join(pattern.split()))
    letters = sum(character.isalpha() for part in parts[::2] for character in part)
    if letters < FEWEST_LETTERS:
        raise ValueError(f"{letters} letters stand in many texts: give the telling part, {FEWEST_LETTERS} or more")
    if parts.count("{LIMIT}") > 1:
        raise ValueError("{LIMIT} stands for one number: write {NUM} for the others")
    if "{LIMIT}" in parts and kind is not TooLarge:
        raise ValueError("{LIMIT} is the number of blocks of a range that is too large: write {NUM} here")
    spelled = {"{LIMIT}": f"(?P<limit>{NUMBER})", "{NUM}": NUMBER}
    return Rule(kind, re.compile("".join(spelled.get(part) or _plain(part) for part in parts), re.IGNORECASE))


def _plain(part: str) -> str:
    return re.escape(part).replace(r"\ ", r"\s")


def _said(code: int | None, message: str, data: object, http_status: int, headers: Mapping[str, str]) -> Said:
    """The telling text is in `message`, in `data`, or in a field of `data`: each is a line of its own."""
    detail = data if isinstance(data, str) else "" if data is None else json.dumps(data)
    message, *texts, detail = (_plainly(text[:READ]) for text in (message, *_texts_in(detail), detail))
    lines = "\n".join(text for text in (*texts, message, detail) if text)
    return Said(code, lines, f"{message} {detail}".strip()[:SHOWN], http_status, headers)


def _plainly(text: str) -> str:
    """One line, without what neither a terminal nor PostgreSQL's text bears."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _texts_in(detail: str) -> list[str]:
    if detail[:1] not in ("{", "[") or len(detail) > READ:
        return []
    try:
        fields = json.loads(detail)
    except (ValueError, RecursionError):
        return []
    fields = list(fields.values()) if isinstance(fields, dict) else fields
    return [text for text in fields[:TEXTS_IN_DATA] if isinstance(text, str)]


def _named(match: re.Match[str] | None, group: str) -> int | None:
    text = match.groupdict().get(group) if match else None
    return _number(text) if text else None


def _number(text: str) -> int | None:
    """Return the number, None where no block can have it."""
    text = text.lower()
    if text.startswith("0x"):
        number = int(text, 16)
    elif text.endswith("k"):
        number = int(float(text[:-1]) * 1000)
    else:
        number = int(text.replace(",", "").replace(".", ""))
    return number if number < 2**63 else None


def _suggestion(text: str) -> tuple[int, int] | None:
    match = SUGGESTION.search(text)
    if match is None:
        return None
    first, last = _number(match[1]), _number(match[2])
    return (first, last) if first is not None and last is not None and first <= last else None


def _seconds_of(date: str) -> float | None:
    """Return an HTTP date (RFC 9110, 5.6.7) as seconds since 1970."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
