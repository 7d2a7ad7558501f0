"""Recursive Length Prefix, Ethereum's encoding of byte strings and lists (Yellow Paper, appendix B)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Item: TypeAlias = "bytes | int | Iterable[Item]"
"""A byte string, a whole number of zero or more (big-endian without leading zeros), or a list of items."""


def encode(item: Item) -> bytes:
    if isinstance(item, bytes):
        return encode_bytes(item)
    if isinstance(item, int):
        return encode_bytes(item.to_bytes((item.bit_length() + 7) // 8, "big"))
    return encode_list(map(encode, item))


def encode_bytes(data: bytes) -> bytes:
    if len(data) == 1 and data < b"\x80":
        return data
    return _prefix(len(data), 0x80) + data


def encode_list(encoded: Iterable[bytes]) -> bytes:
    """Return the list of items that are encoded already."""
    payload = b"".join(encoded)
    return _prefix(len(payload), 0xC0) + payload


def _prefix(length: int, base: int) -> bytes:
    if length < 56:
        return bytes((base + length,))
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((base + 55 + len(size),)) + size
