"""The hash that Ethereum's proofs are made of."""

from __future__ import annotations

from eth_hash.auto import keccak


def keccak256(data: bytes) -> bytes:
    """Return the 32 bytes of keccak-256 (not of SHA3-256, which pads otherwise)."""
    return keccak(data)
