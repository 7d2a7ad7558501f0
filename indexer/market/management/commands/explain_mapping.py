"""Why a contract is held to be a pool's, or is not."""

import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from indexer.chains.command import FootprintCommand
from indexer.market.answers.mappings import mappings_of, spell
from indexer.market.explaining import explain_pool
from indexer.market.models import ContractMapping, Pool


class Command(FootprintCommand):
    help = "Every contract that a pool may be, with each piece of evidence and how the confidence comes from it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pool", help="its id (a UUID), or an address: then every pool that this may be of")

    def handle(self, *args: Any, **options: Any) -> None:
        for pool in find_pools(options["pool"]):
            for line in explain_pool(pool, mappings_of(pool.pk)):
                self.stdout.write(line)


def find_pools(text: str) -> list[Pool]:
    """Raises CommandError."""
    try:
        pool = Pool.objects.filter(pk=uuid.UUID(text)).first()
    except ValueError:
        pass
    else:
        if pool is None:
            raise CommandError(f"there is no pool {text}: sync-pools takes pools in")
        return [pool]
    ids = ContractMapping.objects.filter(address=spell(text)).values_list("pool_id", flat=True)
    if not ids:
        raise CommandError(
            f"{text} is no pool's id, and no pool is known to have a contract at it: map-contracts finds them"
        )
    return list(Pool.objects.filter(pk__in=ids))
