from __future__ import annotations

from typing import Any

import pytest

from indexer.positions.definition import Definition
from indexer.positions.receipts import Position, process_receipts, token_event_mappings
from indexer.positions.watch import watch_key
from indexer.positions.watchlist import read_watch_list
from tests.positions.logs import ALICE, BOB, TRANSFER, TRANSFER_ABI, word

PAIR = "0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc"
POSITIONS = "0xbD216513d74C8cf14cf4747E6AaA6420FF64ee9e"
USER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
USER_TOPIC = word(bytes.fromhex(USER[2:]))
ERC721 = {"abi": TRANSFER_ABI, "user": "to", "metadata": "tokenId"}


def watch(product: str, event: object, *contracts: str) -> dict[str, object]:
    return {"protocol": "uniswap", "product": product, "event": event, "contracts": list(contracts)}


LIST = read_watch_list(
    {
        "chain": "ethereum",
        "chain_id": 1,
        "watches": [
            watch("v2", "Transfer", PAIR),
            watch("v2-again", {"topic0": TRANSFER, "user_topic": 2}, PAIR),
            watch("v2-senders", {"topic0": TRANSFER, "user_topic": 1}, PAIR),
            watch("v4", ERC721, POSITIONS),
            watch("off", False, PAIR),
        ],
    }
)


def receipt(*logs: dict[str, Any]) -> dict[str, Any]:
    return {"status": "0x1", "logs": list(logs)}


def log(address: str, *topics: str, **changes: object) -> dict[str, Any]:
    return {"address": address, "topics": [TRANSFER, *topics], "data": "0x", "blockNumber": "0x64", **changes}


def test_mappings_list_each_definition_once_by_its_watch_key() -> None:
    mappings = token_event_mappings(LIST)
    pair, positions = bytes.fromhex(PAIR[2:]), bytes.fromhex(POSITIONS[2:])
    assert mappings == {
        watch_key(PAIR, TRANSFER): [
            Definition.from_event(pair, "Transfer"),
            Definition.from_event(pair, {"topic0": TRANSFER, "user_topic": 1}),
        ],
        watch_key(POSITIONS, TRANSFER): [Definition.from_event(positions, ERC721)],
    }
    assert token_event_mappings([LIST, LIST]) == mappings
    assert token_event_mappings([]) == {}


def test_receipts_give_the_positions_they_open_each_once() -> None:
    pair_log = log(PAIR, word(bytes(20)), USER_TOPIC)
    receipts = [
        receipt(),
        receipt(pair_log, log(PAIR.lower(), word(bytes(20)), USER_TOPIC.upper().replace("0X", "0x"))),
        receipt(log(POSITIONS, word(BOB), USER_TOPIC, word(17)), log(POSITIONS, word(BOB), USER_TOPIC, word(18))),
    ]
    assert process_receipts(receipts, token_event_mappings(LIST)) == [
        Position(USER, PAIR, None, None, 100),
        Position(USER, POSITIONS, "tokenId", "17", 100),
        Position(USER, POSITIONS, "tokenId", "18", 100),
    ]


def test_a_user_whom_two_definitions_name_has_one_position() -> None:
    to_oneself = receipt(log(PAIR, USER_TOPIC, USER_TOPIC))
    assert process_receipts([to_oneself], token_event_mappings(LIST)) == [Position(USER, PAIR, None, None, 100)]


def test_logs_that_do_not_fit_or_are_not_watched_give_no_position() -> None:
    receipts = [
        receipt(
            log(PAIR, word(ALICE)[:-2], "0x" + "ff" * 32),
            log("0x" + "11" * 20, word(BOB), word(ALICE)),
            log(POSITIONS, word(BOB), word(ALICE)),
            log(POSITIONS, word(BOB), word(ALICE), word(1), removed=True),
            {**log(PAIR), "topics": []},
        )
    ]
    assert process_receipts(receipts, token_event_mappings(LIST)) == []


@pytest.mark.parametrize("answer", [None, {}, {"logs": None}, [], {"logs": "0x"}])
def test_a_receipt_without_logs_is_no_empty_receipt(answer: Any) -> None:
    with pytest.raises(ValueError, match="without its list of logs"):
        process_receipts([answer], {})


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "0x",
        {},
        {**log(PAIR), "address": None},
        log(PAIR, blockNumber=None),
        log(PAIR, blockNumber="latest"),
        {**log(PAIR), "topics": None},
        {**log(PAIR), "topics": [None]},
        log(PAIR, data=None),
        log(PAIR, data=b"\0"),
    ],
)
def test_a_log_of_another_shape_is_refused(broken: Any) -> None:
    with pytest.raises(ValueError, match="not as eth_getBlockReceipts gives it"):
        process_receipts([receipt(broken)], token_event_mappings(LIST))
