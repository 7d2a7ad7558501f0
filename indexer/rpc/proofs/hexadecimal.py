"""The values of proofs as nodes write them: 0x hex, which other chains may leave out or write otherwise."""

from __future__ import annotations


def bytes_of(value: object, size: int | None = None) -> bytes:
    """Return the bytes of 0x hex of whole bytes; raises ValueError for anything else, and for another `size`."""
    if not isinstance(value, str) or value[:2] != "0x":
        raise ValueError("0x hex expected")
    data = bytes.fromhex(value[2:])
    if len(data) * 2 + 2 != len(value):
        raise ValueError("0x hex without blanks expected")
    if size is not None and len(data) != size:
        raise ValueError(f"{size} bytes expected, not {len(data)}")
    return data


def number_of(value: object) -> int:
    """Return the number of a 0x hex quantity; raises ValueError for anything else."""
    if not isinstance(value, str) or value[:2] != "0x" or not value[2:].isalnum():
        raise ValueError("0x hex number expected")
    return int(value[2:], 16)
