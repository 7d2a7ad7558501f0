from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode
from eth_abi.tools import get_abi_strategy  # type: ignore[attr-defined]
from eth_utils.abi import event_signature_to_log_topic
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.positions.abi import AbiError, Undecodable, compile_read, parse_event

SEAPORT = (
    "event OrderFulfilled(bytes32 orderHash, address indexed offerer, address indexed zone, address recipient, "
    "(uint8 itemType, address token, uint256 identifier, uint256 amount)[] offer, "
    "(uint8 itemType, address token, uint256 identifier, uint256 amount, address recipient)[] consideration)"
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        # what is canonical stays as it is
        ("event Transfer(address indexed from)", "event Transfer(address indexed from)"),
        # the word event may be missing, a semicolon may follow
        ("Transfer(address indexed from);", "event Transfer(address indexed from)"),
        # space is free
        ("  event\tT ( address\n indexed  a ,uint256 []b) ", "event T(address indexed a, uint256[] b)"),
        # short names of types are their full ones
        (
            "event T(uint a, int b, fixed c, ufixed d, byte e)",
            "event T(uint256 a, int256 b, fixed128x18 c, ufixed128x18 d, bytes1 e)",
        ),
        # in arrays and tuples too, the word tuple is one way to write them
        ("event T(tuple(uint a, (int)[2] b)[] indexed x)", "event T((uint256 a, (int256)[2] b)[] indexed x)"),
        # names may be missing
        ("event T(address indexed, uint)", "event T(address indexed, uint256)"),
        ("event T()", "event T()"),
        ("event $a_1(address _$)", "event $a_1(address _$)"),
        ("event T(function callback)", "event T(function callback)"),
    ],
)
def test_an_event_has_one_canonical_text(text: str, canonical: str) -> None:
    assert parse_event(text).text == canonical


@pytest.mark.parametrize(
    ("text", "topic0"),
    [  # as block explorers show them
        ("Transfer(address a, address b, uint c)", "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"),
        ("Borrow(address,uint,uint,uint)", "13ed6866d4e1ee6da46f845c46d7e54120883d75c5ea9a2dacc1c4ca8984ab80"),
        (
            "DepositEvent(bytes,bytes,bytes,bytes,bytes)",
            "649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5",
        ),
        (SEAPORT, "9d9af8e38d66c62e2c12f0225249fd9d721c54b83f48d9352c97c6cacdcb6f31"),
    ],
)
def test_topic0_is_the_one_contracts_emit(text: str, topic0: str) -> None:
    assert parse_event(text).topic0.hex() == topic0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "event's name expected, but the text ends"),
        ("event", "event's name expected"),
        ("event (address a)", "event's name expected, found '\\('"),
        ("event T", "'\\(' expected, but the text ends"),
        ("event T(address a", "',' expected, but the text ends"),
        ("event T(address a,)", "a type expected, found '\\)'"),
        ("event T(address a address b)", "',' expected, found 'address'"),
        ("event T(address a) returns", "should end, found 'returns'"),
        ("event T(adress a)", "unknown type 'adress'"),
        ("event T(uint257 a)", "unknown type 'uint257'"),
        ("event T(uint7 a)", "unknown type 'uint7'"),
        ("event T(uint08 a)", "unknown type 'uint08'"),
        ("event T(bytes33 a)", "unknown type 'bytes33'"),
        ("event T(bytes0 a)", "unknown type 'bytes0'"),
        ("event T(address memory a)", "',' expected, found 'a'"),
        ("event T(address a indexed)", "',' expected, found 'indexed'"),
        ("event T(address indexed indexed)", "'indexed' is out of place"),
        ("event T(address a) anonymous", "anonymous event has no topic0"),
        ("event T(bool indexed,bool indexed,bool indexed,bool indexed)", "at most three indexed"),
        ("event T(address a, uint a)", "'a' is used twice"),
        ("event T((address a, uint a) b)", "'a' is used twice"),
        ("event T(uint[0] a)", "array length"),
        ("event T(uint[-1] a)", "array length"),
        ("event T(uint[99999999999] a)", "array length"),
        ("event T(uint] a)", "',' expected"),
        ("event T(() a)", "a type expected"),
        ("event T(tuple a)", "'\\(' expected"),
        ("event T(" + "(" * 5000, "longer than"),
        ("event T(" + "(" * 100, "tuples within each other"),
        ("event T(" + ",".join(["uint256"] * 200) + ")", "longer than 1000"),
        ("event T(address \0)", "found '\\\\x00'"),
        ("event T(address \u00e9)", "',' expected"),
        ("event Caf\u00e9(address a)", "'\\(' expected"),
        ("function f(address a)", "'\\(' expected, found 'f'"),
    ],
)
def test_a_malformed_event_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(AbiError, match=reason):
        parse_event(text)


