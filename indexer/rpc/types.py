"""What a node's answers become: headers and logs with checked shapes, and the units they are counted in."""

from __future__ import annotations

from typing import Annotated, NewType

import msgspec

Block = NewType("Block", int)
"""A block number."""
Address = NewType("Address", bytes)
"""20 bytes."""
Hash = NewType("Hash", bytes)
"""32 bytes."""

HexAddress = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-fA-F]{40}\Z")]
HexHash = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-fA-F]{64}\Z")]
HexData = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-fA-F]*\Z")]
HexBytes = Annotated[str, msgspec.Meta(pattern=r"\A0x(?:[0-9a-fA-F]{2})*\Z")]
Quantity = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-fA-F]{1,64}\Z")]
Bigint = Annotated[str, msgspec.Meta(pattern=r"\A0x0*[0-7]?[0-9a-fA-F]{1,15}\Z", max_length=66)]
"""A quantity that PostgreSQL's bigint holds: block numbers and times."""
MOST_TOPICS = 4
"""LOG4 is the EVM's longest."""


class Header(msgspec.Struct, frozen=True):
    """A block's header: `hash` and `parent_hash` 32 bytes, `timestamp` in seconds, `logs_bloom` 256 bytes.

    `logs_bloom` is None where a chain has none (Zilliqa 2 and other appchains leave the field out), and so is
    `receipts_root` (32 bytes). `hash_checks`: the hash of the fields that came, recomputed, is `hash`.
    """

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    logs_bloom: bytes | None = None
    receipts_root: bytes | None = None
    hash_checks: bool = False


class Log(msgspec.Struct, rename="camel"):
    """A log as nodes write it in JSON; decode with `msgspec.json.decode(text, type=Log)`.

    `address`, `topics`, `block_hash` and `transaction_hash` are always lower-case 0x hex, `data` is 0x hex of whole
    bytes. `transaction_hash` is None where a node gives none and zero for system logs (zkSync), so nothing may rely
    on it. A log of a pending block (null number or hash) does not decode.
    """

    address: HexAddress
    topics: Annotated[list[HexHash], msgspec.Meta(max_length=MOST_TOPICS)]
    data: HexData
    block_number_hex: Bigint = msgspec.field(name="blockNumber")
    block_hash: HexHash
    log_index_hex: Quantity = msgspec.field(name="logIndex")
    transaction_hash: HexHash | None = None
    removed: bool = False

    def __post_init__(self) -> None:
        if len(self.data) % 2:
            raise ValueError("log data is not whole bytes")
        self.address = self.address.lower()
        self.topics = [topic.lower() for topic in self.topics]
        self.block_hash = self.block_hash.lower()
        if self.transaction_hash is not None:
            self.transaction_hash = self.transaction_hash.lower()

    @property
    def block_number(self) -> int:
        return int(self.block_number_hex, 16)

    @property
    def log_index(self) -> int:
        return int(self.log_index_hex, 16)
