"""JSON-RPC answers in whatever form they come. Pure, and cheap whatever comes: nothing is unpacked before it is asked.

What a hostile answer nests or repeats stays bytes (msgspec.Raw), views into the body: an error of 50 MB costs no more
than its body.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

import msgspec

NULL = msgspec.Raw(b"null")
LONGEST_TEXT = 1 << 16
"""Bytes of an error's text, or of its data, that are unpacked; of more, the beginning is taken as it came."""
LARGEST_ODD_BATCH = 1 << 20
"""Bytes in which a batch may be answered with more or fewer answers than were asked for."""
CODE = re.compile(rb'"?(-?\d{1,9})"?')

Body = bytes | bytearray


class Refusal(NamedTuple):
    """An error as the provider gave it: `code` None where it is no number, texts empty where there are none."""

    code: int | None
    message: str
    data: str


class Fields(msgspec.Struct):
    """The fields of an error."""

    code: msgspec.Raw = NULL
    message: msgspec.Raw = NULL
    data: msgspec.Raw = NULL


class Reply(Fields):
    """One JSON-RPC answer; also the bare `{"code", "message"}` some gateways send instead of one."""

    id: msgspec.Raw = NULL
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw = NULL

    @property
    def number(self) -> int | None:
        """The id where it is one of ours: a number, written as one."""
        return int(text) if (text := _start(self.id, 20)).isdigit() and len(self.id) < 20 else None

    @property
    def refusal(self) -> Refusal | None:
        """The error, None when there is none; a null error beside a result is none."""
        if not is_null(self.error):
            return _refusal(self.error)
        if self.result is msgspec.UNSET and not is_null(self.message):
            return _refusal_of(self)
        return None


def try_decode(text: Body | msgspec.Raw, kind: Any) -> tuple[Any, str]:
    """Return JSON as `kind`, any type msgspec knows, and why it is none; one of the two is empty."""
    try:
        return _decoder(kind).decode(text), ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, str(error)[:200]


def decode_batch(text: Body, expected: int) -> tuple[list[Reply] | Reply | None, str]:
    """Return the answers of a batch, or the single one that came instead, and why there are none."""
    replies, _ = try_decode(text, _answers(expected))
    if replies is not None:
        return list(replies), ""
    single, problem = try_decode(text, Reply)
    if single is None and len(text) <= LARGEST_ODD_BATCH:
        return try_decode(text, list[Reply])
    return single, problem


def is_null(raw: msgspec.Raw) -> bool:
    return _start(raw, 5) == b"null"


def _refusal(error: msgspec.Raw) -> Refusal:
    fields, problem = try_decode(error, Fields)
    if problem:
        return Refusal(None, _text(error), "")
    refusal = _refusal_of(fields)
    return refusal if refusal.message or refusal.data else refusal._replace(message=_text(error))


def _refusal_of(fields: Fields) -> Refusal:
    code = CODE.fullmatch(_start(fields.code, 12))
    return Refusal(int(code[1]) if code else None, _text(fields.message), _text(fields.data))


def _text(raw: msgspec.Raw) -> str:
    """Return a string as its text, anything else as JSON."""
    if is_null(raw):
        return ""
    if len(raw) <= LONGEST_TEXT:
        value, problem = try_decode(raw, object)
        if not problem:
            return value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return _start(raw, LONGEST_TEXT).decode("utf-8", "replace").lstrip('"')


def _start(raw: msgspec.Raw, most: int) -> bytes:
    return bytes(memoryview(raw)[:most])


@cache
def _answers(count: int) -> Any:
    """Exactly so many: a list would be decoded to its end before its length is looked at."""
    return tuple[(Reply,) * count]  # type: ignore[misc]  # made at run time


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
