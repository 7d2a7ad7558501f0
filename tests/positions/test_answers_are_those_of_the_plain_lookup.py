"""The fast way to answer lookups gives, to the byte, what the plain one gives, and asks as few statements as can be."""

import random

import msgspec
import pytest
from django.db import connection as django_connection

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions import answers
from indexer.positions.batch import look_up_many
from indexer.positions.known_jobs import Memory
from indexer.positions.lookup import look_up
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs
from indexer.positions.union import make_cursor, schemas_of, unite
from tests.positions.lookup_rows import (
    USER,
    add_job,
    add_log,
    add_metadata,
    contract,
    refresh,
    start,
    statements,
)

USERS = [bytes([number]) * 20 for number in range(1, 90)]


@pytest.fixture(autouse=True)
def memory(chains: list[Chain], monkeypatch: pytest.MonkeyPatch) -> Memory:
    """Nothing is known at first, and it may be read again at once."""
    fresh = Memory(pause=0)
    monkeypatch.setattr(answers, "memory", fresh)
    return fresh


def fill(connection: Connection, chance: random.Random) -> list[int]:
    """Jobs of every kind, several of one contract among them; users with no pool, with some and with many."""
    jobs = [
        add_job(
            connection,
            contract(chance.randrange(1, 30) << 150),
            user_topic=number,
            labels=[("list", f"protocol{chance.randrange(3)}", "pool"), ("other", 'a "v3"', "\u00e9")][: number % 3],
            metadata="tokenId" if number % 5 == 0 else None,
            covered=chance.random() < 0.8,
            enabled=chance.random() < 0.8,
            retired=chance.random() < 0.2,
        )
        for number in range(40)
    ]
    for user in USERS[:-9]:
        for number in chance.sample(range(40), chance.choice([0, 0, 1, 2, 3, 20])):
            add_log(connection, jobs[number], chance.randrange(1 << chance.randrange(1, 40)), address=user)
            if number % 5 == 0:
                values = {str(chance.randrange(30)) for _ in range(chance.randrange(4))}
                add_metadata(connection, jobs[number], "tokenId", *values, address=user)
    return jobs


def agree(chains: list[Chain]) -> None:
    for user in USERS[::4]:
        assert answers.answer_one(user, chains) == msgspec.json.encode(look_up(user, chains))
    plain = msgspec.json.encode(look_up_many(USERS, chains))
    assert answers.answer_many(USERS, chains) == plain
    for few in (USERS[:3], USERS[5:2:-1] + USERS[:9], []):
        assert answers.answer_many(few, chains) == msgspec.json.encode(look_up_many(few, chains))


@pytest.mark.parametrize("seed", range(2))
def test_every_answer_is_that_of_the_plain_way_while_jobs_come_and_go(chains: list[Chain], seed: int) -> None:
    chance = random.Random(seed)
    for chain in chains:
        with connect(chain) as connection:
            jobs = fill(connection, chance)
            refresh(connection)
            agree(chains)  # before the chain's first block
            start(connection)
            agree(chains)
            disable_jobs(connection, chance.sample(jobs, 10))
            agree(chains)
            enable_jobs(connection, chance.sample(jobs, 10))
            agree(chains)
    assert answers.answer_one(USERS[0], []) == msgspec.json.encode(look_up(USERS[0], []))


def test_what_changes_faster_than_it_can_be_known_is_answered_the_plain_way(
    chains: list[Chain], connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "memory", Memory(pause=600))
    job = add_job(connection, contract(1))
    add_log(connection, job, 5)
    start(connection)
    agree(chains)
    disable_jobs(connection, [job])
    assert b'"pools":[{' not in answers.answer_one(USER, chains)
    enable_jobs(connection, [job])
    with statements() as sent:
        assert b'"first_block":5' in answers.answer_one(USER, chains)
    assert len(sent) == 2
    agree(chains)


def test_many_jobs_with_metadata_are_not_named_one_by_one(
    chains: list[Chain], connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.positions.known_jobs.MOST_WITH_METADATA", 2)
    fill(connection, random.Random(7))
    start(connection)
    agree(chains)


def test_what_is_known_costs_no_statement(chains: list[Chain], connection: Connection) -> None:
    job, rich = add_job(connection, contract(1)), add_job(connection, contract(2), metadata="tokenId")
    add_log(connection, job, 5)
    add_log(connection, rich, 5, address=USERS[0])
    start(connection)

    def count(*users: bytes) -> int:
        with statements() as sent:
            if len(users) > 1:
                answers.answer_many(users, chains)
            else:
                answers.answer_one(users[0], chains)
        return len(sent)

    assert count(USER) == 2  # the jobs are read once
    assert count(USER) == count(*USERS, USER) == count(*USERS[:2]) == 1
    assert count(USERS[0]) == 2  # one address's metadata is asked for by the plain statement
    refresh(connection)
    assert count(USER) == 3  # asked, found to be of another version, read and asked again
    assert count(USER) == 1


def test_rows_of_an_address_are_found_by_the_key(chain: Chain, connection: Connection) -> None:
    """EXPLAIN of a table large enough that reading it as a whole would be a mistake."""
    add_job(connection, contract(1))
    connection.execute(
        "INSERT INTO logs (address, job_id, first_block)"
        " SELECT substr(sha256(n::text::bytea), 1, 20), 1, n FROM generate_series(1, 20000) AS n"
    )
    connection.execute("ANALYZE logs")
    start(connection)
    django_connection.ensure_connection()
    values = {"address": USER, "addresses": sorted(USERS), "keep0": "{}"}
    for part in (answers.TOUCHES_OF_ONE, answers.TOUCHES_OF_MANY):
        statement, names = unite(part, schemas_of([chain]))
        explained = make_cursor(django_connection, binary=False)
        explained.execute("EXPLAIN " + statement, [values[name] for name, _ in names])
        plan = "\n".join(line for (line,) in explained.fetchall())
        assert "logs_pkey" in plan
        assert "Seq Scan on logs" not in plan
