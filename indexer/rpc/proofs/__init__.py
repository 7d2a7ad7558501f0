"""Recompute what a header commits to: its own hash, the root of the receipts, the bloom of the logs. Pure."""

from indexer.rpc.proofs.bloom import Watched, bloom_of, missing_from_bloom
from indexer.rpc.proofs.header import HeaderFields, header_hash
from indexer.rpc.proofs.keccak import keccak256
from indexer.rpc.proofs.receipts import ReceiptFields, receipts_root
from indexer.rpc.proofs.trie import EMPTY_ROOT, ordered_root

__all__ = [
    "EMPTY_ROOT",
    "HeaderFields",
    "ReceiptFields",
    "Watched",
    "bloom_of",
    "header_hash",
    "keccak256",
    "missing_from_bloom",
    "ordered_root",
    "receipts_root",
]
