from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.positions.definition import Definition, DefinitionError
from tests.positions.logs import BORROW_ABI, DEPOSIT_ABI, POOL, TRANSFER, TRANSFER_ABI, text

CREDENTIALS = "eth2-withdrawal-credentials"


def define(event: object) -> Definition:
    definition = Definition.from_event(POOL, event)
    assert definition is not None
    return definition


def test_false_watches_nothing() -> None:
    assert Definition.from_event(POOL, False) is None


def test_transfer_is_the_event_whose_topic_2_is_the_user() -> None:
    assert define("Transfer") == define({"topic0": TRANSFER, "user_topic": 2})
    assert define("Transfer") == define({"topic0": "0x" + TRANSFER[2:].upper(), "user_topic": 2})
    assert define("Transfer") == Definition(POOL, bytes.fromhex(TRANSFER[2:]), 2, None, None, None, None)


def test_spelling_does_not_make_another_definition() -> None:
    spelled = "Borrow(address   borrower,uint256 borrowAmount,uint accountBorrows, uint totalBorrows);"
    assert define({"abi": spelled, "user": "borrower"}) == define({"abi": BORROW_ABI, "user": "borrower"})


@pytest.mark.parametrize(
    "event",
    [
        {"topic0": TRANSFER, "user_topic": 1},  # another user
        {"topic0": TRANSFER, "user_topic": 3},
        {"topic0": "0x" + "11" * 32, "user_topic": 2},  # another event
        {"abi": TRANSFER_ABI, "user": "to"},  # the same event by its ABI
        {"abi": TRANSFER_ABI, "user": "from"},
        {"abi": TRANSFER_ABI, "user": "to", "metadata": "tokenId"},
        {"abi": TRANSFER_ABI.replace("uint256 indexed", "uint256"), "user": "to"},  # the id is not a topic
    ],
)
def test_another_meaning_makes_another_definition(event: object) -> None:
    assert define(event) != define("Transfer")
    assert define(event) != define({"abi": TRANSFER_ABI, "user": "to", "metadata": "from"})


def test_the_abi_form_keeps_what_reading_needs() -> None:
    assert define({"abi": BORROW_ABI, "user": "borrower", "metadata": "borrowAmount"}) == Definition(
        contract=POOL,
        topic0=bytes.fromhex("13ed6866d4e1ee6da46f845c46d7e54120883d75c5ea9a2dacc1c4ca8984ab80"),
        user_topic=None,
        abi=BORROW_ABI.replace("uint ", "uint256 "),
        user_argument="borrower",
        metadata_argument="borrowAmount",
        transform=None,
    )


