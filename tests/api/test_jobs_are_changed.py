"""What operators change of jobs: enable, disable, rescan, add. It is recorded, and asking twice is as once."""

from typing import Any

import pytest
from django.test import Client

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.positions.address import checksum
from tests.positions.lookup_rows import add_job, add_log, contract, start

JOBS = "/api/v1/chains/hilltop/jobs"
POOL = checksum(contract(0xABCDEF))
NEW: dict[str, object] = {"contract": POOL, "event": "Transfer", "protocol": "uniswap", "product": "v2"}


def patch(client: Client, job: int, body: object) -> Any:
    return client.patch(f"{JOBS}/{job}", body, content_type="application/json")


def post(client: Client, path: str, body: object) -> Any:
    return client.post(JOBS + path, body, content_type="application/json")


def audited() -> list[tuple[str, str, str, str, str]]:
    return list(AuditEntry.objects.order_by("id").values_list("actor", "action", "chain", "target", "outcome"))


@pytest.fixture
def job(connection: Connection) -> int:
    job = add_job(connection, contract(1))
    add_log(connection, job, 5)
    start(connection)
    return job


def test_a_job_is_disabled_and_enabled_again(operator: Client, connection: Connection, job: int) -> None:
    answer = patch(operator, job, {"enabled": False}).json()
    # What is read stays: from its floor to final.
    assert (answer["state"], answer["live_from"], answer["covered"]) == ("disabled", None, [{"from": 0, "to": 90}])
    assert patch(operator, job, {"enabled": False}).json() == answer
    assert patch(operator, job, {"enabled": True}).json()["state"] == "new"
    assert patch(operator, job, {"enabled": True}).json()["state"] == "new"
    target = f"job {job} {checksum(contract(1))}"
    assert audited() == [
        ("key:operator", action, "hilltop", target, "done")
        for action in ("disable job", "disable job", "enable job", "enable job")
    ]
    assert connection.execute("SELECT count(*) FROM logs").fetchone() == (1,)


def test_a_rescan_takes_back_what_is_read_from_a_block_on(operator: Client, connection: Connection, job: int) -> None:
    connection.execute("UPDATE jobs SET live_from = 50, covered = '{[0,50)}' WHERE id = %s", [job])
    answer = post(operator, f"/{job}/rescan", {"from_block": 20}).json()
    assert (answer["state"], answer["covered"]) == ("new", [{"from": 0, "to": 19}])
    assert post(operator, f"/{job}/rescan", {"from_block": 20}).json() == answer
    assert audited()[0][1:] == (
        "rescan job",
        "hilltop",
        f"job {job} {checksum(contract(1))} from block 20",
        "done",
    )


def test_a_retired_job_cannot_be_changed(operator: Client, connection: Connection) -> None:
    job = add_job(connection, contract(1), enabled=False, retired=True)
    for response in (
        patch(operator, job, {"enabled": True}),
        post(operator, f"/{job}/rescan", {"from_block": 0}),
    ):
        assert response.status_code == 409
        assert "has retired" in response.json()["detail"]
    assert connection.execute("SELECT enabled FROM jobs").fetchall() == [(False,)]
    assert not audited()


def test_a_contract_is_watched_from_now_on(operator: Client) -> None:
    added = post(operator, "", NEW | {"start_block": 7})
    assert added.status_code == 201
    answer = added.json()
    assert (answer["contract"], answer["event"], answer["floor"], answer["state"]) == (POOL, "Transfer", 7, "new")
    assert answer["labels"] == [{"source": "api", "protocol": "uniswap", "product": "v2"}]
    again = post(operator, "", NEW | {"start_block": 7})
    assert (again.status_code, again.json()) == (200, answer)
    assert audited()[0][1:] == (
        "add job",
        "hilltop",
        f"{POOL} uniswap/v2 of api",
        f"job {answer['id']}: 1 added, 0 replaced",
    )


def test_another_event_of_the_same_label_replaces_the_job(operator: Client, connection: Connection) -> None:
    first = post(operator, "", NEW).json()["id"]
    event = {"abi": "event Mint(address minter, uint256 id)", "user": "minter", "metadata": "id"}
    second = post(operator, "", NEW | {"event": event})
    assert (second.status_code, second.json()["event"]) == (201, event)
    assert connection.execute("SELECT retired FROM jobs WHERE id = %s", [first]).fetchone() == (True,)


@pytest.mark.parametrize(
    ("body", "status", "pointer", "said"),
    [
        (NEW | {"contract": "0x12"}, 422, None, "0x12: not an address"),
        (NEW | {"contract": POOL.swapcase().replace("0X", "0x")}, 422, None, "bad checksum"),
        (NEW | {"event": {"abi": "event Mint(uint256 x)", "user": "x"}}, 422, None, "must be an address"),
        (NEW | {"event": {"topic0": "0x", "user_topic": 1}}, 422, None, "topic0 is not 32 bytes"),
        (NEW | {"event": False}, 422, "#/event", "got `bool`"),
        (NEW | {"event": {"topic": "0x"}}, 422, "#/event", "unknown field `topic`"),
        (NEW | {"protocol": ""}, 422, "#/protocol", "length >= 1"),
        (NEW | {"protocol": "a\0b"}, 422, None, "characters that cannot be seen"),
        (NEW | {"source": "a\0b"}, 422, "#/source", "matching regex"),
        (NEW | {"start_block": -1}, 422, "#/start_block", ">= 0"),
        (NEW | {"start_block": 2**64}, 422, "#/start_block", "<="),
        (NEW | {"more": 1}, 422, "#", "unknown field `more`"),
        ({"contract": POOL}, 422, "#", "missing required field `event`"),
        ([], 422, "#", "Expected `object`, got `array`"),
    ],
)
def test_a_contract_that_cannot_be_watched_is_a_422_that_says_why(
    operator: Client, connection: Connection, body: object, status: int, pointer: str | None, said: str
) -> None:
    response = post(operator, "", body)
    assert response.status_code == status
    [fault] = response.json()["errors"]
    assert fault.get("pointer") == pointer
    assert said in fault["detail"]
    assert not connection.execute("SELECT FROM jobs").fetchall()
    assert not audited()


@pytest.mark.parametrize("body", [{}, {"enabled": 1}, {"enabled": None}, {"enabled": True, "floor": 3}])
def test_a_change_that_is_not_understood_changes_nothing(operator: Client, job: int, body: object) -> None:
    assert patch(operator, job, body).status_code == 422
    assert not audited()


def test_an_unknown_job_is_a_404(operator: Client, chain: object) -> None:
    assert patch(operator, 1, {"enabled": True}).status_code == 404
    assert post(operator, "/1/rescan", {"from_block": 0}).status_code == 404
