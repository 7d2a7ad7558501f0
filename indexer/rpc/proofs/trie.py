"""The root of a Merkle Patricia trie that maps a list's indexes to its items (Yellow Paper, appendix D).

Receipts, transactions and withdrawals of a block are committed to in this way. Such keys need no general trie: no key
begins another, so no branch holds a value, and the trie is built at once from the sorted keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TypeAlias

from indexer.rpc.proofs import rlp
from indexer.rpc.proofs.keccak import keccak256

EMPTY_ROOT = keccak256(rlp.encode(b""))
"""The root of no items, 0x56e81f17…: of a block without receipts, for one."""

EXTENSION, LEAF = 0, 2
NIBBLES = "0123456789abcdef"

Entry: TypeAlias = tuple[str, bytes]
"""A key, one hexadecimal digit for each nibble, and its item."""


def ordered_root(items: Sequence[bytes]) -> bytes:
    """Return the 32 bytes of the root of the trie rlp(index) -> item."""
    if not items:
        return EMPTY_ROOT
    return keccak256(_node(sorted((rlp.encode(index).hex(), item) for index, item in enumerate(items)), 0))


def _node(entries: Sequence[Entry], depth: int) -> bytes:
    """Return the node that holds sorted entries, which share their first `depth` nibbles."""
    first, item = entries[0]
    if len(entries) == 1:
        return rlp.encode_list((_path(LEAF, first[depth:]), rlp.encode_bytes(item)))
    last = entries[-1][0]
    fork = depth
    while first[fork] == last[fork]:
        fork += 1
    branch = _branch(entries, fork)
    return branch if fork == depth else rlp.encode_list((_path(EXTENSION, first[depth:fork]), _reference(branch)))


def _branch(entries: Sequence[Entry], depth: int) -> bytes:
    children = dict.fromkeys(NIBBLES, b"\x80")
    for nibble, below in groupby(entries, lambda entry: entry[0][depth]):
        children[nibble] = _reference(_node(list(below), depth + 1))
    return rlp.encode_list((*children.values(), b"\x80"))


def _reference(node: bytes) -> bytes:
    """Return what stands for a node in the one above: its hash, or itself where that is shorter."""
    return node if len(node) < 32 else rlp.encode_bytes(keccak256(node))


def _path(kind: int, nibbles: str) -> bytes:
    """Return nibbles in compact encoding (appendix C): the first one says whether their number is odd."""
    odd = len(nibbles) % 2
    return rlp.encode_bytes(bytes.fromhex(f"{kind + odd:x}{'' if odd else '0'}{nibbles}"))
