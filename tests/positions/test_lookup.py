"""What a lookup says, chain by chain."""

import pytest
from django.db import connection as django_connection

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.lookup import Verified, look_up, lookup_answer
from indexer.positions.protocol.state import LEVELS, put
from tests.positions.lookup_rows import (
    HASH,
    TIMESTAMP,
    USER,
    USER_EIP55,
    add_job,
    add_log,
    add_metadata,
    contract,
    refresh,
    start,
    statements,
)

OTHER = bytes([7]) * 20
# The example of EIP-55 as a contract.
POOL = bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
POOL_EIP55 = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def test_a_complete_chain_gives_its_pools_and_names_nothing_to_check(chain: Chain, connection: Connection) -> None:
    chain.floor = 12
    job = add_job(connection, POOL, metadata="tokenId")
    add_log(connection, job, 55)
    add_log(connection, job, 44, address=OTHER)
    add_metadata(connection, job, "tokenId", "7")
    add_metadata(connection, job, "tokenId", "8", address=OTHER)
    start(connection)

    assert lookup_answer(USER, [chain]) == {
        "address": USER_EIP55,
        "chains": [
            {
                "chain": "hilltop",
                "chain_id": 31337,
                "from": 12,
                "as_of": {"block": 100, "hash": "0x" + HASH.hex(), "timestamp": TIMESTAMP, "final": 90},
                "head": 102,
                "complete": True,
                "check_also": {"count": 0, "contracts": []},
                "verified": {"weakest": "claimed", "usual": "claimed"},
                "pools": [
                    {
                        "contract": POOL_EIP55,
                        "labels": [{"protocol": "uniswap", "product": "v2"}],
                        "first_block": 55,
                        "metadata": {"tokenId": ["7"]},
                    }
                ],
            }
        ],
    }


def test_a_chain_that_never_ran_claims_nothing(chain: Chain, connection: Connection) -> None:
    add_job(connection, POOL)
    refresh(connection)
    assert lookup_answer(USER, [chain])["chains"] == [
        {
            "chain": "hilltop",
            "chain_id": 31337,
            "from": 0,
            "as_of": None,
            "head": None,
            "complete": False,
            "check_also": {"count": 0, "contracts": []},
            "verified": None,
            "pools": [],
        }
    ]


@pytest.mark.parametrize(
    ("levels", "weakest", "usual"),
    [
        ({"proved": 7}, "proved", "proved"),
        ({"claimed": 1, "agreed": 2, "bloom": 3, "proved": 900}, "claimed", "proved"),
        ({"claimed": 900, "proved": 7}, "claimed", "claimed"),
        # Of equally many the weaker; none of a level is nothing.
        ({"claimed": 0, "agreed": 5, "proved": 5}, "agreed", "agreed"),
    ],
)
def test_an_answer_says_what_its_blocks_were_checked_against(
    chain: Chain, connection: Connection, levels: dict[str, int], weakest: str, usual: str
) -> None:
    start(connection)
    with connection.transaction(), connection.cursor() as cur:
        put(cur, LEVELS, levels)
    [said] = look_up(USER, [chain]).chains
    assert said.verified == Verified(weakest, usual)  # type: ignore[arg-type]  # words of the table above


def test_a_chain_whose_past_is_not_read_says_what_to_check(chain: Chain, connection: Connection) -> None:
    done = add_job(connection, contract(1))
    pending = add_job(connection, POOL, covered=False)
    for job in (done, pending):
        add_log(connection, job, 50)
    start(connection)

    (said,) = look_up(USER, [chain]).chains
    assert not said.complete
    assert (said.check_also.count, said.check_also.contracts) == (1, [POOL_EIP55])
    assert len(said.pools) == 2


def test_a_job_with_unreadable_logs_is_to_be_checked_though_the_chain_is_complete(
    chain: Chain, connection: Connection
) -> None:
    add_job(connection, POOL, unreadable=3)
    start(connection)
    (said,) = look_up(USER, [chain]).chains
    assert said.complete
    assert (said.check_also.count, said.check_also.contracts) == (1, [POOL_EIP55])


def test_an_answer_is_never_complete_without_the_block_it_is_true_for(chain: Chain, connection: Connection) -> None:
    add_job(connection, POOL)
    start(connection)
    assert look_up(USER, [chain]).chains[0].complete
    connection.execute("DELETE FROM blocks")
    (said,) = look_up(USER, [chain]).chains
    assert (said.as_of, said.complete) == (None, False)


def test_disabled_and_retired_jobs_are_hidden(chain: Chain, connection: Connection) -> None:
    hidden = [
        add_job(connection, contract(1), enabled=False),
        add_job(connection, contract(2), enabled=False, retired=True),
        add_job(connection, contract(3), retired=True),
    ]
    shown = add_job(connection, POOL)
    for job in [*hidden, shown]:
        add_log(connection, job, 50)
    start(connection)
    (said,) = look_up(USER, [chain]).chains
    assert [pool.contract for pool in said.pools] == [POOL_EIP55]
    assert (said.complete, said.check_also.count) == (True, 0)


