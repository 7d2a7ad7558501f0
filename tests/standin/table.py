"""The rows of an answer, which can be changed one by one, and the answer made of them, which is made once a change."""

import gzip
import hashlib
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, NamedTuple

import msgspec


class Body(NamedTuple):
    plain: bytes
    packed: bytes
    etag: str
    last_modified: str


class Table:
    """Rows in JSON. `key`: the field a row is known by; `frame`: what stands before and after the rows."""

    def __init__(self, key: str, rows: Iterable[bytes], frame: tuple[bytes, bytes]) -> None:
        self.key = key
        self.rows = list(rows)
        self._frame = frame
        self._body: Body | None = None
        self._lock = threading.RLock()

    def body(self) -> Body:
        with self._lock:
            if self._body is None:
                plain = self._frame[0] + b",\n".join(self.rows) + self._frame[1]
                etag = f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"'
                modified = format_datetime(datetime.now(UTC), usegmt=True)
                self._body = Body(plain, gzip.compress(plain, 1, mtime=0), etag, modified)
            return self._body

    def change(
        self, do: str, *, field: str = "", value: Any = None, keys: list[str] | None = None, first: int | None = None
    ) -> int:
        """Change the rows of `keys`, or the first so many, or all; how many. `do` is one of

        set, multiply (a field, by `value`), unset (a field), remove, duplicate, and write (`value` is the row's text).
        Raises ValueError for anything else.
        """
        if do not in CHANGES and do not in ("remove", "duplicate"):
            raise ValueError(f"{do} is no change: it is one of {', '.join([*CHANGES, 'remove', 'duplicate'])}")
        with self._lock:
            chosen = self._choose(keys, first)
            if do == "remove":
                self.rows = [row for place, row in enumerate(self.rows) if place not in chosen]
            elif do == "duplicate":
                self.rows += [self.rows[place] for place in sorted(chosen)]
            else:
                for place in chosen:
                    self.rows[place] = CHANGES[do](self.rows[place], field, value)
            self._body = None
            return len(chosen)

    def add(self, row: dict[str, Any]) -> None:
        with self._lock:
            self.rows.append(msgspec.json.encode(row))
            self._body = None

    def read(self) -> list[dict[str, Any]]:
        """The rows as values."""
        return [msgspec.json.decode(row) for row in self.rows]

    def _choose(self, keys: list[str] | None, first: int | None) -> set[int]:
        if keys is None:
            return set(range(len(self.rows) if first is None else min(first, len(self.rows))))
        wanted = set(keys)
        return {place for place, row in enumerate(self.rows) if msgspec.json.decode(row).get(self.key) in wanted}


def set_field(row: bytes, field: str, value: Any) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(row) | {field: value})


def multiply_field(row: bytes, field: str, value: Any) -> bytes:
    read = msgspec.json.decode(row)
    return msgspec.json.encode(read | {field: (read.get(field) or 0) * value})


def unset_field(row: bytes, field: str, value: Any) -> bytes:
    return msgspec.json.encode({name: kept for name, kept in msgspec.json.decode(row).items() if name != field})


def write_row(row: bytes, field: str, value: Any) -> bytes:
    text: bytes = value.encode()
    return text


CHANGES = {"set": set_field, "multiply": multiply_field, "unset": unset_field, "write": write_row}
