"""Talk to nodes and do not believe them: endpoints, checked answers, and errors by what a caller does about them."""

from indexer.rpc.agreement import differing_blocks, same_logs
from indexer.rpc.blocks import MOST_NULL_ROUNDS, BlockLogs, BlockReader, is_null_round, linked_headers, next_header
from indexer.rpc.budget import Budget, BudgetSpent, Purpose
from indexer.rpc.client import Endpoint, Observer, label_of
from indexer.rpc.columns import (
    Found,
    Logs,
    Wanted,
    choose,
    in_turn,
    join,
    join_found,
    no_logs,
    to_columns,
)
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
from indexer.rpc.integrity import check_block_logs, check_boundaries, check_parent, check_range_logs, is_round
from indexer.rpc.levels import Level
from indexer.rpc.limits import Limits
from indexer.rpc.member import MEMBER_STATES, Member, Need
from indexer.rpc.node import Node
from indexer.rpc.pool import EndpointPool, MemberState
from indexer.rpc.proofs import Watched
from indexer.rpc.ranges import RangeEstimate
from indexer.rpc.rulebook import MEANINGS, Rulebook, taught_rule
from indexer.rpc.texts import Rule
from indexer.rpc.together import Together
from indexer.rpc.trust import Trust
from indexer.rpc.types import Address, Block, Hash, Header, Log

__all__ = [
    "MEANINGS",
    "MEMBER_STATES",
    "MOST_NULL_ROUNDS",
    "Address",
    "Block",
    "BlockLogs",
    "BlockReader",
    "BlockUnknown",
    "Budget",
    "BudgetSpent",
    "Endpoint",
    "EndpointPool",
    "Forbidden",
    "Found",
    "Hash",
    "Header",
    "Inconsistent",
    "Level",
    "Limits",
    "Log",
    "Logs",
    "Member",
    "MemberState",
    "MethodUnsupported",
    "Need",
    "Node",
    "NullRound",
    "Observer",
    "Pruned",
    "Purpose",
    "QuotaSpent",
    "RangeEstimate",
    "Refused",
    "RpcError",
    "Rule",
    "Rulebook",
    "Throttled",
    "Together",
    "TooLarge",
    "Transport",
    "Trust",
    "Wanted",
    "Watched",
    "WrongChain",
    "check_block_logs",
    "check_boundaries",
    "check_parent",
    "check_range_logs",
    "choose",
    "differing_blocks",
    "in_turn",
    "is_null_round",
    "is_round",
    "join",
    "join_found",
    "label_of",
    "linked_headers",
    "next_header",
    "no_logs",
    "same_logs",
    "taught_rule",
    "to_columns",
]
