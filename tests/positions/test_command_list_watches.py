"""`list_watches` shows what is watched and how far each job is."""

import json
from io import StringIO
from typing import Any

from django.core.management import call_command

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.protocol.jobs import set_aside
from tests.positions.lookup_rows import add_job, contract, refresh, start

CONTRACT = "0x0000000000000000000000000000000000000001"


def run(*options: str) -> list[str]:
    out = StringIO()
    call_command("list_watches", "--chain", "hilltop", *options, stdout=out)
    return out.getvalue().splitlines()


def as_json(connection: Connection) -> dict[int, dict[str, Any]]:
    refresh(connection)
    return {said["job"]: said for said in map(json.loads, run("--json"))}


def test_nothing_watched_is_nothing_said(chain: Chain) -> None:
    assert run() == []


def test_a_line_names_job_contract_floor_state_and_labels(connection: Connection) -> None:
    start(connection)
    job = add_job(connection, contract(1), labels=[("a", "uniswap", "v2"), ("b", "sushi", "pool")])
    refresh(connection)
    assert run() == [f"hilltop {job} {CONTRACT} from 0 complete [uniswap/v2, sushi/pool]"]


def test_json_has_everything_one_object_a_line(connection: Connection) -> None:
    start(connection)
    job = add_job(connection, contract(1), metadata="tokenId", unreadable=7)
    assert as_json(connection)[job] == {
        "chain": "hilltop",
        "job": job,
        "contract": CONTRACT,
        "topic0": "0x" + "00" * 32,
        "user_topic": 2,
        "abi": None,
        "user": None,
        "metadata": "tokenId",
        "transform": None,
        "floor": 0,
        "state": "complete",
        "unreadable": 7,
        "error": None,
        "labels": [{"source": "list", "protocol": "uniswap", "product": "v2"}],
    }


def test_every_state_of_a_job_has_its_word(connection: Connection) -> None:
    start(connection)
    states = {
        add_job(connection, contract(1)): "complete",
        add_job(connection, contract(2), covered=False): "new",
        add_job(connection, contract(3), enabled=False): "disabled",
        add_job(connection, contract(4), retired=True): "retired",
    }
    pending, failing = add_job(connection, contract(5)), add_job(connection, contract(6))
    connection.execute("UPDATE jobs SET live_from = 50 WHERE id = ANY(%s)", [[pending, failing]])
    set_aside(connection, failing, "local-1 eth_getLogs: not this one")
    states |= {pending: "pending", failing: "put aside"}
    assert {job: said["state"] for job, said in as_json(connection).items()} == states
    assert any("put aside; local-1 eth_getLogs: not this one [" in line for line in run())


def test_unreadable_logs_are_counted_in_the_line(connection: Connection) -> None:
    start(connection)
    add_job(connection, contract(1), unreadable=1234)
    refresh(connection)
    assert "; 1,234 unreadable logs [" in run()[0]


def test_all_chains_are_listed_unless_some_are_named(chains: list[Chain], connection: Connection) -> None:
    add_job(connection, contract(1))
    out = StringIO()
    call_command("list_watches", stdout=out)
    assert out.getvalue().startswith("hilltop ")
    out = StringIO()
    call_command("list_watches", "--chain", "seaside", stdout=out)
    assert out.getvalue() == ""
