"""Why a contract is held to be a pool's, or is not."""

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet

from indexer.chains.command import FootprintCommand
from indexer.market.answers.mappings import mappings_of_each, spell
from indexer.market.candidates import EVM_ADDRESS
from indexer.market.explaining import explain_pool
from indexer.market.models import ContractMapping, Pool

SHOWN = 20
"""Pools of one contract that are explained, the surest first."""


class Command(FootprintCommand):
    help = "Every contract that a pool may be, with each piece of evidence and how the confidence comes from it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "pool", help=f"its id (a UUID), or an address: then the pools that this may be the contract of, {SHOWN}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        asked = options["pool"].strip()
        ids = find_pools(asked)
        mappings = mappings_of_each(ids[:SHOWN])
        pools = Pool.objects.in_bulk(mappings)
        for pool, of in mappings.items():
            for line in explain_pool(pools[pool], of):
                self.stdout.write(line)
        if len(ids) > SHOWN:
            self.stdout.write(f"and {len(ids) - SHOWN:,} more pools: /api/v1/market/mappings?address={asked} has all")


def find_pools(text: str) -> list[uuid.UUID]:
    """The pool of an id, or those that an address may be the contract of. Raises CommandError."""
    if not text:
        raise CommandError("nothing is asked for: give a pool's id (a UUID), or the address of a contract")
    try:
        pool = uuid.UUID(text)
    except ValueError:
        return find_by_address(spell(text))
    if not Pool.objects.filter(pk=pool).exists():
        raise CommandError(f"there is no pool {text}: sync-pools takes pools in")
    return [pool]


def find_by_address(address: str) -> list[uuid.UUID]:
    """Raises CommandError. A token that pools hold is the contract of none of them, and there may be thousands."""
    places = ContractMapping.objects.filter(address=address)
    surest = places.filter(kind="pool").order_by("refuted", "-confidence", "pool_id")
    if found := list(dict.fromkeys(pools_of(surest))):
        return found
    if held := len(set(pools_of(places))):
        raise CommandError(
            f"{address} is a token that pools hold ({held:,} of them), and the contract of none: "
            f"/api/v1/market/mappings?address={address} lists them"
        )
    if EVM_ADDRESS.fullmatch(f"0x{address}"):
        raise CommandError(f"{address} is no pool's id, and an address of an EVM chain begins with 0x: 0x{address}")
    raise CommandError(
        f"{address} is no pool's id, and no pool is known to have a contract at it: map-contracts finds them"
    )


def pools_of(mappings: "QuerySet[ContractMapping]") -> "QuerySet[ContractMapping, uuid.UUID]":
    return mappings.values_list("pool_id", flat=True)
