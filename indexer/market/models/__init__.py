"""The tables of the market, by what they are about."""

from indexer.market.models.mappings import STATES, ContractMapping, MappingEvidence, WatchProposal
from indexer.market.models.sources import REASONS, Document, RejectedRow
from indexer.market.models.things import MarketChain, Pool, Protocol, ProtocolAlias

__all__ = [
    "REASONS",
    "STATES",
    "ContractMapping",
    "Document",
    "MappingEvidence",
    "MarketChain",
    "Pool",
    "Protocol",
    "ProtocolAlias",
    "RejectedRow",
    "WatchProposal",
]
