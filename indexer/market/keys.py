"""What the id of a pool proves: since July 2026 it is the UUIDv5 of the key that an adapter has for the pool. Pure."""

from collections.abc import Collection, Iterator
from hashlib import sha1
from uuid import NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_URL, NAMESPACE_X500, UUID, uuid5

from eth_utils.address import is_hex_address, to_checksum_address

NAMESPACES = (NAMESPACE_URL, NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_X500)
PLAIN = 6
"""Bytes at the beginning of a UUIDv5 that are the hash as it is: the version stands behind them (RFC 9562, 5.5)."""


def find_keys(
    pools: Collection[UUID], chain: str, project: str, addresses: Collection[str]
) -> dict[UUID, dict[str, str]]:
    """By pool, each of the addresses that its id proves, with the key that it stands in.

    The pools are of one chain, as the source calls it, and one project; the addresses are as they are stored. Each of
    them is hashed once for all the pools: 2,000 take about a quarter of a second.
    """
    wanted = {pool for pool in pools if pool.version == 5}
    beginnings = {pool.bytes[:PLAIN] for pool in wanted}
    found: dict[UUID, dict[str, str]] = {}
    for address in addresses if wanted else ():
        for key in keys_of(chain, project, address):
            written = key.encode()
            for namespace in NAMESPACES:
                if sha1(namespace.bytes + written, usedforsecurity=False).digest()[:PLAIN] in beginnings:
                    pool = uuid5(namespace, key)
                    if pool in wanted:
                        found.setdefault(pool, {}).setdefault(address, key)
    return found


def keys_of(chain: str, project: str, address: str) -> Iterator[str]:
    """How adapters write their keys: the address, of EVM chains in either case, alone or with the chain or project."""
    chains = dict.fromkeys((chain.lower(), chain.lower().replace(" ", "-"), chain))
    for form in (address, to_checksum_address(address)) if is_hex_address(address) else (address,):
        yield form
        for name in chains:
            yield f"{form}-{name}"
        yield f"{project}{form}"
        yield f"{project}-{form}"
        yield f"{form}-{project}"
