from __future__ import annotations

from collections.abc import Sequence

import pytest
from eth_abi.abi import encode

from indexer.positions.definition import Definition
from indexer.positions.watch import Matches, Touch, Unreadable, WatchIndex, watch_key
from tests.positions.logs import ALICE, BOB, BORROW_ABI, DEPOSIT_ABI, POOL, TRANSFER, TRANSFER_ABI, RawLog, text, word

BORROW = "0x13ed6866d4e1ee6da46f845c46d7e54120883d75c5ea9a2dacc1c4ca8984ab80"
DEPOSIT = "0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5"
DEPOSIT_CONTRACT = bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa")
DEPOSIT_EVENT = {
    "abi": DEPOSIT_ABI,
    "user": "withdrawal_credentials",
    "metadata": "pubkey",
    "transform": "eth2-withdrawal-credentials",
}
ERC721 = {"abi": TRANSFER_ABI, "user": "to", "metadata": "tokenId"}
PUBKEY = bytes(range(48))


def define(event: object, contract: bytes = POOL) -> Definition:
    definition = Definition.from_event(contract, event)
    assert definition is not None
    return definition


def match(event: object, *logs: RawLog, contract: bytes = POOL) -> Matches:
    return WatchIndex([(7, define(event, contract))]).match(logs)


def log_of(definition: Definition, topics: Sequence[str], data: bytes = b"", block: int = 100) -> RawLog:
    return RawLog(text(definition.contract), [text(definition.topic0), *topics], text(data), block)


def transfer(to: bytes, *, pool: bytes = POOL, value: int = 5, block: int = 100) -> RawLog:
    return RawLog(text(pool), [TRANSFER, word(BOB), word(to)], word(value), block)


def deposit(credentials: bytes) -> RawLog:
    data = encode(["bytes"] * 5, [PUBKEY, credentials, bytes(8), bytes(96), bytes(8)])
    return RawLog(text(DEPOSIT_CONTRACT), [DEPOSIT], text(data))


def test_a_transfer_of_a_v2_pair_names_its_receiver() -> None:
    assert match("Transfer", transfer(ALICE)) == Matches([Touch(100, ALICE, 7, None, None)], [])


def test_a_custom_event_names_the_user_in_the_topic_asked_for() -> None:
    topic0 = "0x" + "6c" * 32
    log = RawLog(text(POOL), [topic0, word(BOB), word(ALICE)], "0x1234")
    assert match({"topic0": topic0, "user_topic": 2}, log).touches == [Touch(100, ALICE, 7, None, None)]
    assert match({"topic0": topic0, "user_topic": 1}, log).touches == [Touch(100, BOB, 7, None, None)]


def test_a_deposit_of_eth2_names_the_withdrawal_address_with_its_key() -> None:
    log = deposit(b"\x01" + bytes(11) + ALICE)
    key = "0x" + PUBKEY.hex()
    assert match(DEPOSIT_EVENT, log, contract=DEPOSIT_CONTRACT) == Matches([Touch(100, ALICE, 7, "pubkey", key)], [])


def test_a_deposit_with_a_bls_key_names_nobody_and_is_no_error() -> None:
    assert match(DEPOSIT_EVENT, deposit(b"\x00" + b"\xab" * 31), contract=DEPOSIT_CONTRACT) == Matches([], [])


def test_a_deposit_with_credentials_of_another_kind_is_unreadable() -> None:
    matches = match(DEPOSIT_EVENT, deposit(b"\x07" + bytes(11) + ALICE), contract=DEPOSIT_CONTRACT)
    assert matches == Matches([], [Unreadable(100, 7, 1, "withdrawal credentials of unknown kind 0x07")])


def test_a_position_as_nft_names_its_receiver_with_the_id_in_decimal() -> None:
    log = log_of(define(ERC721), [word(BOB), word(ALICE), word(2**256 - 1)])
    assert match(ERC721, log).touches == [Touch(100, ALICE, 7, "tokenId", str(2**256 - 1))]


def test_a_user_outside_the_topics_is_read_from_the_data() -> None:
    data = encode(["address", "uint256", "uint256", "uint256"], [ALICE, 1, 2, 3])
    log = RawLog(text(POOL), [BORROW], text(data))
    assert match({"abi": BORROW_ABI, "user": "borrower"}, log).touches == [Touch(100, ALICE, 7, None, None)]


def test_a_user_may_be_an_indexed_word_that_a_transform_reads() -> None:
    event = {"abi": "event T(bytes32 indexed who)", "user": "who", "transform": "eth2-withdrawal-credentials"}
    log = log_of(define(event), ["0x01" + "00" * 11 + ALICE.hex()])
    assert match(event, log).touches == [Touch(100, ALICE, 7, None, None)]


