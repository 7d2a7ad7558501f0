"""The hash of a header, from the fields that nodes write in JSON."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from indexer.rpc.proofs import rlp
from indexer.rpc.proofs.hexadecimal import bytes_of, number_of
from indexer.rpc.proofs.keccak import keccak256


class Field(NamedTuple):
    """A field of the header and its bytes: that many, any number (None), or those of a whole number (0)."""

    name: str
    size: int | None


NUMBER = 0

FIELDS = (
    Field("parent_hash", 32),
    Field("sha3_uncles", 32),
    Field("miner", 20),
    Field("state_root", 32),
    Field("transactions_root", 32),
    Field("receipts_root", 32),
    Field("logs_bloom", 256),
    Field("difficulty", NUMBER),
    Field("number", NUMBER),
    Field("gas_limit", NUMBER),
    Field("gas_used", NUMBER),
    Field("timestamp", NUMBER),
    Field("extra_data", None),
    Field("mix_hash", 32),
    Field("nonce", 8),
)
"""What every header has, in the order of the hash."""

LATER_FIELDS = (
    Field("base_fee_per_gas", NUMBER),  # London, EIP-1559
    Field("withdrawals_root", 32),  # Shanghai, EIP-4895
    Field("blob_gas_used", NUMBER),  # Cancun, EIP-4844
    Field("excess_blob_gas", NUMBER),
    Field("parent_beacon_block_root", 32),  # Cancun, EIP-4788
    Field("requests_hash", 32),  # Prague, EIP-7685
    Field("block_access_list_hash", 32),  # Amsterdam, EIP-7928
    Field("slot_number", NUMBER),  # Amsterdam, EIP-7843
    Field("parent_proposer_pubkey", 48),  # Berachain's Prague1, BRIP-0004
)
"""What forks have appended, in the order of the hash; a header has those that its node wrote."""


class HeaderFields(msgspec.Struct, rename="camel", kw_only=True):
    """The fields that a header's hash is made of, as a node wrote them.

    Any of them may be absent or odd: on chains with other headers that only means that no hash can be made.
    """

    parent_hash: str
    number: str
    timestamp: str
    logs_bloom: str | None = None
    sha3_uncles: object = None
    miner: object = None
    state_root: object = None
    transactions_root: object = None
    receipts_root: object = None
    difficulty: object = None
    gas_limit: object = None
    gas_used: object = None
    extra_data: object = None
    mix_hash: object = None
    nonce: object = None
    base_fee_per_gas: object = None
    withdrawals_root: object = None
    blob_gas_used: object = None
    excess_blob_gas: object = None
    parent_beacon_block_root: object = None
    requests_hash: object = None
    block_access_list_hash: object = None
    slot_number: object = None
    parent_proposer_pubkey: object = None


def header_hash(fields: HeaderFields) -> bytes | None:
    """Return the 32 bytes of keccak-256 over the header's RLP; None where a field is missing or malformed."""
    values = [(field, getattr(fields, field.name)) for field in FIELDS]
    values += [(field, value) for field in LATER_FIELDS if (value := getattr(fields, field.name)) is not None]
    try:
        encoded = [_encoded(field, value) for field, value in values]
    except ValueError:
        return None
    return keccak256(rlp.encode_list(encoded))


def _encoded(field: Field, value: object) -> bytes:
    return rlp.encode(number_of(value) if field.size == NUMBER else bytes_of(value, field.size))
