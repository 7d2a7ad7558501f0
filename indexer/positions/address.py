"""Addresses as people write them: EIP-55 text and its checksum."""

from __future__ import annotations

import re
from functools import lru_cache

from eth_hash.auto import keccak

_ADDRESS = re.compile(r"0[xX]([0-9a-fA-F]{40})")


@lru_cache(maxsize=65_536)
def checksum(address: bytes) -> str:
    """Write 20 bytes as EIP-55 text, the one form in which people are shown an address."""
    if len(address) != 20:
        raise ValueError(f"an address has 20 bytes, not {len(address)}")
    digits = address.hex()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if mark > "7" else digit for digit, mark in zip(digits, marks[:40], strict=True)
    )


def parse_address(text: str, *, strict: bool) -> bytes:
    """Read an address in hex, with 0x before it, as 20 bytes.

    All-lower and all-upper digits carry no checksum and are always taken. Mixed digits must carry the right one
    (EIP-55) if `strict`; without `strict` their case is ignored. Raises ValueError naming what is wrong.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError("not an address: 0x and 40 hex digits are needed")
    digits = found[1]
    address = bytes.fromhex(digits)
    if strict and digits != digits.lower() and digits != digits.upper():
        right = checksum(address)
        if right[2:] != digits:
            raise ValueError(f"bad checksum: {right} is the right spelling, if every digit is right")
    return address
