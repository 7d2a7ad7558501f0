"""The shapes of node answers that are not kept as they come: headers and receipts."""

from __future__ import annotations

from typing import Annotated

import msgspec

from indexer.rpc.proofs import HeaderFields, ReceiptFields, header_hash
from indexer.rpc.proofs.hexadecimal import bytes_of
from indexer.rpc.types import Bigint, Header, HexHash

HexBloom = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-fA-F]{512}\Z")]


class HeaderAnswer(HeaderFields, kw_only=True):
    """`eth_getBlockByNumber` and `eth_getBlockByHash` without transactions."""

    number: Bigint
    hash: HexHash
    parent_hash: HexHash
    timestamp: Bigint
    logs_bloom: HexBloom | None = None

    def to_header(self) -> Header:
        """Return the header; whatever is missing or odd beyond the fields declared here only leaves it unproved."""
        hash = bytes.fromhex(self.hash[2:])
        try:
            receipts_root = bytes_of(self.receipts_root, 32)
        except ValueError:
            receipts_root = None
        return Header(
            number=int(self.number, 16),
            hash=hash,
            parent_hash=bytes.fromhex(self.parent_hash[2:]),
            timestamp=int(self.timestamp, 16),
            logs_bloom=None if self.logs_bloom is None else bytes.fromhex(self.logs_bloom[2:]),
            receipts_root=receipts_root,
            hash_checks=header_hash(self) == hash,
        )


class ReceiptAnswer(ReceiptFields, kw_only=True):
    """One receipt of `eth_getBlockReceipts`; a null receipt does not decode."""

    block_hash: HexHash
