"""From an answer's bytes to its rows, strictly: a bad row takes no other with it, a changed source stops all. Pure.

One row that is wrong is the row's problem, and it is rejected with the path of its field. The same field wrong in many
rows is the source's: it has changed, nothing of the answer may be written, and what was kept before stays.
"""

import re
from collections import Counter
from collections.abc import Collection
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from indexer.market.mending import NUL, flatten, mend
from indexer.market.shapes import Row, Shape

TOLERATED = 0.05
"""The share of an answer's rows that may be bad for one and the same field."""
LEAST_BAD = 5
"""In a short answer, fewer bad rows than these are no sign of anything, unless they are all."""
SPEAKS = 100
"""Rows from which on a known field without any value is a field that is gone."""
LONGEST_ROW = 10_000
"""Characters of a rejected row that are kept."""
LONGEST_KEY = 200

PATH = re.compile(r" - at `(\$.*)`$")
MISSING = re.compile(r"^Object missing required field `(.+?)`")
BOUNDS = re.compile(r"^(Expected `\w+( \| null)?` (<=|>=|of length)|Number out of range)")


class Malformed(Exception):
    """The answer is no JSON, perhaps because its end is missing: to be asked again."""


class Drift(Exception):
    """The source has changed. Nothing of the answer is to be written; the text names the field."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(f"{field}: {words}. Nothing was written, what was kept before stays")
        self.field = field


class Rejected(NamedTuple):
    """A row that is not taken: its key or place, shape, bounds or duplicate, what is wrong, and itself as it came."""

    key: str
    reason: str
    words: str
    row: str


Kind = TypeVar("Kind", bound=Row)


class Reading(NamedTuple, Generic[Kind]):
    """The rows of an answer by key, no key twice, those that were not taken, and each of the rows as it came."""

    rows: list[Kind]
    rejected: list[Rejected]
    raws: list[msgspec.Raw]


class Trouble:
    """How many rows are bad for which field, and what the first of them says."""

    def __init__(self) -> None:
        self.times: Counter[str] = Counter()
        self.words: dict[str, str] = {}

    def add(self, path: str, words: str) -> None:
        self.times[path] += 1
        self.words.setdefault(path, words.partition(" - at")[0])

    def stop_at_drift(self, rows: int) -> None:
        """Raises Drift when so many of the rows are bad for one field that it is not they but the source."""
        for path, times in self.times.most_common(1):
            if times > TOLERATED * rows and (times >= LEAST_BAD or times == rows):
                raise Drift(path, f"{times:,} of {rows:,} rows are bad for it: {self.words[path]}")


def read(
    body: bytes | bytearray, shape: Shape, *, least: int = 0, unsaid: Collection[str] = (), remedy: str = ""
) -> Reading[Any]:
    """The rows of an answer, in its order; of two with one key the last. `least`: fewer rows than these are Drift.

    `unsaid`: known fields that need no value in any row, as the answer writes them; `remedy` is said where others have
    none. Raises Malformed and Drift.
    """
    raws = split(body, shape)
    if len(raws) < max(least, 0 if shape.may_be_empty else 1):
        raise Drift("$", f"{len(raws):,} rows, where there were {max(least, 1):,} or more")
    decoder = msgspec.json.Decoder(shape.row)
    taken: dict[str, Any] = {}
    places: dict[str, int] = {}
    rejected: list[Rejected] = []
    trouble = Trouble()
    unseen = set(shape.known).difference(unsaid)
    for place, raw in enumerate(raws):
        try:
            row = decoder.decode(raw)
            if NUL in bytes(raw):
                raise ValueError("what no text can hold: NUL, half of a pair, or brackets nested too deeply")
        except ValueError as error:  # msgspec's own, and UnicodeDecodeError
            words = str(error)
            trouble.add(path_of(words), words)
            rejected.append(reject(raw, shape, place, reason_of(words), words))
            continue
        if unseen:
            unseen -= fields_with_values(raw)
        key = row.key
        if key in taken:
            words = "its key is there again further down: the last one is taken"
            trouble.add(f"$.{shape.key}", words)
            rejected.append(reject(raws[places[key]], shape, places[key], "duplicate", words))
            del taken[key]
        taken[key] = row
        places[key] = place
    trouble.stop_at_drift(len(raws))
    if unseen and len(raws) >= SPEAKS:
        words = f"it has a value in none of {len(raws):,} rows: the source no longer says it{remedy}"
        raise Drift(f"$.{min(unseen)}", words)
    return Reading(list(taken.values()), rejected, [raws[places[key]] for key in taken])


def split(body: bytes | bytearray, shape: Shape) -> list[msgspec.Raw]:
    """The rows, undecoded. Raises Malformed, and Drift where there is no list of rows."""
    try:
        try:
            return find_rows(body, shape)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            # NaN or half a pair, which are no JSON, in one row make all of it unreadable.
            return find_rows(flatten(mend(body)), shape)
        except RecursionError:
            return find_rows(mend(flatten(body)), shape)
    except msgspec.ValidationError as error:
        raise Drift(path_of(str(error)), f"there are no rows: {str(error).partition(' - at')[0]}") from None
    except msgspec.DecodeError as error:
        raise Malformed(f"{len(body):,} bytes that are no JSON: {error}") from None


def find_rows(body: bytes | bytearray, shape: Shape) -> list[msgspec.Raw]:
    if not shape.in_data:
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    envelope = msgspec.json.decode(body, type=Envelope)
    if envelope.status != "success":
        raise Drift("$.status", f"{envelope.status[:LONGEST_KEY]!r}, where success was expected")
    return envelope.data


class Envelope(msgspec.Struct):
    status: str
    data: list[msgspec.Raw]


def fields_with_values(raw: msgspec.Raw) -> set[str]:
    return {name for name, value in msgspec.json.decode(raw, type=dict[str, Any]).items() if value is not None}


def reject(raw: msgspec.Raw, shape: Shape, place: int, reason: str, words: str) -> Rejected:
    return Rejected(key_of(raw, shape) or f"row {place:,}", reason, words, text_of(raw))


def text_of(raw: msgspec.Raw) -> str:
    """A row as it came, as far as it is kept."""
    return bytes(raw).decode(errors="replace")[:LONGEST_ROW].replace("\0", "�")


def key_of(raw: msgspec.Raw, shape: Shape) -> str:
    """What a bad row says that its key is, spelled as keys of good rows are; empty where it says nothing."""
    try:
        key = decoder_of_keys(shape.key).decode(raw).key
    except ValueError:
        return ""
    return "" if key is None else shape.spell(str(key))[:LONGEST_KEY].replace("\0", "�")


@cache
def decoder_of_keys(name: str) -> msgspec.json.Decoder[Any]:
    """Of a row's key alone: whatever else the row has, such as a number out of range, is not looked at."""
    field = ("key", str | int | None, None)
    return msgspec.json.Decoder(msgspec.defstruct("Keyed", [field], rename={"key": name}))


def path_of(words: str) -> str:
    """The path of msgspec's error: `$.apy`; `$` where it names none."""
    found = PATH.search(words)
    path = found[1] if found else "$"
    missing = MISSING.match(words)
    return re.sub(r"\[\d+\]", "[...]", f"{path}.{missing[1]}" if missing else path)


def reason_of(words: str) -> str:
    return "bounds" if BOUNDS.match(words) else "shape"
