"""The chain's own truth: who has had which position, read from every receipt, without any code of the index.

This is the witness the index is compared with, so it takes the plain road throughout: all receipts of all blocks,
every log against every watch.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from .node import Node, NodeError, encode_call
from .world import World

TRANSFER = {"abi": "event Transfer(address indexed from, address indexed to, uint256 value)", "user": "to"}
NOBODY = "0x" + "00" * 20
BATCH = 50

Positions = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Watch:
    """One contract of one entry of a watch list. `topic` is where the user is, or `event` and `user` tell."""

    contract: str
    topic0: str
    start_block: int
    topic: int | None = None
    event: str = ""
    user: str = ""
    metadata: str | None = None
    transform: str | None = None


def positions(url: str, watch_list: dict[str, Any], up_to_block: int) -> Positions:
    """Return what blocks 0 to `up_to_block` hold for `watch_list`.

    `{address: {contract: {"first_block": int, "metadata": {key: sorted values}}}}`, addresses in EIP-55 text, numbers
    in metadata as decimal text, bytes as 0x hex. Raises NodeError where the chain changed while it was read.
    """
    node, found = Node(url), Positions()
    by_contract: dict[str, list[Watch]] = {}
    for watch in _watches(watch_list):
        by_contract.setdefault(watch.contract, []).append(watch)
    for block, log in _logs(node, up_to_block):
        for watch in by_contract.get(log["address"].lower(), []):
            if log["topics"][:1] == [watch.topic0] and block >= watch.start_block:
                for user, metadata in _read(watch, log):
                    _note(found, user, watch.contract, block, metadata)
    for pools in found.values():
        for position in pools.values():
            position["metadata"] = {key: sorted(values) for key, values in position["metadata"].items()}
    return found


def balances(url: str, world: World, blocks: Iterable[int]) -> list[tuple[str, str, int, int]]:
    """Return (wallet, contract, block, balance) for every balance or debt that is not zero at `blocks`.

    Each says that the contract must be among the wallet's pools. Blocks whose state the node no longer serves (it
    keeps the last ones only) are passed over. Raises NodeError.
    """
    node, held = Node(url), []
    reads = [
        (wallet, contract, encode_call(signature, wallet))
        for wallet in world.wallets
        for contract, signature in world.balance_reads.items()
    ]
    for block in blocks:
        if not _has_state(node, block):
            continue
        answers = node.batch([("eth_call", {"to": to, "data": data}, hex(block)) for _, to, data in reads])
        amounts = zip(reads, (int(answer, 16) for answer in answers), strict=True)
        held += [(wallet, contract, block, amount) for (wallet, contract, _), amount in amounts if amount]
    return held


def _watches(watch_list: dict[str, Any]) -> Iterator[Watch]:
    for entry in watch_list["watches"]:
        event: Any = TRANSFER if entry["event"] == "Transfer" else entry["event"]
        if event is False:
            continue
        for contract in entry["contracts"]:
            place = contract.lower(), event.get("topic0") or _topic0(event["abi"]), entry.get("start_block", 0)
            if "user_topic" in event:
                yield Watch(*place, topic=event["user_topic"])
            elif event is TRANSFER:
                yield Watch(*place, topic=2)
            else:
                yield Watch(
                    *place,
                    event=event["abi"],
                    user=event["user"],
                    metadata=event.get("metadata"),
                    transform=event.get("transform"),
                )


def _logs(node: Node, up_to_block: int) -> Iterator[tuple[int, dict[str, Any]]]:
    before = node.call("eth_getBlockByNumber", hex(up_to_block), False)
    for first in range(0, up_to_block + 1, BATCH):
        blocks = range(first, min(first + BATCH, up_to_block + 1))
        answers = node.batch([("eth_getBlockReceipts", hex(block)) for block in blocks])
        for block, receipts in zip(blocks, answers, strict=True):
            if receipts is None:
                raise NodeError(f"the node has no receipts of block {block}")
            for receipt in receipts:
                for log in receipt["logs"]:
                    yield block, log
    after = node.call("eth_getBlockByNumber", hex(up_to_block), False)
    if not before or not after or before["hash"] != after["hash"]:
        raise NodeError(f"block {up_to_block} was not there, or was replaced, while the chain was read: read it again")


def _read(watch: Watch, log: dict[str, Any]) -> Iterator[tuple[str, tuple[str, str] | None]]:
    """Yield the user of a log, with its metadata, if it holds one."""
    if watch.topic is not None:
        word = log["topics"][watch.topic] if watch.topic < len(log["topics"]) else ""
        if word.startswith("0x" + "00" * 12):
            yield "0x" + word[26:], None
        return
    try:
        values = _decode(watch.event, log)
    except (DecodingError, IndexError):
        return
    user = values[watch.user]
    if watch.transform == "eth2-withdrawal-credentials":
        if user[0] not in (1, 2):
            return
        user = "0x" + user[-20:].hex()
    yield user, (watch.metadata, _text(values[watch.metadata])) if watch.metadata else None


def _decode(event: str, log: dict[str, Any]) -> dict[str, Any]:
    arguments = _arguments(event)
    indexed = [(name, kind) for name, kind, is_indexed in arguments if is_indexed]
    plain = [(name, kind) for name, kind, is_indexed in arguments if not is_indexed]
    topics = [bytes.fromhex(topic[2:]) for topic in log["topics"][1:]]
    values = {name: decode([kind], topics[i])[0] for i, (name, kind) in enumerate(indexed)}
    data = decode([kind for _, kind in plain], bytes.fromhex(log["data"][2:]))
    return {**values, **{name: value for (name, _), value in zip(plain, data, strict=True)}}


def _arguments(event: str) -> list[tuple[str, str, bool]]:
    """Return (name, type, indexed) of the arguments of `event Name(type [indexed] name, …)`."""
    inside = event[event.index("(") + 1 : event.rindex(")")]
    words = [argument.split() for argument in inside.split(",")]
    return [(word[-1], re.sub(r"^(u?int)$", r"\g<1>256", word[0]), "indexed" in word[1:-1]) for word in words]


def _topic0(event: str) -> str:
    name = event[: event.index("(")].split()[-1]
    return "0x" + keccak(text=f"{name}({','.join(kind for _, kind, _ in _arguments(event))})").hex()


def _text(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _note(found: Positions, user: str, contract: str, block: int, metadata: tuple[str, str] | None) -> None:
    if user.lower() == NOBODY:
        return
    pools = found.setdefault(to_checksum_address(user), {})
    # Blocks come in order: the first note of a position is its first block.
    position = pools.setdefault(to_checksum_address(contract), {"first_block": block, "metadata": {}})
    if metadata:
        position["metadata"].setdefault(metadata[0], set()).add(metadata[1])


def _has_state(node: Node, block: int) -> bool:
    try:
        node.call("eth_getBalance", NOBODY, hex(block))
    except NodeError as error:
        if "BlockOutOfRange" in str(error):
            return False
        raise
    return True