@pytest.mark.parametrize(
    ("type_", "value", "written"),
    [
        ("uint256", 2**256 - 1, str(2**256 - 1)),
        ("int256", -(2**255), str(-(2**255))),
        ("bool", True, "true"),
        ("bool", False, "false"),
        ("bytes", b"", "0x"),
        ("bytes", b"\0\xff" * 40_000, "0x" + "00ff" * 40_000),
        ("bytes4", b"\xde\xad\xbe\xef", "0xdeadbeef"),
        ("address", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
        ("string", "", ""),
        ("string", "h\u00e9 \U0001f600\n" * 10_000, "h\u00e9 \U0001f600\n" * 10_000),
    ],
    ids=str,
)
def test_metadata_of_any_size_has_one_text(type_: str, value: object, written: str) -> None:
    event = {"abi": f"event T(address indexed who, {type_} what)", "user": "who", "metadata": "what"}
    log = log_of(define(event), [word(ALICE)], encode([type_], [value]))
    assert match(event, log) == Matches([Touch(100, ALICE, 7, "what", written)], [])


def test_metadata_may_be_a_topic() -> None:
    event = {"abi": "event T(address who, int8 indexed what)", "user": "who", "metadata": "what"}
    log = log_of(define(event), ["0x" + "ff" * 32], encode(["address"], [ALICE]))
    assert match(event, log).touches == [Touch(100, ALICE, 7, "what", "-1")]


def test_the_zero_address_is_nobody() -> None:
    assert match("Transfer", transfer(bytes(20))) == Matches([], [])
    borrow = RawLog(text(POOL), [BORROW], "0x" + "00" * 128)
    assert match({"abi": BORROW_ABI, "user": "borrower"}, borrow) == Matches([], [])


def test_unreadable_metadata_of_nobody_is_no_matter() -> None:
    event = {"abi": "event T(address indexed who, string what)", "user": "who", "metadata": "what"}
    assert match(event, log_of(define(event), [word(bytes(20))], b"\xff" * 32)) == Matches([], [])


def test_a_transfer_of_nothing_counts() -> None:
    assert match("Transfer", transfer(ALICE, value=0)).touches == [Touch(100, ALICE, 7, None, None)]


@pytest.mark.parametrize(
    ("topics", "reason"),
    [
        ([], "topic 2 is missing"),
        ([word(BOB)], "topic 2 is missing"),  # a token whose receiver is not indexed
        (
            [word(BOB), "0x" + "00" * 11 + "01" + ALICE.hex()],
            "topic 2: not an address: its upper 12 bytes are not zero",
        ),
        ([word(BOB), "0x"], "topic 2: topic is not 32 bytes"),
        ([word(BOB), "0x" + "zz" * 32], "topic 2: topic is not hex"),
    ],
)
def test_a_topic_that_is_no_address_is_counted(topics: list[str], reason: str) -> None:
    assert match("Transfer", RawLog(text(POOL), [TRANSFER, *topics])) == Matches([], [Unreadable(100, 7, 1, reason)])


BORROW_DATA = encode(["address", "uint256", "uint256", "uint256"], [ALICE, 1, 2, 3])


@pytest.mark.parametrize(
    ("topics", "data", "reason"),
    [
        ([BORROW], "0x", "0 bytes of data where the ABI needs 128"),
        ([BORROW], text(BORROW_DATA[:-1]), "127 bytes of data where the ABI needs 128"),
        ([BORROW], "0x0", "data is not hex"),
        ([BORROW], text(b"\x01" + BORROW_DATA[1:]), "argument borrower: not an address"),
        ([BORROW, word(ALICE)], text(BORROW_DATA), "2 topics where the ABI has 1"),  # an indexed borrower
    ],
)
def test_data_that_does_not_fit_the_abi_is_counted(topics: list[str], data: str, reason: str) -> None:
    matches = match({"abi": BORROW_ABI, "user": "borrower"}, RawLog(text(POOL), topics, data))
    assert matches.touches == []
    assert [(row.job, row.count) for row in matches.unreadable] == [(7, 1)]
    assert matches.unreadable[0].reason.startswith(reason)


def test_fewer_topics_than_the_abi_has_are_counted() -> None:
    log = log_of(define(ERC721), [word(BOB), word(ALICE)], bytes(32))  # an ERC-20 where an ERC-721 was expected
    assert match(ERC721, log) == Matches([], [Unreadable(100, 7, 1, "3 topics where the ABI has 4")])


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (encode(["bytes"], [b"a\0b"]), "text with a NUL character, which the database cannot keep"),
        (encode(["bytes"], [b"\xff"]), "argument what: not valid UTF-8"),
        (encode(["bytes"], [b"a" * 33])[:-1], "argument what: Tried to read 64 bytes, only got 63 bytes"),
        (b"\xff" * 32, "argument what: its pointer leads outside the data"),
    ],
)
def test_unreadable_metadata_does_not_hide_the_user(note: bytes, reason: str) -> None:
    event = {"abi": "event T(address indexed who, string what)", "user": "who", "metadata": "what"}
    matches = match(event, log_of(define(event), [word(ALICE)], note))
    assert matches == Matches([Touch(100, ALICE, 7, None, None)], [Unreadable(100, 7, 1, reason)])


