from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.positions.definition import Definition
from indexer.positions.watchlist import Entry, WatchListError, read_watch_list
from tests.positions.logs import TRANSFER

A, B = "0x028171bCA77440897B824Ca71D1c56caC55b68A3", "0xBcca60bB61934080951369a648Fb03DF4F96263C"
A_BYTES, B_BYTES = bytes.fromhex(A[2:]), bytes.fromhex(B[2:])


def watch(**changes: object) -> dict[str, object]:
    return {"protocol": "aave-v2", "product": "a-token", "event": "Transfer", "contracts": [A], **changes}


def watch_list(*watches: object, **changes: object) -> dict[str, object]:
    return {"chain": "ethereum", "chain_id": 1, "watches": list(watches), **changes}


def problems_of(data: object, chain_id: int | None = None) -> list[str]:
    with pytest.raises(WatchListError) as error:
        read_watch_list(data, chain_id=chain_id)
    return error.value.problems


def test_a_list_gives_an_entry_per_contract_in_its_order() -> None:
    read = read_watch_list(watch_list(watch(contracts=[B, A]), watch(product="vault", event=False)), chain_id=1)
    transfer_a, transfer_b = (Definition.from_event(contract, "Transfer") for contract in (A_BYTES, B_BYTES))
    assert (read.chain, read.chain_id) == ("ethereum", 1)
    assert read.entries == [
        Entry("aave-v2", "a-token", B_BYTES, transfer_b, None),
        Entry("aave-v2", "a-token", A_BYTES, transfer_a, None),
        Entry("aave-v2", "vault", A_BYTES, None, None),
    ]


@pytest.mark.parametrize("contract", [A, A.lower(), "0x" + A[2:].upper()])
def test_addresses_without_a_checksum_are_valid(contract: str) -> None:
    assert read_watch_list(watch_list(watch(contracts=[contract]))).entries[0].contract == A_BYTES


def test_the_floor_of_a_contract_goes_before_that_of_its_watch() -> None:
    contracts = [A, {"address": B, "start_block": 0}]
    entries = read_watch_list(watch_list(watch(contracts=contracts, start_block=9))).entries
    assert [entry.start_block for entry in entries] == [9, 0]
    entries = read_watch_list(watch_list(watch(contracts=[{"address": A}], start_block=9))).entries
    assert [entry.start_block for entry in entries] == [9]


def test_a_contract_may_have_several_labels_and_several_events() -> None:
    other = {"topic0": TRANSFER, "user_topic": 1}
    data = watch_list(watch(), watch(product="vault"), watch(protocol="aave"), watch(event=other))
    assert len(read_watch_list(data).entries) == 4


def test_nothing_to_watch_is_no_fault() -> None:
    assert read_watch_list(watch_list()).entries == []
    assert read_watch_list(watch_list(watch(contracts=[]))).entries == []


HERE = "watches[0] aave-v2/a-token"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"event": "transfer"}, f"{HERE}: unknown event; known forms"),
        ({"event": {"topic0": TRANSFER, "user_topic": 4}}, f"{HERE}: user_topic is not 1, 2 or 3"),
        ({"event": {"abi": "event T(address a)", "user": "b"}}, f"{HERE}: abi: T has no argument 'b'"),
        ({"contracts": [A.replace("bC", "bc")]}, f"{HERE} contract {A.replace('bC', 'bc')}: bad checksum: {A}"),
        ({"contracts": [B, "0x1234"]}, f"{HERE} contract 0x1234: not an address"),
        ({"contracts": ["\0"]}, f"{HERE} contract '\\x00': not an address"),
        ({"contracts": [B, 5]}, f"{HERE} contract [1]: neither an address nor an object"),
        ({"contracts": [[A]]}, f"{HERE} contract [0]: neither"),
        ({"contracts": [{"start_block": 5}]}, f"{HERE} contract [0]: address is missing"),
        ({"contracts": [{"address": None}]}, f"{HERE} contract [0]: neither"),
        ({"contracts": [{"address": A, "startBlock": 5}]}, f"{HERE} contract {A}: unknown key 'startBlock'"),
        ({"contracts": [{"address": A, "start_block": -1}]}, f"{HERE} contract {A}: start_block is not a block"),
        ({"contracts": [A, A.lower()]}, f"{HERE} contract {A.lower()}: given twice with the same label"),
        ({"contracts": {A: 1}}, f"{HERE}: contracts is not a list"),
        ({"contracts": A}, f"{HERE}: contracts is not a list"),
        ({"start_block": -1}, f"{HERE}: start_block is not a block number"),
        ({"start_block": True}, f"{HERE}: start_block is not"),
        ({"start_block": 2**53}, f"{HERE}: start_block is not"),
        ({"start_block": 1.0}, f"{HERE}: start_block is not"),
        ({"start_block": "1"}, f"{HERE}: start_block is not"),
        ({"start_block": None}, f"{HERE}: start_block is not"),
        (
            {"startblock": 5},
            "watches[0]: unknown key 'startblock'; known: protocol, product, event, contracts, start_block",
        ),
        ({"protocol": ""}, "watches[0]: protocol is missing or empty"),
        ({"product": "  "}, "watches[0]: product is missing or empty"),
        ({"product": 5}, "watches[0]: product is missing or empty"),
        ({"product": "a\0b"}, "watches[0]: product 'a\\x00b' has characters that cannot be seen"),
        ({"product": "a\ud800b"}, "watches[0]: product 'a\\ud800b' has characters that cannot be seen"),
        ({"product": "a-token "}, "watches[0]: product 'a-token ' has characters that cannot be seen"),
        ({"product": "a" * 201}, "watches[0]: product is longer than 200 characters"),
    ],
)
def test_a_wrong_entry_is_named_with_its_reason(changes: dict[str, object], problem: str) -> None:
    problems = problems_of(watch_list(watch(**changes)))
    assert len(problems) == 1
    assert problems[0].startswith(problem)


