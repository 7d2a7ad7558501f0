"""The shapes of node answers that are not kept as they come: headers and receipts."""

from __future__ import annotations

from typing import Annotated

import msgspec

from indexer.rpc.types import Bigint, Header, HexHash, Log

HexBloom = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-fA-F]{512}\Z")]


class HeaderAnswer(msgspec.Struct, rename="camel"):
    """`eth_getBlockByNumber` and `eth_getBlockByHash` without transactions."""

    number: Bigint
    hash: HexHash
    parent_hash: HexHash
    timestamp: Bigint
    logs_bloom: HexBloom | None = None

    def to_header(self) -> Header:
        return Header(
            number=int(self.number, 16),
            hash=bytes.fromhex(self.hash[2:]),
            parent_hash=bytes.fromhex(self.parent_hash[2:]),
            timestamp=int(self.timestamp, 16),
            logs_bloom=None if self.logs_bloom is None else bytes.fromhex(self.logs_bloom[2:]),
        )


class ReceiptAnswer(msgspec.Struct, rename="camel"):
    """One receipt of `eth_getBlockReceipts`; a null receipt does not decode."""

    block_hash: HexHash
    logs: list[Log]
