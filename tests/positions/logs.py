"""Logs for the tests of positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

POOL = bytes.fromhex("b4e16d0168e52d35cacd2c6185b44281ec28c9dc")
ALICE = bytes.fromhex("a11ce0000000000000000000000000000000a11c")
BOB = bytes.fromhex("b0b0000000000000000000000000000000000b0b")
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TRANSFER_ABI = "event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)"
BORROW_ABI = "event Borrow(address borrower, uint borrowAmount, uint accountBorrows, uint totalBorrows)"
DEPOSIT_ABI = (
    "event DepositEvent(bytes pubkey, bytes withdrawal_credentials, bytes amount, bytes signature, bytes index)"
)


@dataclass(frozen=True)
class RawLog:
    """A log with any text in it, even such as no node should send."""

    address: str
    topics: Sequence[str]
    data: str = "0x"
    block_number: int = 100
    removed: bool = False


def word(value: bytes | int) -> str:
    """A topic: an address or a number in 32 bytes."""
    number = int.from_bytes(value, "big") if isinstance(value, bytes) else value
    return f"0x{number:064x}"


def text(value: bytes) -> str:
    return "0x" + value.hex()
