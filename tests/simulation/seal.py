"""Blooms, receipts roots and header hashes in the tests' own writing: the product's is not its own witness.

After the Ethereum yellow paper, appendices B (RLP), D (trie) and section 4.3 (block), and EIP-2718 for typed receipts.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from eth_hash.auto import keccak

HEADER = (
    *("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"),
    *("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce"),
    *("baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash"),
)
"""The fields of a header in their order; a block of an earlier fork has only the first of them."""
FORKS = {"berlin": 15, "london": 16, "shanghai": 17, "cancun": 20, "prague": 21}
"""Fields of a header by fork."""
QUANTITIES = frozenset(
    ("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas")
)

Item = bytes | list[Any]


def rlp(item: Item) -> bytes:
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _length(len(item), 0x80) + item
    body = b"".join(map(rlp, item))
    return _length(len(body), 0xC0) + body


def _length(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes([offset + length])
    size = number(length)
    return bytes([offset + 55 + len(size)]) + size


def number(value: int) -> bytes:
    """Big-endian without leading zeros; nothing for zero."""
    return value.to_bytes((value.bit_length() + 7) // 8)


@lru_cache(maxsize=65_536)
def bits(value: bytes) -> int:
    """The three bits of a bloom that an address or a topic sets."""
    digest = keccak(value)
    found = 0
    for place in (0, 2, 4):
        found |= 1 << (int.from_bytes(digest[place : place + 2]) & 2047)
    return found


def header_hash(header: dict[str, Any]) -> str:
    """Of an answer to eth_getBlockByNumber, from the fields it has."""
    fields: list[Item] = []
    for name in HEADER:
        if name in header:
            text = header[name]
            fields.append(number(int(text, 16)) if name in QUANTITIES else bytes.fromhex(text[2:]))
    return "0x" + keccak(rlp(fields)).hex()


def receipt_item(
    kind: int, status: int, gas: int, bloom: int, logs: Sequence[tuple[bytes, Sequence[bytes], bytes]]
) -> bytes:
    """A receipt as the trie holds it; `logs` as (address, topics, data)."""
    body = rlp(
        [
            number(status),
            number(gas),
            bloom.to_bytes(256),
            [[address, list(topics), data] for address, topics, data in logs],
        ]
    )
    return bytes([kind]) + body if kind else body


def ordered_root(items: Sequence[bytes]) -> str:
    """The root of the trie that leads from rlp(place) to each item."""
    if not items:
        return "0x" + keccak(rlp(b"")).hex()
    pairs = sorted((rlp(number(place)).hex(), item) for place, item in enumerate(items))
    return "0x" + keccak(rlp(_node(pairs, 0))).hex()


def _node(pairs: Sequence[tuple[str, bytes]], depth: int) -> list[Any]:
    """`pairs` of hex digits and value, sorted, that share their first `depth` digits."""
    first, value = pairs[0]
    if len(pairs) == 1:
        return [_compact(first[depth:], leaf=True), value]
    last = pairs[-1][0]
    shared = depth
    while first[shared] == last[shared]:
        shared += 1
    if shared > depth:
        return [_compact(first[depth:shared], leaf=False), _reference(_node(pairs, shared))]
    # No key of this trie is the beginning of another, so no branch holds a value.
    parts: list[list[tuple[str, bytes]]] = [[] for _ in range(16)]
    for pair in pairs:
        parts[int(pair[0][depth], 16)].append(pair)
    return [_reference(_node(part, depth + 1)) if part else b"" for part in parts] + [b""]


def _reference(node: list[Any]) -> Item:
    encoded = rlp(node)
    return node if len(encoded) < 32 else keccak(encoded)


def _compact(digits: str, *, leaf: bool) -> bytes:
    odd = len(digits) % 2
    return bytes.fromhex(f"{2 * leaf + odd:x}" + ("" if odd else "0") + digits)
