"""One event of a human-readable ABI: its parts, its canonical text, its topic0, and how its arguments are read.

Types and encoding follow the contract ABI specification of Solidity; the text is the one ethers and viem call
human-readable: `event Name(type [indexed] [name], ...)`, with tuples as `(type name, ...)` or `tuple(...)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from eth_hash.auto import keccak

from indexer.positions.address import checksum

MAX_TEXT = 1_000
"""Characters of an event's canonical text; it is part of an index key in the database, which has a limit."""
MAX_DEPTH = 16
"""Tuples within tuples."""

_TOKEN = re.compile(r"\s*([A-Za-z_$][A-Za-z0-9_$]*|\[[0-9]*\]|[(),;]|\S)", re.ASCII)
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*", re.ASCII)
_LENGTH = re.compile(r"\[(?:[1-9][0-9]{0,8})?\]")
_ALIASES = {"uint": "uint256", "int": "int256", "fixed": "fixed128x18", "ufixed": "ufixed128x18", "byte": "bytes1"}
_WIDTHS = range(8, 257, 8)
_TYPES = frozenset(
    ["address", "bool", "string", "bytes", "function"]
    + [f"bytes{size}" for size in range(1, 33)]
    + [f"{sign}int{bits}" for sign in ("", "u") for bits in _WIDTHS]
    + [f"{sign}fixed{bits}x{places}" for sign in ("", "u") for bits in _WIDTHS for places in range(1, 81)]
)
_KEYWORDS = frozenset(["event", "indexed", "anonymous", "tuple"])

Read = Callable[[Sequence[str], bytes], object]
"""One argument out of a log's topics (0x hex) and data; raises Undecodable."""


class AbiError(ValueError):
    """An event's ABI cannot be used; the text says why."""


class Undecodable(Exception):
    """A log's value does not fit its ABI; the text says why."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type of an argument.

    `signature` is its form in the event's signature, `text` the same with the names of tuple members, `size` the
    bytes its head takes in the data (32 for a pointer), `dynamic` whether that head is a pointer, `kind` one of
    address, bool, bytes, fixed, function, int, string, ufixed, uint, array, tuple.
    """

    signature: str
    text: str
    size: int
    dynamic: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of an event; `position` is its topic's number if `indexed`, otherwise the byte its head begins at."""

    type: Type
    name: str | None
    indexed: bool
    position: int

    @property
    def text(self) -> str:
        return " ".join(part for part in (self.type.text, "indexed" if self.indexed else "", self.name) if part)


@dataclass(frozen=True, slots=True)
class Event:
    """An event: `head_size` counts the bytes of data that its arguments' heads take, `topics` includes topic0."""

    name: str
    arguments: tuple[Argument, ...]
    topics: int
    head_size: int

    @property
    def text(self) -> str:
        """The canonical text: full type names, one space, names and `indexed` kept."""
        return f"event {self.name}({', '.join(argument.text for argument in self.arguments)})"

    @property
    def topic0(self) -> bytes:
        """keccak-256 of the signature, 32 bytes."""
        types = ",".join(argument.type.signature for argument in self.arguments)
        return keccak(f"{self.name}({types})".encode())

    def argument(self, name: str) -> Argument:
        """Find the argument called `name`. Raises AbiError naming those there are."""
        for argument in self.arguments:
            if argument.name == name:
                return argument
        names = ", ".join(argument.name for argument in self.arguments if argument.name) or "none with a name"
        raise AbiError(f"{self.name} has no argument {name!r:.80}; its arguments: {names}")


@lru_cache(maxsize=1024)
def parse_event(text: str) -> Event:
    """Parse a human-readable event ABI, with or without the word event and a closing semicolon.

    Raises AbiError for malformed text, unknown types, anonymous events (they have no topic0), more than three indexed
    arguments, and names used twice.
    """
    if len(text) > 4 * MAX_TEXT:
        raise AbiError(f"longer than {4 * MAX_TEXT} characters")
    event = _Parser(text).parse_event()
    if len(event.text) > MAX_TEXT:
        raise AbiError(f"longer than {MAX_TEXT} characters")
    return event


def compile_read(event: Event, argument: Argument) -> Read:
    """Make the function that reads `argument`, once per definition and not per log.

    It reads that argument alone, so that a broken neighbour hides nobody; its type must be elementary, and static if
    indexed (callers refuse others, with a reason for people). Values: address and bytes as bytes, integers as int,
    bool and string as such. Decoding is strict: padding must be zero, a pointer must lead beyond the heads and into
    the data, text must be UTF-8.
    """
    decode = _decode_address if argument.type.kind == "address" else _compile_decode(argument.type.signature)
    position, head_size, dynamic = argument.position, event.head_size, argument.type.dynamic

    def read(topics: Sequence[str], data: bytes) -> object:
        try:
            if argument.indexed:
                return decode(read_word(topics[position]), 0)
            if not dynamic:
                return decode(data, position)
            pointer = int.from_bytes(data[position : position + 32], "big")
            if not head_size <= pointer < len(data):
                raise Undecodable("its pointer leads outside the data")
            return decode(data, pointer)
        except Undecodable as error:
            raise Undecodable(f"argument {argument.name}: {error}") from None

    return read


def read_word(topic: str) -> bytes:
    """Read a topic, 0x and 64 hex digits, as 32 bytes. Raises Undecodable."""
    try:
        word = bytes.fromhex(topic[2:])
    except ValueError:
        raise Undecodable("topic is not hex") from None
    if len(word) != 32:
        raise Undecodable("topic is not 32 bytes")
    return word