@pytest.mark.parametrize("key", ["protocol", "product", "event", "contracts"])
def test_a_watch_without_one_of_its_parts_is_refused(key: str) -> None:
    whole = watch()
    del whole[key]
    assert problems_of(watch_list(whole)) == [f"watches[0]: {key} is missing"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([], "the watch list is not an object with chain, chain_id, watches"),
        (None, "the watch list is not an object"),
        ({"chain": "ethereum", "chain_id": 1}, "watches is missing"),
        (watch_list(chain=""), "chain is missing or empty"),
        (watch_list(chain_id="1"), "chain_id is not a whole number"),
        (watch_list(chain_id=True), "chain_id is not a whole number"),
        (watch_list(chain_id=0), "chain_id is not a whole number"),
        (watch_list(watches={}), "watches is not a list"),
        (watch_list(watches="[]"), "watches is not a list"),
        (watch_list(version=1), "unknown key 'version'"),
        (watch_list("Transfer"), "watches[0]: a watch is not an object"),
    ],
)
def test_a_file_of_another_shape_is_refused(data: object, problem: str) -> None:
    problems = problems_of(data)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_the_list_of_another_chain_is_refused() -> None:
    assert problems_of(watch_list(watch()), chain_id=10) == [
        "chain_id is 1, but this is chain 10: import the list of that chain"
    ]


def test_the_same_entry_under_the_same_label_is_refused_wherever_it_stands_again() -> None:
    again = watch(event={"topic0": TRANSFER, "user_topic": 2}, start_block=5)
    assert problems_of(watch_list(watch(), watch(product="vault"), again)) == [
        f"watches[2] aave-v2/a-token contract {A.lower()}: given twice with the same label"
    ]
    assert len(problems_of(watch_list(watch(event=False), watch(event=False)))) == 1


def test_everything_wrong_is_told_at_once() -> None:
    wrong = watch(event="x", start_block=-1, contracts=["0x1", "0x2"])
    problems = problems_of(watch_list(wrong, watch(protocol=""), watch(), chain="", chain_id=0))
    assert [problem.split(": ")[0] for problem in problems] == [
        "chain is missing or empty",
        "chain_id is not a whole number above zero",
        HERE,
        HERE,
        f"{HERE} contract 0x1",
        f"{HERE} contract 0x2",
        "watches[1]",
    ]


@pytest.mark.parametrize(("count", "last"), [(20, "0x19"), (21, "and 1 more"), (25, "and 5 more")])
def test_the_text_shows_twenty_problems_and_counts_the_rest(count: int, last: str) -> None:
    with pytest.raises(WatchListError) as error:
        read_watch_list(watch_list(watch(contracts=[f"0x{number}" for number in range(count)])))
    lines = str(error.value).splitlines()
    assert len(error.value.problems) == count
    assert len(lines) == min(count, 21)
    assert last in lines[-1]


def test_a_list_nested_too_deep_to_print_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    for data in (deep, watch_list(deep), watch_list(watch(contracts=[deep])), watch_list(watch(event=deep))):
        assert len(problems_of(data)) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from([A, "Transfer"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
WATCHES = st.fixed_dictionaries(
    {"protocol": JSON, "product": JSON, "event": JSON, "contracts": JSON}, optional={"start_block": JSON, "x": JSON}
)
LISTS = st.fixed_dictionaries({"chain": JSON, "chain_id": JSON, "watches": st.lists(JSON | WATCHES, max_size=3) | JSON})


@settings(deadline=None)
@given(JSON | LISTS)
def test_any_json_is_a_watch_list_or_refused_with_a_text_that_can_be_printed(data: object) -> None:
    try:
        read = read_watch_list(data)
    except WatchListError as refusal:
        text = str(refusal)
    else:
        text = read.chain
    assert text.encode()