def test_an_unknown_argument_is_refused_naming_those_there_are() -> None:
    with pytest.raises(AbiError, match="T has no argument 'user'; its arguments: from, to"):
        parse_event("event T(address from, address to, uint)").argument("user")


@settings(deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="event T(uint256[]indexed,) a$;", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        event = parse_event(text)
    except AbiError:
        return
    assert parse_event(event.text) == event


SPACE = st.sampled_from(["", " ", "\n", "\t  "])
GAP = st.sampled_from([" ", "\n", "\t  "])
ELEMENTARY = st.sampled_from(
    [(name, name) for name in ("uint8", "address", "bool", "bytes", "bytes32", "string")]
    + [("uint", "uint256"), ("int", "int256"), ("fixed", "fixed128x18")]
)
Pair = tuple[str, str]


def array_of(pair: Pair, length: str) -> Pair:
    return pair[0] + length, pair[1] + length


def tuple_of(members: list[Pair], space: str, word: str) -> Pair:
    written = ",".join(f"{space}{text}{space}" for text, _ in members)
    return f"{word}({written})", f"({','.join(signature for _, signature in members)})"


TYPES = st.recursive(
    ELEMENTARY,
    lambda inner: (
        st.builds(array_of, inner, st.sampled_from(["[]", "[2]", "[3][]"]))
        | st.builds(tuple_of, st.lists(inner, min_size=1, max_size=3), SPACE, st.sampled_from(["", "tuple", "tuple "]))
    ),
    max_leaves=5,
)


@st.composite
def events(draw: st.DrawFn) -> tuple[str, str]:
    """An event as someone may write it, and its signature."""
    types = draw(st.lists(TYPES, max_size=5))
    indexed = draw(st.sets(st.integers(0, 4), max_size=3))
    written = []
    for number, (text, _) in enumerate(types):
        parts = [text, *(["indexed"] if number in indexed else []), *([f"a{number}"] if draw(st.booleans()) else [])]
        written.append(draw(SPACE) + draw(GAP).join(parts) + draw(SPACE))
    name = draw(st.from_regex(r"[A-Z][a-z]{0,8}", fullmatch=True))
    event = f"{draw(st.sampled_from(['event ', '']))}{name}{draw(SPACE)}({','.join(written)})"
    return event, f"{name}({','.join(signature for _, signature in types)})"


@settings(deadline=None)
@given(events())
def test_the_canonical_text_says_the_same_and_is_its_own_canonical_text(event: tuple[str, str]) -> None:
    text, signature = event
    parsed = parse_event(text)
    assert parsed.topic0 == event_signature_to_log_topic(signature)
    assert parse_event(parsed.text) == parsed


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(TYPES, min_size=1, max_size=4), st.integers(0, 3))
def test_an_argument_is_read_as_eth_abi_encodes_it_whatever_stands_beside_it(
    data: st.DataObject, neighbours: list[Pair], place: int
) -> None:
    signature = data.draw(st.sampled_from(["uint256", "int16", "bool", "bytes", "bytes7", "string"]))
    types = [signature for _, signature in neighbours]
    types.insert(place, signature)
    place = min(place, len(types) - 1)
    values: list[Any] = [data.draw(get_abi_strategy(type_)) for type_ in types]
    event = parse_event(f"T({', '.join(f'{type_} a{number}' for number, type_ in enumerate(types))})")
    read = compile_read(event, event.argument(f"a{place}"))
    assert read([], encode(types, values)) == values[place]


def read_text(data: str) -> object:
    event = parse_event("event T(string note)")
    return compile_read(event, event.argument("note"))([], bytes.fromhex(data))


W0, W20, W40, HUGE = "00" * 32, f"{32:064x}", f"{64:064x}", "ff" * 32


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (W0, "pointer"),  # into the heads
        (W40, "pointer"),  # beyond the data
        (HUGE, "pointer"),  # far beyond
        (W20, "pointer"),  # to the data's end
        (W20 + "00", "read 32 bytes"),  # into an incomplete length
        (W20 + W20, "read 32 bytes"),  # no text behind its length
        (W20 + HUGE, "length"),  # more text than memory
        (W20 + f"{1:064x}" + "61" + "00" * 30 + "01", "Padding"),
        (W20 + f"{1:064x}" + "ff" + "00" * 31, "UTF-8"),
        (W20 + f"{3:064x}" + "eda080" + "00" * 29, "UTF-8"),  # half a surrogate pair
    ],
)
def test_broken_data_is_undecodable_and_nothing_worse(data: str, reason: str) -> None:
    with pytest.raises(Undecodable, match=f"argument note: .*{reason}"):
        read_text(data)
