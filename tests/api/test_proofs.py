"""GET /api/v1/addresses/{address}/proof: what comes over HTTP, and what never does."""

import socket
from collections.abc import Iterator
from time import monotonic

import pytest
from django.test import Client
from pytest_django import Settings

from api.proofs import Proofs
from indexer.chains.connections import Connection
from indexer.positions.address import checksum
from indexer.positions.first_touch import FirstTouches
from indexer.positions.protocol.ledger import Run, note_run
from indexer.rpc import Level
from tests.api.problems import fault, problem
from tests.positions.lookup_rows import USER_EIP55, add_job, add_log, contract, start, statements
from tests.rpc.scripted import ScriptedNode, sending

PATH = f"/api/v1/addresses/{USER_EIP55}/proof"
ASKED = {"chain": "hilltop", "contract": "0x" + contract(1).hex()}
SECRET = "s3cr3ts3cr3ts3cr3t"


@pytest.fixture(autouse=True)
def touches(monkeypatch: pytest.MonkeyPatch) -> FirstTouches:
    """Nothing is known of endpoints by the tests before, and none is configured."""
    touches = FirstTouches(patience=1.0)
    monkeypatch.setattr(Proofs, "touches", touches)
    monkeypatch.delenv("RPC_URLS_HILLTOP", raising=False)
    return touches


@pytest.fixture
def job(connection: Connection) -> int:
    """Read to the end: final blocks agreed upon, the ones above by nobody knows whom."""
    job = add_job(connection, contract(1))
    start(connection)
    with connection.transaction(), connection.cursor() as cur:
        note_run(cur, Run(0, 90, Level.AGREED, ("local-1", "local-2"), 4, 2**127, 0))
    return job


@pytest.fixture
def hanging() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/{SECRET}"


def test_a_proof_names_every_range_and_the_verdict(client: Client, job: int) -> None:
    response = client.get(PATH, ASKED)
    assert response["Cache-Control"] == "no-store"
    assert "ETag" not in response
    answer = response.json()
    [proved] = answer.pop("jobs")
    read, unknown = proved.pop("ranges")
    assert answer == {
        "address": USER_EIP55,
        "chain": "hilltop",
        "chain_id": 31337,
        "contract": checksum(contract(1)),
        "as_of": {"block": 100, "hash": "0x" + "ab" * 32, "timestamp": 1_700_000_000, "final": 90},
        "verdict": {"kind": "never_touched", "from": 0, "up_to": 100},
        "weakest": "claimed",
    }
    assert proved["job"] == job
    assert read.pop("read_at") is not None
    assert read == {
        "from": 0,
        "to": 90,
        "level": "agreed",
        "endpoints": ["local-1", "local-2"],
        "log_count": 4,
        "digest": "0x8" + "0" * 31,
    }
    assert unknown == {
        "from": 91,
        "to": 100,
        "level": "claimed",
        "endpoints": [],
        "log_count": None,
        "digest": None,
        "read_at": None,
    }


def test_without_an_endpoint_a_touch_has_its_block_and_says_why_no_more(
    client: Client, connection: Connection, job: int
) -> None:
    add_log(connection, job, 5)
    assert client.get(PATH, ASKED).json()["verdict"] == {
        "kind": "touched",
        "first_block": 5,
        "exact": True,
        "transaction": None,
        "log_index": None,
        "level": None,
        "endpoints": [],
        "why": "no endpoint of hilltop is configured for this process: RPC_URLS",
    }


def test_an_endpoint_that_hangs_holds_nobody_up_for_long(
    client: Client, connection: Connection, job: int, hanging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RPC_URLS_HILLTOP", hanging)
    add_log(connection, job, 5)
    began = monotonic()
    response = client.get(PATH, ASKED)
    assert monotonic() - began < 3
    assert response.json()["verdict"]["why"] == "no endpoint has answered within 1 s"
    assert SECRET not in response.content.decode()


def test_no_more_is_asked_at_once_than_is_allowed(
    client: Client, connection: Connection, job: int, hanging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RPC_URLS_HILLTOP", hanging)
    monkeypatch.setattr(Proofs, "touches", FirstTouches(patience=0.05, most_at_once=1))
    add_log(connection, job, 5)
    client.get(PATH, ASKED)
    why = client.get(PATH, ASKED).json()["verdict"]["why"]
    assert why == "the endpoints are being asked for as much as is allowed; ask again in some seconds"


def test_what_a_provider_says_stays_here(
    client: Client, connection: Connection, job: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = ScriptedNode()
    try:
        node.always = sending(f"key {SECRET} of customer 7 is not paid".encode(), 403)
        monkeypatch.setenv("RPC_URLS_HILLTOP", f"{node.url}/{SECRET}")
        add_log(connection, job, 5)
        response = client.get(PATH, ASKED)
    finally:
        node.stop()
    assert response.json()["verdict"]["why"] == "the endpoints: RpcError"
    assert SECRET not in response.content.decode()
    assert node.url not in response.content.decode()
    assert "customer" not in response.content.decode()


@pytest.mark.parametrize(
    ("changed", "parameter"),
    [
        ({"chain": "attic"}, "chain"),
        ({"chain": "hilltop,seaside"}, "chain"),
        ({"chain": ""}, "chain"),
        ({"contract": "0x12"}, "contract"),
        ({"block": "5"}, "block"),
    ],
)
@pytest.mark.usefixtures("job")
def test_a_question_that_cannot_be_read_is_a_400_that_says_why(
    client: Client, changed: dict[str, str], parameter: str
) -> None:
    assert fault(client.get(PATH, ASKED | changed), 400)["parameter"] == parameter


@pytest.mark.parametrize("left_out", ["chain", "contract"])
def test_both_parameters_are_needed(client: Client, left_out: str) -> None:
    asked = {name: value for name, value in ASKED.items() if name != left_out}
    assert fault(client.get(PATH, asked), 400)["parameter"] == left_out


def test_what_is_no_address_is_a_400(client: Client) -> None:
    problem(client.get("/api/v1/addresses/0x12/proof", ASKED), 400)


def test_a_contract_that_no_enabled_job_watches_is_a_404(client: Client, connection: Connection, job: int) -> None:
    other = "0x" + contract(2).hex()
    said = problem(client.get(PATH, ASKED | {"contract": other}), 404)
    assert said["detail"] == f"No enabled job watches {checksum(contract(2))} on hilltop."
    add_job(connection, contract(2), enabled=False)
    problem(client.get(PATH, ASKED | {"contract": other}), 404)


@pytest.mark.usefixtures("_states_stay")
def test_a_proof_costs_one_statement(client: Client, connection: Connection, job: int) -> None:
    add_job(connection, contract(1), user_topic=1)
    add_log(connection, job, 5)
    client.get(PATH, ASKED)
    with statements() as sent:
        assert client.get(PATH, ASKED).status_code == 200
    assert len(sent) == 1


def test_where_reading_is_not_public_a_key_is_needed(client: Client, job: int, settings: Settings) -> None:
    settings.PUBLIC_READ = False
    problem(client.get(PATH, ASKED), 401)
