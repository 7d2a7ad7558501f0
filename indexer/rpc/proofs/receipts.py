"""The root of a block's receipts, from the receipts as nodes write them in JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from indexer.rpc.proofs import rlp
from indexer.rpc.proofs.hexadecimal import bytes_of, number_of
from indexer.rpc.proofs.trie import ordered_root
from indexer.rpc.types import Log

DEPOSIT = 0x7E
"""The type of the OP stack's deposits, whose receipts carry two fields more."""
LARGEST_TYPE = 0x7F
"""EIP-2718."""


class ReceiptFields(msgspec.Struct, rename="camel", kw_only=True):
    """The fields that a receipt commits to, as a node wrote them.

    All but the logs may be absent or odd: on chains with other receipts that only means that no root can be made.
    """

    logs: list[Log]
    type: object = None
    status: object = None
    root: object = None
    cumulative_gas_used: object = None
    logs_bloom: object = None
    deposit_nonce: object = None
    deposit_receipt_version: object = None


def receipts_root(receipts: Sequence[ReceiptFields]) -> bytes | None:
    """Return the 32 bytes of the root of receipts in the order of their transactions.

    None where a receipt lacks a field or has a malformed one. The root binds what the logs say and their order, but
    neither their indexes nor the transactions' hashes.
    """
    try:
        return ordered_root([_encoded(receipt) for receipt in receipts])
    except ValueError:
        return None


def _encoded(receipt: ReceiptFields) -> bytes:
    """Return the bytes of one receipt: its RLP, behind the type where it has one (EIP-2718)."""
    kind = 0 if receipt.type is None else number_of(receipt.type)
    if kind > LARGEST_TYPE:
        raise ValueError("no type of receipts")
    fields = [
        _outcome(receipt),
        rlp.encode(number_of(receipt.cumulative_gas_used)),
        rlp.encode_bytes(bytes_of(receipt.logs_bloom, 256)),
        rlp.encode_list(map(_encoded_log, receipt.logs)),
    ]
    if kind == DEPOSIT and receipt.deposit_receipt_version is not None:
        # Since Canyon. Between Regolith and Canyon nodes tell the nonce, but the root does not hold it.
        fields += [rlp.encode(number_of(value)) for value in (receipt.deposit_nonce, receipt.deposit_receipt_version)]
    encoded = rlp.encode_list(fields)
    return bytes((kind,)) + encoded if kind else encoded


def _outcome(receipt: ReceiptFields) -> bytes:
    """Return the status, or the state's root that stood there before Byzantium (EIP-658)."""
    if receipt.status is not None:
        return rlp.encode(number_of(receipt.status))
    return rlp.encode_bytes(bytes_of(receipt.root, 32))


# The RLP prefixes of a log's parts, in hex: the address (20 bytes), a topic (32), the list of none to four topics.
_ADDRESS, _TOPIC = "94", "a0"
_TOPICS = ("c0", "e1", "f842", "f863", "f884")


def _encoded_log(log: Log) -> bytes:
    """Return the list of a log's address, topics and data; `Log` has checked the shape of each."""
    if len(log.topics) >= len(_TOPICS):
        raise ValueError("no EVM logs more than four topics")
    topics = "".join([_TOPIC + topic[2:] for topic in log.topics])
    head = bytes.fromhex(_ADDRESS + log.address[2:] + _TOPICS[len(log.topics)] + topics)
    return rlp.encode_list((head, rlp.encode_bytes(bytes.fromhex(log.data[2:]))))
