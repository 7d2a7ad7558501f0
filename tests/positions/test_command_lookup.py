"""`lookup` gives the API's answer, as it is or as people read it."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from api.resource import Resource
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
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
        "hilltop: 1 pools, as of block 100, 1 more contracts to check",
        f"  {CONTRACT} since block 1,234 [uniswap/v2] tokenId 9, 10",
        "seaside: 0 pools, never indexed, 0 more contracts to check",
    ]


def test_a_complete_answer_says_so(connection: Connection) -> None:
    rows.start(connection)
    rows.add_job(connection, rows.contract(1))
    rows.refresh(connection)
    assert run(rows.USER_EIP55, "--chain", "hilltop").splitlines()[1] == "hilltop: 0 pools, as of block 100, complete"


def test_what_is_no_address_or_no_chain_is_one_sentence(chain: Chain) -> None:
    with pytest.raises(CommandError, match="not an address: 0x and 40 hex digits are needed"):
        run("0x12")
    with pytest.raises(CommandError, match="there is no chain 'attic'"):
        run(rows.USER_EIP55, "--chain", "attic")