@pytest.mark.parametrize(
    "event",
    [
        {"abi": DEPOSIT_ABI, "user": "withdrawal_credentials", "transform": CREDENTIALS},
        {"abi": "event T(bytes32 indexed who)", "user": "who", "transform": CREDENTIALS},
        {"abi": "event T(uint256 who)", "user": "who", "transform": CREDENTIALS},
        {"abi": "event T(address who, address indexed other)", "user": "who", "metadata": "other"},
        {"abi": "event T(address who, string note)", "user": "who", "metadata": "note"},
        {"abi": "event T(address who, (uint[] a)[] bids)", "user": "who"},  # a neighbour of any type
    ],
)
def test_these_can_be_watched(event: dict[str, str]) -> None:
    definition = define(event)
    again: dict[str, str | None] = {**event, "abi": definition.abi}
    assert define(again) == definition


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("transfer", 'known forms: "Transfer"'),
        (True, "known forms"),
        (0, "known forms"),
        (None, "known forms"),
        ([], "known forms"),
        ({}, "known forms"),
        ({"user_topic": 1}, "known forms"),
        ({"topic0": TRANSFER}, "without user_topic"),
        ({"topic0": TRANSFER, "user_topic": 1, "transform": CREDENTIALS}, "unknown key 'transform'"),
        ({"topic0": TRANSFER[:-2], "user_topic": 1}, "topic0 is not 32 bytes"),
        ({"topic0": TRANSFER[2:], "user_topic": 1}, "topic0 is not 32 bytes"),
        ({"topic0": TRANSFER + "\n", "user_topic": 1}, "topic0 is not 32 bytes"),
        ({"topic0": 5, "user_topic": 1}, "topic0 is not 32 bytes"),
        ({"topic0": TRANSFER, "user_topic": 0}, "user_topic is not 1, 2 or 3"),
        ({"topic0": TRANSFER, "user_topic": 4}, "user_topic"),
        ({"topic0": TRANSFER, "user_topic": True}, "user_topic"),
        ({"topic0": TRANSFER, "user_topic": 1.0}, "user_topic"),
        ({"topic0": TRANSFER, "user_topic": "1"}, "user_topic"),
        ({"abi": TRANSFER_ABI}, "without user"),
        ({"abi": TRANSFER_ABI, "user": "to", "metadatum": "tokenId"}, "unknown key 'metadatum'"),
        ({"abi": TRANSFER_ABI, "user": None}, "user is not text"),
        ({"abi": TRANSFER_ABI, "user": "to", "metadata": None}, "metadata is not text"),
        ({"abi": 1, "user": "to"}, "abi is not text"),
        ({"abi": TRANSFER_ABI, "user": "To"}, "no argument 'To'; its arguments: from, to, tokenId"),
        ({"abi": TRANSFER_ABI, "user": ""}, "no argument ''"),
        ({"abi": TRANSFER_ABI, "user": "to", "metadata": "id"}, "no argument 'id'"),
        ({"abi": TRANSFER_ABI, "user": "to", "transform": "upper"}, f"unknown transform 'upper'; known: {CREDENTIALS}"),
        ({"abi": TRANSFER_ABI, "user": "to", "transform": CREDENTIALS}, "needs bytes"),
        ({"abi": TRANSFER_ABI, "user": "tokenId"}, "must be an address"),
        ({"abi": "event T(address[] who)", "user": "who"}, "must be an address"),
        ({"abi": "event T((address) who)", "user": "who"}, "must be an address"),
        ({"abi": DEPOSIT_ABI, "user": "withdrawal_credentials"}, "must be an address"),
        ({"abi": "event T(bytes indexed who)", "user": "who", "transform": CREDENTIALS}, "only its hash"),
        ({"abi": "event T(address a, string indexed n)", "user": "a", "metadata": "n"}, "only its hash"),
        ({"abi": "event T(address a, uint[2] indexed n)", "user": "a", "metadata": "n"}, "only its hash"),
        ({"abi": "event T(address a, (uint) indexed n)", "user": "a", "metadata": "n"}, "only its hash"),
        ({"abi": "event T(address a, uint[] n)", "user": "a", "metadata": "n"}, "no text form; possible: address"),
        ({"abi": "event T(address a, fixed n)", "user": "a", "metadata": "n"}, "no text form"),
        ({"abi": "event T(adress a)", "user": "a"}, "abi: unknown type 'adress'"),
    ],
)
def test_these_are_refused_with_a_reason(event: object, reason: str) -> None:
    with pytest.raises(DefinitionError) as error:
        Definition.from_event(POOL, event)
    assert reason in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
)
EVENT_KEYS = st.sampled_from(["topic0", "user_topic", "abi", "user", "metadata", "transform"])
EVENT_VALUES = JSON | st.sampled_from([TRANSFER, TRANSFER_ABI, DEPOSIT_ABI, "to", "pubkey", CREDENTIALS, 1, 2, 3])


@settings(deadline=None)
@given(JSON | st.dictionaries(EVENT_KEYS, EVENT_VALUES))
def test_any_json_is_a_definition_or_refused(event: object) -> None:
    try:
        definition = Definition.from_event(POOL, event)
    except DefinitionError:
        return
    if definition is None:
        assert event is False
    elif definition.abi is None:
        assert define({"topic0": text(definition.topic0), "user_topic": definition.user_topic}) == definition
    else:
        assert isinstance(event, dict)
        assert define({**event, "abi": definition.abi}) == definition