def read_address(word: bytes) -> bytes:
    """Read 32 bytes as an address of 20. Raises Undecodable if the upper 12 are not zero."""
    if len(word) != 32:
        raise Undecodable("data ends within an address")
    if any(word[:12]):
        raise Undecodable("not an address: its upper 12 bytes are not zero")
    return word[12:]


def _write_string(value: str) -> str:
    if "\0" in value:
        raise Undecodable("text with a NUL character, which the database cannot keep")
    return value


TEXTS: dict[str, Callable[[Any], str]] = {
    "address": checksum,
    "bool": lambda value: "true" if value else "false",
    "bytes": lambda value: "0x" + value.hex(),
    "int": str,
    "string": _write_string,
    "uint": str,
}
"""How a value of each kind is written as metadata; kinds that are not here have no text form."""


def _decode_address(data: bytes, start: int) -> object:
    return read_address(data[start : start + 32])


def _compile_decode(signature: str) -> Callable[[bytes, int], object]:
    # Imported here: it takes longer to load than all of this project, and most jobs need none of it.
    from eth_abi.decoding import ContextFramesBytesIO
    from eth_abi.exceptions import DecodingError
    from eth_abi.registry import registry

    # eth_abi's decoders are classes whose instances are called with a stream; its types do not say so.
    decoder: Any = registry.get_decoder(signature, strict=True)
    open_stream: Any = ContextFramesBytesIO

    def decode(data: bytes, start: int) -> object:
        stream = open_stream(data)
        stream.seek(start)
        try:
            value: object = decoder(stream)
        except UnicodeDecodeError:
            raise Undecodable("not valid UTF-8") from None
        except OverflowError:
            raise Undecodable("its length is beyond any data") from None
        except DecodingError as error:
            raise Undecodable(str(error)) from None
        return value

    return decode


class _Parser:
    """Recursive descent over the tokens of one event."""

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        self.next = 0

    def peek(self) -> str:
        return self.tokens[self.next] if self.next < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        """Take the next token if it is one of `wanted`, otherwise nothing."""
        token = self.peek()
        if token not in wanted:
            return ""
        self.next += 1
        return token

    def expect(self, wanted: str) -> None:
        if not self.take(wanted):
            raise AbiError(f"{wanted!r} expected, {self._found()}")

    def take_name(self) -> str | None:
        token = self.peek()
        if not _NAME.fullmatch(token):
            return None
        if token in _KEYWORDS:
            raise AbiError(f"the word {token!r} is out of place")
        self.next += 1
        return token

    def parse_event(self) -> Event:
        self.take("event")
        name = self.take_name()
        if name is None:
            raise AbiError(f"the event's name expected, {self._found()}")
        self.expect("(")
        arguments: list[Argument] = []
        topics, head_size = 1, 0
        while not self.take(")"):
            if arguments:
                self.expect(",")
            type_ = self.parse_type(0)
            indexed = bool(self.take("indexed"))
            position = topics if indexed else head_size
            topics += indexed
            head_size += 0 if indexed else type_.size
            arguments.append(Argument(type_, self.take_name(), indexed, position))
        if self.take("anonymous"):
            raise AbiError("an anonymous event has no topic0 to watch")
        self.take(";")
        if self.peek():
            raise AbiError(f"the event should end, {self._found()}")
        if topics > 4:
            raise AbiError("an event has at most three indexed arguments")
        _check_names([argument.name for argument in arguments])
        return Event(name, tuple(arguments), topics, head_size)

    def parse_type(self, depth: int) -> Type:
        base = self.parse_tuple(depth) if self.peek() in ("(", "tuple") else self.parse_elementary()
        while self.peek().startswith("["):
            length = self.peek()
            if not _LENGTH.fullmatch(length):
                raise AbiError(f"array length {length:.20} is not between 1 and 999999999")
            self.next += 1
            dynamic = base.dynamic or length == "[]"
            size = 32 if dynamic else base.size * int(length[1:-1])
            base = Type(base.signature + length, base.text + length, size, dynamic, "array")
        return base

    def parse_elementary(self) -> Type:
        found = self.peek()
        if not _NAME.fullmatch(found):
            raise AbiError(f"a type expected, {self._found()}")
        name = _ALIASES.get(found, found)
        if name not in _TYPES:
            raise AbiError(f"unknown type {found!r:.80}")
        self.next += 1
        kind = re.split("[0-9]", name, maxsplit=1)[0]
        return Type(name, name, 32, name in ("bytes", "string"), kind)

    def parse_tuple(self, depth: int) -> Type:
        if depth == MAX_DEPTH:
            raise AbiError(f"more than {MAX_DEPTH} tuples within each other")
        self.take("tuple")
        self.expect("(")
        members: list[tuple[Type, str | None]] = []
        while not members or not self.take(")"):
            if members:
                self.expect(",")
            members.append((self.parse_type(depth + 1), self.take_name()))
        _check_names([name for _, name in members])
        dynamic = any(type_.dynamic for type_, _ in members)
        return Type(
            signature=f"({','.join(type_.signature for type_, _ in members)})",
            text=f"({', '.join(f'{type_.text} {name}' if name else type_.text for type_, name in members)})",
            size=32 if dynamic else sum(type_.size for type_, _ in members),
            dynamic=dynamic,
            kind="tuple",
        )

    def _found(self) -> str:
        return f"found {self.peek()!r:.80}" if self.peek() else "but the text ends"


def _check_names(names: list[str | None]) -> None:
    known = [name for name in names if name]
    for name in known:
        if known.count(name) > 1:
            raise AbiError(f"the name {name!r:.80} is used twice")
