"""`lookup` gives the API's answer, as it is or as people read it."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from api.resource import Resource
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.protocol.ledger import Run, note_run
from indexer.rpc import Level
from tests.positions import lookup_rows as rows

CONTRACT = "0x0000000000000000000000000000000000000001"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("lookup", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def filled(chains: list[Chain]) -> None:
    """hilltop: a pool with metadata, and a contract that is not complete; seaside has never been indexed."""
    with connect(chains[0]) as connection:
        rows.start(connection)
        job = rows.add_job(connection, rows.contract(1), metadata="tokenId")
        rows.add_job(connection, rows.contract(2), covered=False)
        connection.execute("INSERT INTO logs VALUES (%s, %s, 1234)", [rows.USER, job])
        for value in ("10", "9"):
            connection.execute(
                "INSERT INTO log_metadata VALUES (%s, %s, 'tokenId', sha256(%s), %s, 1234)",
                [rows.USER, job, value.encode(), value],
            )
        rows.refresh(connection)


@pytest.mark.parametrize("chain", [None, "hilltop", "seaside,hilltop"])
def test_json_is_the_apis_answer(filled: None, chain: str | None) -> None:
    Resource.chains.forget()
    answer = Client().get(f"/api/v1/addresses/{rows.USER_EIP55}", {"chain": chain} if chain else {})
    assert answer.status_code == 200
    said = json.loads(run(rows.USER_EIP55, "--json", *(["--chain", chain] if chain else [])))
    assert said == answer.json()
    assert len(said["chains"]) == len(chain.split(",") if chain else ["hilltop", "seaside"])


def test_people_read_pools_and_how_complete_the_answer_is(filled: None) -> None:
    assert run(rows.USER_EIP55.lower()).splitlines() == [
        rows.USER_EIP55,
        "hilltop: 1 pools, as of block 100, 1 more contracts to check, claimed at least, claimed usually",
        f"  {CONTRACT} since block 1,234 [uniswap/v2] tokenId 9, 10",
        "seaside: 0 pools, never indexed, 0 more contracts to check",
    ]


def test_a_complete_answer_says_so(connection: Connection) -> None:
    rows.start(connection)
    rows.add_job(connection, rows.contract(1))
    rows.refresh(connection)
    assert (
        run(rows.USER_EIP55, "--chain", "hilltop").splitlines()[1]
        == "hilltop: 0 pools, as of block 100, complete, claimed at least, claimed usually"
    )


def test_what_is_no_address_or_no_chain_is_one_sentence(chain: Chain) -> None:
    with pytest.raises(CommandError, match="not an address: 0x and 40 hex digits are needed"):
        run("0x12")
    with pytest.raises(CommandError, match="there is no chain 'attic'"):
        run(rows.USER_EIP55, "--chain", "attic")


@pytest.fixture
def read(connection: Connection) -> int:
    """A job that is read to the end; the final blocks by two endpoints."""
    job = rows.add_job(connection, rows.contract(1))
    rows.start(connection)
    with connection.transaction(), connection.cursor() as cur:
        note_run(cur, Run(0, 90, Level.AGREED, ("local-1", "local-2"), 1_234, 10, 0))
    return job


def test_what_the_blocks_were_checked_against_is_said(connection: Connection, read: int) -> None:
    rows.refresh(connection)
    said = run(rows.USER_EIP55, "--chain", "hilltop").splitlines()[1]
    assert said == "hilltop: 0 pools, as of block 100, complete, claimed at least, agreed usually"


def test_explain_tells_the_verdict_and_the_blocks_it_rests_on(read: int) -> None:
    assert run(rows.USER_EIP55, "--chain", "hilltop", "--explain", "--contract", CONTRACT).splitlines() == [
        rows.USER_EIP55,
        f"hilltop {CONTRACT}: never touched from block 0 up to block 100, claimed at least",
        f"  job {read} (0x{'00' * 32}, topic 2) from block 0",
        "    blocks  level    endpoints         logs   digest",
        "    0-90    agreed   local-1, local-2  1,234  0x0000000000000000000000000000000a",
        "    91-100  claimed  not kept",
    ]


def test_explain_without_a_contract_is_of_all_that_are_touched(
    connection: Connection, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RPC_URLS_HILLTOP", raising=False)
    assert run(rows.USER_EIP55, "--explain").splitlines()[1].startswith("No contract is known to be touched")
    rows.add_log(connection, read, 1234)
    said = run(rows.USER_EIP55, "--explain").splitlines()[1]
    assert said == (
        f"hilltop {CONTRACT}: touched first at block 1,234 (transaction not known: no endpoint of hilltop is "
        "configured for this process: RPC_URLS); an earlier touch is not excluded"
    )


def test_explain_tells_what_is_missing(connection: Connection, chain: Chain) -> None:
    rows.add_job(connection, rows.contract(1), covered=False, unreadable=3)
    rows.add_job(connection, rows.contract(1), user_topic=1, enabled=False)
    rows.start(connection)
    said = run(rows.USER_EIP55, "--chain", "hilltop", "--explain", "--contract", CONTRACT).splitlines()[1]
    assert said == (
        f"hilltop {CONTRACT}: not known: blocks 0-100 are missing; 3 logs could not be read; 1 of its jobs are disabled"
    )


def test_explain_as_json_is_the_apis_proof(read: int) -> None:
    Resource.chains.forget()
    asked = {"chain": "hilltop", "contract": CONTRACT}
    answer = Client().get(f"/api/v1/addresses/{rows.USER_EIP55}/proof", asked)
    said = run(rows.USER_EIP55, "--explain", "--chain", "hilltop", "--contract", CONTRACT, "--json")
    assert [answer.json()] == json.loads(said)


def test_what_cannot_be_explained_is_one_sentence(read: int) -> None:
    with pytest.raises(CommandError, match="no enabled job watches 0x0000000000000000000000000000000000000002 on"):
        run(rows.USER_EIP55, "--explain", "--contract", "0x" + rows.contract(2).hex())
    with pytest.raises(CommandError, match="--contract goes with --explain"):
        run(rows.USER_EIP55, "--contract", CONTRACT)
