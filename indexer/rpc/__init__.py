"""Talk to nodes and do not believe them: one endpoint, checked answers, and errors by what a caller does about them."""

from indexer.rpc.client import Endpoint, Observer, label_of
from indexer.rpc.errors import (
    BlockUnknown,
    Forbidden,
    Inconsistent,
    MethodUnsupported,
    NullRound,
    Pruned,
    QuotaSpent,
    Refused,
    RpcError,
    Throttled,
    TooLarge,
    Transport,
    WrongChain,
)
from indexer.rpc.integrity import check_block_logs, check_parent, check_range_logs
from indexer.rpc.node import Node
from indexer.rpc.ranges import RangeEstimate
from indexer.rpc.rulebook import MEANINGS, Rulebook, taught_rule
from indexer.rpc.texts import Rule
from indexer.rpc.types import Address, Block, Hash, Header, Log

__all__ = [
    "MEANINGS",
    "Address",
    "Block",
    "BlockUnknown",
    "Endpoint",
    "Forbidden",
    "Hash",
    "Header",
    "Inconsistent",
    "Log",
    "MethodUnsupported",
    "Node",
    "NullRound",
    "Observer",
    "Pruned",
    "QuotaSpent",
    "RangeEstimate",
    "Refused",
    "RpcError",
    "Rule",
    "Rulebook",
    "Throttled",
    "TooLarge",
    "Transport",
    "WrongChain",
    "check_block_logs",
    "check_parent",
    "check_range_logs",
    "label_of",
    "taught_rule",
]
