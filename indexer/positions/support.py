"""What is watched, as clients of the model system ask for it: GET /support and its answer's shape."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, json

from indexer.chains.models import Chain
from indexer.positions.address import checksum
from indexer.positions.definition import TRANSFER
from indexer.positions.union import ask_each

# EXPLAIN, 20,000 jobs: a hash join of jobs and job_labels, each read once as a whole, and a hash aggregate; several
# sources may name a contract under one label, and to take it once is less work here than in a sort of all rows.
SUPPORT = """
SELECT {ordinal}, (
    SELECT json_agg(json_build_array(protocol, product, topic0, user_topic, abi, user_argument, metadata_argument,
                                     transform, contracts))::text
    FROM (
        SELECT protocol, product, CASE WHEN user_topic IS NOT NULL THEN encode(topic0, 'hex') END AS topic0, user_topic,
               abi, user_argument, metadata_argument, transform,
               array_agg(encode(contract_address, 'hex')) FILTER (WHERE %(contracts)s) AS contracts
        FROM {schema}.jobs JOIN {schema}.job_labels ON job_id = jobs.id
        WHERE enabled AND NOT retired
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
    ) AS supported
)
"""


class ProtocolDetails(Struct, rename="camel"):
    """A product of a protocol on a chain; null is what a watch list does not say."""

    chain_id: int
    protocol_id: str
    product_id: str
    position_type: str | None = None
    name: str | None = None
    description: str | None = None


class MetadataArguments(Struct, rename="camel"):
    argument_name: str


class UserEvent(Struct, rename="camel"):
    """How a log names its user: by topic0 and the topic's index, or by ABI and argument."""

    topic0: str | UnsetType = UNSET
    user_address_index: int | UnsetType = UNSET
    event_abi: str | UnsetType = UNSET
    user_address_argument: str | UnsetType = UNSET
    additional_metadata_arguments: MetadataArguments | UnsetType = UNSET
    transform_user_address_type: str | UnsetType = UNSET


class Supported(Struct, rename="camel"):
    """One product, event and chain."""

    protocol_details: ProtocolDetails
    chains: Annotated[list[int], Meta(description="the chain's id")]
    user_event: Literal["Transfer"] | UserEvent
    protocol_token_addresses: Annotated[list[str], Meta(description="EIP-55, if asked for")] | UnsetType = UNSET


class Row(Struct, array_like=True):
    """A line of SUPPORT's answer; topic0 only where the user is a topic."""

    protocol: str
    product: str
    topic0: str | None
    user_topic: int | None
    abi: str | None
    user: str | None
    metadata: str | None
    transform: str | None
    contracts: list[str] | None


def list_support(chains: Sequence[Chain], *, contracts: bool) -> dict[str, list[Supported]]:
    """By protocol, one entry for each product, event and chain: one statement over all chains."""
    asked = sorted(chains, key=lambda chain: chain.chain_id)
    rows = ask_each(SUPPORT, tuple(str(chain.schema_name) for chain in asked), {"contracts": contracts})
    support: dict[str, list[Supported]] = defaultdict(list)
    for chain, (found,) in zip(asked, rows, strict=True):
        for row in json.decode(found or "[]", type=list[Row]):
            support[row.protocol].append(read_row(chain.chain_id, row))
    return dict(sorted(support.items()))


def read_row(chain_id: int, row: Row) -> Supported:
    return Supported(
        protocol_details=ProtocolDetails(chain_id, row.protocol, row.product),
        chains=[chain_id],
        user_event=read_event(row),
        protocol_token_addresses=UNSET
        if row.contracts is None
        else [checksum(bytes.fromhex(contract)) for contract in sorted(set(row.contracts))],
    )


def read_event(row: Row) -> Literal["Transfer"] | UserEvent:
    if row.topic0 is not None and row.user_topic is not None:
        plain = row.topic0 == TRANSFER.hex() and row.user_topic == 2
        return "Transfer" if plain else UserEvent(topic0="0x" + row.topic0, user_address_index=row.user_topic)
    return UserEvent(
        event_abi=row.abi or UNSET,
        user_address_argument=row.user or UNSET,
        additional_metadata_arguments=MetadataArguments(row.metadata) if row.metadata is not None else UNSET,
        transform_user_address_type=row.transform or UNSET,
    )
