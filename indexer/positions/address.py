"""Addresses as people write them: EIP-55 text and its checksum."""

from __future__ import annotations

import re
from functools import lru_cache

from eth_hash.auto import keccak

_ADDRESS = re.compile(r"0[xX]([0-9a-fA-F]{40})")


# For every digit, the bit that makes a letter upper case: where it is a letter, and where the checksum says so.
_LETTERS = bytes(0x20 if chr(code) in "abcdef" else 0 for code in range(256))
_MARKS = bytes(0x20 if chr(code) in "89abcdef" else 0 for code in range(256))


@lru_cache(maxsize=65_536)
def checksum(address: bytes) -> str:
    """Write 20 bytes as EIP-55 text, the one form in which people are shown an address. Remembered: for contracts."""
    return checksum_once(address)


def checksum_once(address: bytes) -> str:
    """The same, not remembered: for the many addresses of users, which would crowd the contracts out."""
    if len(address) != 20:
        raise ValueError(f"an address has 20 bytes, not {len(address)}")
    digits = address.hex().encode()
    marks = keccak(digits)[:20].hex().encode().translate(_MARKS)
    upper = int.from_bytes(marks, "big") & int.from_bytes(digits.translate(_LETTERS), "big")
    return "0x" + (int.from_bytes(digits, "big") ^ upper).to_bytes(40, "big").decode()


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