def test_labels_are_distinct_and_sorted(chain: Chain, connection: Connection) -> None:
    labels = [("a", "yearn", "vault"), ("b", "yearn", "vault"), ("a", "aave", "v3"), ("a", "aave", "v2")]
    add_log(connection, add_job(connection, POOL, labels=labels), 1)
    start(connection)
    (pool,) = lookup_answer(USER, [chain])["chains"][0]["pools"]
    assert pool["labels"] == [
        {"protocol": "aave", "product": "v2"},
        {"protocol": "aave", "product": "v3"},
        {"protocol": "yearn", "product": "vault"},
    ]


def test_jobs_of_one_contract_are_one_pool(chain: Chain, connection: Connection) -> None:
    first = add_job(connection, POOL, user_topic=1, labels=[("a", "aave", "v3")], metadata="tokenId")
    second = add_job(connection, POOL, user_topic=2, labels=[("a", "aave", "v2")], metadata="tokenId")
    third = add_job(connection, POOL, user_topic=3, labels=[], metadata="pubkey")
    for job, block in ((first, 70), (second, 60), (third, 80)):
        add_log(connection, job, block)
    add_metadata(connection, first, "tokenId", "2", "1")
    add_metadata(connection, second, "tokenId", "2", "3")
    add_metadata(connection, third, "pubkey", "0xaa")
    start(connection)
    (pool,) = lookup_answer(USER, [chain])["chains"][0]["pools"]
    assert pool == {
        "contract": POOL_EIP55,
        "labels": [{"protocol": "aave", "product": "v2"}, {"protocol": "aave", "product": "v3"}],
        "first_block": 60,
        "metadata": {"pubkey": ["0xaa"], "tokenId": ["1", "2", "3"]},
    }


def test_pools_come_by_first_block_then_contract(chain: Chain, connection: Connection) -> None:
    for number, block in ((9, 20), (0xB << 156, 10), (0xA << 156, 10), (8, 20)):
        add_log(connection, add_job(connection, contract(number)), block)
    start(connection)
    pools = look_up(USER, [chain]).chains[0].pools
    found = [(pool.first_block, int(pool.contract, 16)) for pool in pools]
    assert found == [(10, 0xA << 156), (10, 0xB << 156), (20, 8), (20, 9)]


@pytest.mark.parametrize(
    "values",
    [
        # Numbers by size, however large.
        ["9", "10", "100", str(2**255), str(2**256 - 1)],
        ["-20", "-3", "0", "5"],
        # One that is no number makes all of them text.
        ["10", "9", "nine"],
        # Longer than any number of the EVM, and than Python turns into one.
        ["1" * 5000, "9"],
        # Digits of other scripts are no decimal numbers.
        ["10", "9", "٣"],
    ],
)
def test_metadata_values_are_sorted(chain: Chain, connection: Connection, values: list[str]) -> None:
    job = add_job(connection, POOL, metadata="value")
    add_log(connection, job, 1)
    add_metadata(connection, job, "value", *reversed(values))
    start(connection)
    assert look_up(USER, [chain]).chains[0].pools[0].metadata == {"value": values}


def test_every_pool_has_its_own_metadata(chain: Chain, connection: Connection) -> None:
    for number in (1, 2):
        job = add_job(connection, contract(number), metadata="tokenId")
        add_log(connection, job, number)
        add_metadata(connection, job, "tokenId", str(number))
    start(connection)
    pools = look_up(USER, [chain]).chains[0].pools
    assert [pool.metadata for pool in pools] == [{"tokenId": ["1"]}, {"tokenId": ["2"]}]


def test_a_pool_without_metadata_has_none(chain: Chain, connection: Connection) -> None:
    add_log(connection, add_job(connection, POOL), 1)
    start(connection)
    assert look_up(USER, [chain]).chains[0].pools[0].metadata == {}


def test_every_chain_speaks_for_itself_in_one_statement(chains: list[Chain]) -> None:
    for chain, first_block in zip(chains, (11, 22), strict=True):
        with connect(chain) as connection:
            add_log(connection, add_job(connection, POOL), first_block)
            start(connection, head=first_block + 1000)
    with statements() as sent:
        lookup = look_up(USER, list(reversed(chains)))
    assert len(sent) == 1
    assert [(said.chain, said.head, said.pools[0].first_block) for said in lookup.chains] == [
        ("hilltop", 1011, 11),
        ("seaside", 1022, 22),
    ]


def test_no_chains_give_an_answer_without_chains(chains: list[Chain]) -> None:
    assert lookup_answer(USER, []) == {"address": USER_EIP55, "chains": []}


def test_a_prepared_lookup_sees_what_is_new(chain: Chain, connection: Connection) -> None:
    start(connection)
    django_connection.close()
    django_connection.ensure_connection()
    django_connection.connection.prepare_threshold = 2
    for number in range(1, 11):
        add_log(connection, add_job(connection, contract(number)), number)
        assert len(look_up(USER, [chain]).chains[0].pools) == number
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%log_metadata%'")
        assert cursor.fetchone() == (1,)
    django_connection.close()
