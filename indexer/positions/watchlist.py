"""Watch list files: which contracts to watch on a chain, by which event, and what people call them.

    {"chain": "ethereum", "chain_id": 1, "watches": [
        {"protocol": "aave-v2", "product": "a-token", "event": "Transfer", "start_block": 11360000,
         "contracts": ["0x028171bCA77440897B824Ca71D1c56caC55b68A3", {"address": "0x...", "start_block": 12000000}]}]}

`start_block` is optional; a contract's own goes before its watch's. Events: see `Definition`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from indexer.positions.address import parse_address
from indexer.positions.definition import Definition, DefinitionError

MAX_LABEL = 200
"""Characters of a label."""
MAX_BLOCK = 2**53 - 1
"""The largest whole number that every reader of JSON takes exactly."""
SHOWN_PROBLEMS = 20


class WatchListError(ValueError):
    """A watch list is refused whole; `problems` holds a sentence for each wrong entry, the text the first twenty."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        more = len(problems) - SHOWN_PROBLEMS
        lines = problems[:SHOWN_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
        super().__init__("\n".join(lines))


class Entry(NamedTuple):
    """A contract under its label; `definition` is None for the event `false`, `start_block` where none is given."""

    protocol: str
    product: str
    contract: bytes
    definition: Definition | None
    start_block: int | None


@dataclass
class WatchList:
    """What a file says, an entry per contract, in the file's order."""

    chain: str
    chain_id: int
    entries: list[Entry]


class _Wrong(ValueError):
    """One thing wrong with the part being read."""


def read_watch_list(data: object, *, chain_id: int | None = None) -> WatchList:
    """Check a watch list (parsed JSON) and give its entries; `chain_id` is the one it must be for, if given.

    Raises WatchListError naming everything that is wrong: nothing of a bad list is used.
    """
    problems: list[str] = []
    chain, found_id = "", 0
    watches: list[object] = []
    with _noting(problems):
        top = _object(data, "the watch list", required=("chain", "chain_id", "watches"))
        with _noting(problems):
            chain = _label(top["chain"], "chain")
        with _noting(problems):
            found_id = _chain_id(top["chain_id"], chain_id)
        watches = _list(top["watches"], "watches")
    entries: list[Entry] = []
    seen: set[tuple[str, str, bytes, Definition | None]] = set()
    for number, watch in enumerate(watches):
        for entry in _read_watch(watch, f"watches[{number}]", problems):
            known = (entry.protocol, entry.product, entry.contract, entry.definition)
            if known in seen:
                label, contract = f"{entry.protocol}/{entry.product}", f"0x{entry.contract.hex()}"
                problems.append(f"watches[{number}] {label} contract {contract}: given twice with the same label")
            seen.add(known)
            entries.append(entry)
    if problems:
        raise WatchListError(problems)
    return WatchList(chain, found_id, entries)


def _read_watch(watch: object, place: str, problems: list[str]) -> list[Entry]:
    """Read a watch's entries; everything wrong with it goes to `problems`."""
    entries: list[Entry] = []
    with _noting(problems, place):
        parts = _object(
            watch, "a watch", required=("protocol", "product", "event", "contracts"), optional=("start_block",)
        )
        protocol, product = _label(parts["protocol"], "protocol"), _label(parts["product"], "product")
        place = f"{place} {protocol}/{product}"
        pattern, floor = None, None
        with _noting(problems, place):
            pattern = Definition.from_event(bytes(20), parts["event"])
        with _noting(problems, place):
            floor = _start_block(parts)
        with _noting(problems, place):
            for number, item in enumerate(_list(parts["contracts"], "contracts")):
                try:
                    contract, own_floor = _contract(item)
                except _Wrong as error:
                    problems.append(f"{place} contract {_name(item, number)}: {error}")
                    continue
                definition = None if pattern is None else replace(pattern, contract=contract)
                entries.append(
                    Entry(protocol, product, contract, definition, floor if own_floor is None else own_floor)
                )
    return entries


@contextmanager
def _noting(problems: list[str], place: str = "") -> Iterator[None]:
    """Let one wrong thing not hide the next."""
    try:
        yield
    except (_Wrong, DefinitionError) as error:
        problems.append(f"{place}: {error}" if place else str(error))


def _contract(item: object) -> tuple[bytes, int | None]:
    floor = None
    if isinstance(item, dict):
        item = _object(item, "a contract", required=("address",), optional=("start_block",))
        floor = _start_block(item)
        item = item["address"]
    if not isinstance(item, str):
        raise _Wrong("neither an address nor an object with one")
    try:
        return parse_address(item, strict=True), floor
    except ValueError as error:
        raise _Wrong(str(error)) from None


def _name(item: object, number: int) -> str:
    """Name a contract as the file writes it, where it is text; otherwise by its place."""
    address = item.get("address") if isinstance(item, dict) else item
    if not isinstance(address, str):
        return f"[{number}]"
    return address if address.isalnum() and len(address) <= 42 else f"{address!a:.60}"


def _object(
    value: object, what: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _Wrong(f"{what} is not an object with {', '.join(required)}")
    for key in value:
        if key not in required + optional:
            raise _Wrong(f"unknown key {key!a:.80}; known: {', '.join(required + optional)}")
    for key in required:
        if key not in value:
            raise _Wrong(f"{key} is missing")
    return value


def _list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise _Wrong(f"{what} is not a list")
    return value


def _label(value: object, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"{what} is missing or empty")
    if len(value) > MAX_LABEL:
        raise _Wrong(f"{what} is longer than {MAX_LABEL} characters")
    if not value.isprintable() or value != value.strip():
        raise _Wrong(f"{what} {value!a:.80} has characters that cannot be seen")
    return value


def _chain_id(value: object, wanted: int | None) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_BLOCK:
        raise _Wrong("chain_id is not a whole number above zero")
    if wanted is not None and value != wanted:
        raise _Wrong(f"chain_id is {value}, but this is chain {wanted}: import the list of that chain")
    return value


def _start_block(value: dict[str, object]) -> int | None:
    block = value.get("start_block")
    if "start_block" not in value:
        return None
    if not isinstance(block, int) or isinstance(block, bool) or not 0 <= block <= MAX_BLOCK:
        raise _Wrong("start_block is not a block number")
    return block