def test_a_broken_argument_that_nobody_asked_for_hides_nothing() -> None:
    event = {"abi": "event T(address who, string note, uint8 id)", "user": "who", "metadata": "id"}
    data = bytes(12) + ALICE + b"\xff" * 32 + bytes(31) + b"\x09"
    assert match(event, log_of(define(event), [], data)) == Matches([Touch(100, ALICE, 7, "id", "9")], [])


def test_unreadable_logs_are_counted_per_job_and_block_with_the_first_reason() -> None:
    index = WatchIndex([(1, define("Transfer")), (2, define({"topic0": TRANSFER, "user_topic": 3}))])
    short, dirty = RawLog(text(POOL), [TRANSFER]), RawLog(text(POOL), [TRANSFER, word(BOB), "0x" + "ff" * 32])
    other_block = RawLog(text(POOL), [TRANSFER], block_number=101)
    assert index.match([short, dirty, other_block]).unreadable == [
        Unreadable(100, 1, 2, "topic 2 is missing"),
        Unreadable(100, 2, 2, "topic 3 is missing"),
        Unreadable(101, 1, 1, "topic 2 is missing"),
        Unreadable(101, 2, 1, "topic 3 is missing"),
    ]


def test_every_job_of_a_watch_key_gets_its_own_touch() -> None:
    jobs = [(1, define("Transfer")), (2, define({"topic0": TRANSFER, "user_topic": 1}))]
    assert WatchIndex(jobs).match([transfer(ALICE)]).touches == [
        Touch(100, ALICE, 1, None, None),
        Touch(100, BOB, 2, None, None),
    ]


def test_a_touch_is_given_once_per_block() -> None:
    logs = [transfer(ALICE), transfer(ALICE, value=9), transfer(ALICE, block=101)]
    assert match("Transfer", *logs).touches == [Touch(100, ALICE, 7, None, None), Touch(101, ALICE, 7, None, None)]


def test_logs_nobody_watches_are_passed_over() -> None:
    other_event = RawLog(text(POOL), ["0x" + "11" * 32, word(BOB), word(ALICE)])
    anonymous = RawLog(text(POOL), [])
    taken_back = RawLog(text(POOL), [TRANSFER, word(BOB), word(ALICE)], removed=True)
    logs = [other_event, anonymous, taken_back, transfer(ALICE, pool=BOB)]
    assert match("Transfer", *logs) == Matches([], [])


def test_a_definition_of_another_version_makes_its_own_logs_unreadable_and_no_others() -> None:
    good = define("Transfer")
    retired = Definition(POOL, good.topic0, None, TRANSFER_ABI, "to", None, "a-transform-since-removed")
    broken = Definition(POOL, good.topic0, None, "event Transfer(", "to", None, None)
    matches = WatchIndex([(1, retired), (2, good), (3, broken)]).match([transfer(ALICE)])
    assert matches.touches == [Touch(100, ALICE, 2, None, None)]
    assert [(row.job, row.reason.split(";")[0]) for row in matches.unreadable] == [
        (1, "definition: unknown transform 'a-transform-since-removed'"),
        (3, "definition: abi: a type expected, but the text ends"),
    ]


def test_an_index_tells_its_topics_and_its_size() -> None:
    index = WatchIndex([(1, define("Transfer")), (2, define("Transfer", BOB)), (3, define(DEPOSIT_EVENT))])
    assert index.topics == (DEPOSIT, TRANSFER)
    assert len(index) == 3
    assert (WatchIndex([]).topics, len(WatchIndex([]))) == ((), 0)


def test_a_watch_key_is_lower_case_contract_and_topic0() -> None:
    key = f"0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc#{TRANSFER}"
    assert watch_key("0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc", TRANSFER.upper()) == key
    assert watch_key(POOL, bytes.fromhex(TRANSFER[2:])) == key
