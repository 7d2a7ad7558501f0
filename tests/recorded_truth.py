"""What recorded receipts mean under a watch list: a witness of the tests' own, by eth_abi and none of our code."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from eth_abi.abi import decode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


class Touch(NamedTuple):
    """A log read under one event of one contract: all lower-case hex, `event` as JSON."""

    block: int
    user: str
    contract: str
    event: str
    key: str | None
    value: str | None


class Truth:
    """Every touch of the watched contracts in the blocks."""

    def __init__(self, blocks: Iterable[dict[str, Any]], watches: Iterable[dict[str, Any]]) -> None:
        self.labels: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        events: dict[str, dict[str, Any]] = defaultdict(dict)
        for watch in watches:
            for contract in map(str.lower, watch["contracts"]):
                event = json.dumps(watch["event"], sort_keys=True)
                events[contract][event] = watch["event"]
                self.labels[contract, event].add((watch["protocol"], watch["product"]))
        self.touches = [
            Touch(int(block["block"]["number"], 16), user, log["address"], text, key, value)
            for block in blocks
            for receipt in block["receipts"]
            for log in receipt["logs"]
            for text, event in events.get(log["address"], {}).items()
            for user, key, value in users_of(log, event)
            if int(user, 16)
        ]

    def users(self, first: int, last: int) -> list[str]:
        """Everybody whom blocks `first` to `last` touch."""
        return sorted({touch.user for touch in self.touches if first <= touch.block <= last})

    def rows(self, first: int, last: int) -> list[tuple[str, str, int]]:
        """(user, contract, first block) of every user and job, as the index should hold them."""
        return sorted(
            (user, contract, min(touch.block for touch in touches))
            for (user, contract, _), touches in self._by_user_and_job(first, last).items()
        )

    def metadata(self, first: int, last: int) -> list[tuple[str, str, str, str, int]]:
        """The same with key and value."""
        found: dict[tuple[str, str, str, str], int] = {}
        for block, user, contract, _, key, value in self.touches:
            if first <= block <= last and key is not None and value is not None:
                found[user, contract, key, value] = min(block, found.get((user, contract, key, value), block))
        return sorted((*of, block) for of, block in found.items())

    def pools(self, first: int, last: int) -> dict[str, list[dict[str, Any]]]:
        """By user, the pools that an answer should hold, by contract."""
        merged: dict[str, dict[str, list[Touch]]] = defaultdict(lambda: defaultdict(list))
        for (user, contract, _), touches in self._by_user_and_job(first, last).items():
            merged[user][contract] += touches
        return {
            user: [self._pool(contract, touches) for contract, touches in sorted(contracts.items())]
            for user, contracts in merged.items()
        }

    def _by_user_and_job(self, first: int, last: int) -> dict[tuple[str, str, str], list[Touch]]:
        found: dict[tuple[str, str, str], list[Touch]] = defaultdict(list)
        for touch in self.touches:
            if first <= touch.block <= last:
                found[touch.user, touch.contract, touch.event].append(touch)
        return found

    def _pool(self, contract: str, touches: list[Touch]) -> dict[str, Any]:
        labels = {label for touch in touches for label in self.labels[contract, touch.event]}
        values: dict[str, set[str]] = defaultdict(set)
        for touch in touches:
            if touch.key is not None and touch.value is not None:
                values[touch.key].add(touch.value)
        return {
            "contract": to_checksum_address(contract),
            "labels": [{"protocol": protocol, "product": product} for protocol, product in sorted(labels)],
            "first_block": min(touch.block for touch in touches),
            "metadata": {key: sorted(found, key=by_number_or_text) for key, found in values.items()},
        }


def by_number_or_text(value: str) -> tuple[int, str]:
    return (int(value) if value.isdecimal() else 0, value)


def users_of(log: dict[str, Any], event: Any) -> Iterator[tuple[str, str | None, str | None]]:
    """Whom the log names under the event, and the metadata beside; nobody where it is another event's log."""
    topics = log["topics"]
    if event == "Transfer":
        event = {"topic0": TRANSFER, "user_topic": 2}
    if "topic0" in event:
        if topics[:1] == [event["topic0"]] and len(topics) > event["user_topic"]:
            yield "0x" + topics[event["user_topic"]][26:], None, None
        return
    arguments = read_arguments(log, event["abi"])
    if not arguments:
        return
    user = arguments[event["user"]]
    if event.get("transform") == "eth2-withdrawal-credentials":
        if user[0] not in (1, 2):
            return
        user = "0x" + user[12:].hex()
    key = event.get("metadata")
    value = arguments.get(key)
    yield user, key, "0x" + value.hex() if isinstance(value, bytes) else None if key is None else str(value)


def read_arguments(log: dict[str, Any], abi: str) -> dict[str, Any]:
    """The log's arguments by name, empty where the event is another one."""
    match = re.fullmatch(r"event (\w+)\((.*)\)", abi)
    assert match is not None, abi
    # "type indexed name" or "type name"
    arguments = [re.sub(r"^uint\b", "uint256", part.strip()).split() for part in match[2].split(",")]
    indexed = [(words[0], words[-1]) for words in arguments if "indexed" in words]
    plain = [(words[0], words[-1]) for words in arguments if "indexed" not in words]
    signature = f"{match[1]}({','.join(words[0] for words in arguments)})"
    if log["topics"][:1] != ["0x" + keccak(text=signature).hex()] or len(log["topics"]) != 1 + len(indexed):
        return {}
    values = {
        name: decode([kind], bytes.fromhex(topic[2:]))[0]
        for (kind, name), topic in zip(indexed, log["topics"][1:], strict=True)
    }
    data = decode([kind for kind, _ in plain], bytes.fromhex(log["data"][2:]))
    return values | {name: value for (_, name), value in zip(plain, data, strict=True)}
