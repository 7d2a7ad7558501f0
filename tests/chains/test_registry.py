"""Adding, finding and removing chains: a chain is its row and its schema, and both are there or neither."""

from collections.abc import Iterator

import pytest
from psycopg import sql

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain, schema_of
from indexer.chains.registry import ChainError, add_chain, find_chain, find_chains, remove_chain


@pytest.fixture
def database(chain: Chain) -> Iterator[Connection]:
    """A connection that outlives the chains of a test; chains that a test leaves behind are removed."""
    with connect(chain) as connection:
        yield connection
    for left in Chain.objects.exclude(slug__in=["hilltop", "seaside"]):
        remove_chain(left)


def tables(connection: Connection, slug: str) -> set[str]:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema_of(slug)])
    return {name for (name,) in rows}


def schemas(connection: Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'chain%'")}


def test_a_chain_is_added_once_and_removed_with_everything_in_it(database: Connection) -> None:
    chain, new = add_chain("attic", 4242, 1000)
    assert (new, chain.slug, chain.chain_id, chain.floor) == (True, "attic", 4242, 1000)
    assert {"jobs", "logs", "settings", "segments", "blocks"} <= tables(database, "attic")
    count = sql.SQL("SELECT count(*) FROM {}.settings").format(sql.Identifier(schema_of("attic")))
    assert database.execute(count).fetchone() == (8,)

    again, new = add_chain("attic", 4242, 1000)
    assert (new, again.pk) == (False, chain.pk)
    assert add_chain("attic", 4242, None) == (chain, False)

    with pytest.raises(ChainError, match="starts at block 1000: remove it first"):
        add_chain("attic", 4242, 5)
    with pytest.raises(ChainError, match="attic is there already, with chain id 4242"):
        add_chain("attic", 4243, None)
    with pytest.raises(ChainError, match="chain id 4242 is there already, as attic"):
        add_chain("cellar", 4242, None)
    assert schemas(database) == {"chain_hilltop", "chain_seaside", "chain_attic"}

    remove_chain(chain)
    assert schemas(database) == {"chain_hilltop", "chain_seaside"}
    assert not Chain.objects.filter(slug="attic").exists()


def test_a_known_chain_needs_only_its_name(database: Connection) -> None:
    chain, new = add_chain("fantom", None, None)
    assert (new, chain.chain_id, chain.floor) == (True, 250, 0)


def test_a_known_chains_name_is_not_for_another_chain(chain: Chain) -> None:
    with pytest.raises(ChainError, match="ethereum is chain id 1, not 5: give the new chain another name"):
        add_chain("ethereum", 5, None)


def test_another_name_of_a_known_chain_is_not_for_another_chain(database: Connection) -> None:
    with pytest.raises(ChainError, match="chain id 137, not 5"):
        add_chain("matic", 5, None)


def test_an_unknown_chain_needs_its_id(chain: Chain) -> None:
    with pytest.raises(
        ChainError, match=r"attic has no profile in config/chains.toml: say its chain id with --chain-id"
    ):
        add_chain("attic", None, None)


@pytest.mark.parametrize("slug", ["", "Attic", "9lives", "a-b", "a b", "ätt", "a" * 41, "attic\n", '"; DROP'])
def test_a_slug_is_a_plain_word(slug: str, database: Connection) -> None:
    with pytest.raises(ChainError, match="slug: "):
        add_chain(slug, 4242, None)
    assert not Chain.objects.filter(chain_id=4242).exists()
    assert schemas(database) == {"chain_hilltop", "chain_seaside"}


def test_the_longest_slug_fits_its_schema() -> None:
    assert len(schema_of("a" * 40)) <= 63


@pytest.mark.parametrize(("chain_id", "floor"), [(4242, -1), (2**63, None), (4242, 2**63)])
def test_numbers_out_of_range_are_refused(chain_id: int, floor: int | None, database: Connection) -> None:
    with pytest.raises(ChainError):
        add_chain("attic", chain_id, floor)
    assert schemas(database) == {"chain_hilltop", "chain_seaside"}


@pytest.mark.parametrize("chain_id", [0, -1])
def test_a_chain_id_is_above_zero(chain_id: int, database: Connection) -> None:
    with pytest.raises(ChainError):
        add_chain("attic", chain_id, None)


def test_an_unknown_chain_is_told_with_those_there_are(chain: Chain) -> None:
    with pytest.raises(ChainError, match="there is no chain 'attic'; chains: hilltop, seaside"):
        find_chain("attic")
    with pytest.raises(ChainError, match="there is no chain 'attic'"):
        find_chains("hilltop,attic")


@pytest.mark.parametrize("slug", ["\0", "\ud800"])
def test_text_that_no_database_takes_is_an_unknown_chain(slug: str, chain: Chain) -> None:
    with pytest.raises(ChainError, match="there is no chain"):
        find_chain(slug)


def test_chains_are_listed_by_id_each_once(chains: list[Chain]) -> None:
    assert [chain.slug for chain in find_chains(None)] == ["hilltop", "seaside"]
    assert [chain.slug for chain in find_chains(" seaside, hilltop,,seaside ")] == ["hilltop", "seaside"]
    assert [chain.slug for chain in find_chains("seaside")] == ["seaside"]


def test_with_chain_is_refused_and_says_what_to_use(chain: Chain) -> None:
    with pytest.raises(RuntimeError, match=r"use django_tenants.utils.tenant_context\(chain\)"), chain:
        pass
