"""Adding, finding and removing chains."""

from django.core.exceptions import ValidationError
from django.db import transaction

from indexer.chains.models import SLUG, Chain, schema_of
from indexer.chains.profiles import profile_of


class ChainError(Exception):
    """A chain cannot be found, added or removed as asked; the text says why and what to do."""


def find_chain(slug: str) -> Chain:
    """The chain with this slug. Raises ChainError naming those there are."""
    try:
        SLUG(slug)  # PostgreSQL takes not every text that a file may hold
        found: Chain = Chain.objects.get(slug=slug)
    except (ValidationError, Chain.DoesNotExist):
        known = ", ".join(Chain.objects.values_list("slug", flat=True)) or "none yet: see manage.py add_chain --help"
        raise ChainError(f"there is no chain {slug!r}; chains: {known}") from None
    return found


def find_chains(slugs: str | None) -> list[Chain]:
    """The chains of a comma-separated list, or all of them, by chain id. Raises ChainError."""
    if slugs is None:
        return list(Chain.objects.all())
    chains = {slug: find_chain(slug) for slug in map(str.strip, slugs.split(",")) if slug}
    return sorted(chains.values(), key=lambda chain: chain.chain_id)


def add_chain(slug: str, chain_id: int | None, start_block: int | None) -> tuple[Chain, bool]:
    """The chain and whether it is new; adding the same again changes nothing. Raises ChainError."""
    profile = profile_of(slug)
    if chain_id is None and profile is None:
        raise ChainError(f"{slug} has no profile in config/chains.toml: say its chain id with --chain-id N")
    number = chain_id if chain_id is not None else profile.chain_id if profile else 0
    if profile is not None and profile.chain_id != number:
        raise ChainError(f"{slug} is chain id {profile.chain_id}, not {number}: give the new chain another name")
    floor = start_block if start_block is not None else profile.floor if profile else 0
    chain = Chain(schema_name=schema_of(slug), slug=slug, chain_id=number, floor=floor)
    existing = Chain.objects.filter(slug=slug).first() or Chain.objects.filter(chain_id=number).first()
    if existing is not None:
        check_same(existing, chain, asked_floor=start_block)
        return existing, False
    try:
        chain.full_clean(exclude=["schema_name"])
    except ValidationError as error:
        raise ChainError(
            "; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
        ) from None
    with transaction.atomic():
        # verbosity=0: the shared apps' migrations are recorded in every schema, 72 lines of noise.
        chain.save(verbosity=0)
    return chain, True


def check_same(existing: Chain, asked: Chain, *, asked_floor: int | None) -> None:
    if existing.slug != asked.slug:
        raise ChainError(f"chain id {asked.chain_id} is there already, as {existing.slug}")
    if existing.chain_id != asked.chain_id:
        raise ChainError(f"{existing.slug} is there already, with chain id {existing.chain_id}")
    if asked_floor is not None and asked_floor != existing.floor:
        raise ChainError(
            f"{existing.slug} is there already and starts at block {existing.floor}: "
            "remove it first, or give start_block in its watch list"
        )


def remove_chain(chain: Chain) -> None:
    """Drop the chain's schema with everything in it."""
    with transaction.atomic():
        chain.delete(force_drop=True)
