"""The list of chains is read now and then, and again when one of them has gone."""

from collections.abc import Iterator, Sequence

import pytest

from api.known_chains import KnownChains
from indexer.chains.models import Chain, schema_of
from indexer.positions.lookup import Lookup, look_up
from tests.positions.lookup_rows import USER, statements


@pytest.fixture
def third(chains: list[Chain]) -> Iterator[Chain]:
    chain = Chain(schema_name=schema_of("passing"), slug="passing", chain_id=31339)
    chain.save(verbosity=0)
    yield chain
    if chain.pk is not None:
        chain.delete(force_drop=True)


def test_the_list_is_read_again_after_ten_seconds(chains: list[Chain]) -> None:
    now = 5.0
    known = KnownChains(clock=lambda: now)
    with statements() as sent:
        assert [chain.slug for chain in known.read()] == ["hilltop", "seaside"]
        now = 14.9
        known.read()
        assert len(sent) == 1
        now = 15.0
        known.read()
        assert len(sent) == 2


def test_a_new_chain_is_seen_when_the_list_is_read_again(chains: list[Chain], third: Chain) -> None:
    known = KnownChains()
    assert [chain.slug for chain in known.read()] == ["hilltop", "seaside", "passing"]


def test_a_chain_that_has_gone_fails_no_lookup(third: Chain) -> None:
    known = KnownChains(clock=lambda: 0.0)

    def ask(chains: Sequence[Chain]) -> Lookup:
        return look_up(USER, chains)

    assert len(known.ask(ask).chains) == 3
    third.delete(force_drop=True)
    assert len(known.ask(ask).chains) == 2
