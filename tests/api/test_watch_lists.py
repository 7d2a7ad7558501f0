"""POST /api/v1/watch-lists: a list is imported whole or refused with every reason; a dry run only says."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.positions.address import checksum
from tests.positions.world import A, B, watch

PATH = "/api/v1/watch-lists"


def post(client: Client, body: object, query: str = "") -> Any:
    return client.post(PATH + query, body, content_type="application/json")


def count(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM jobs WHERE enabled").fetchone()
    assert row is not None
    return int(row[0])


def test_an_import_says_what_it_has_changed(operator: Client, connection: Connection) -> None:
    response = post(operator, watch({A: "Transfer", B: False}))
    assert response.status_code == 200
    answer = response.json()
    job = answer["changes"][0].pop("job")
    assert connection.execute("SELECT id FROM jobs").fetchall() == [(job,)]
    assert answer == {
        "chain": "hilltop",
        "chain_id": 31337,
        "source": "default",
        "dry_run": False,
        "entries": 2,
        "without_event": 1,
        "added": 1,
        "enabled_again": 0,
        "replaced": 0,
        "disabled": 0,
        "floor_lowered": 0,
        "labels": 1,
        "changes": [
            {"kind": "added", "contract": checksum(A), "event": "Transfer", "floor": 0, "labels": ["emitter/pool"]}
        ],
    }
    again = post(operator, watch({A: "Transfer", B: False})).json()
    assert (again["added"], again["labels"], again["changes"]) == (0, 0, [])
    entry = AuditEntry.objects.order_by("id").first()
    assert entry is not None
    assert (entry.actor, entry.action, entry.chain, entry.target) == (
        "key:operator",
        "import watch list",
        "hilltop",
        "2 entries of default",
    )
    assert entry.outcome == "1 added, 0 enabled again, 0 replaced, 0 disabled, 0 floors lowered"


def test_a_dry_run_says_the_same_and_changes_nothing(operator: Client, connection: Connection) -> None:
    post(operator, watch({A: "Transfer"}))
    changed = watch({B: "Transfer"})
    said = post(operator, changed, "?prune=true&dry_run=true").json()
    assert [(change["kind"], change["contract"]) for change in said["changes"]] == [
        ("added", checksum(B)),
        ("disabled", checksum(A)),
    ]
    assert said["changes"][0]["job"] is None
    assert count(connection) == 1
    assert AuditEntry.objects.count() == 1
    done = post(operator, changed, "?prune=true").json()
    assert (done["added"], done["disabled"]) == (said["added"], said["disabled"]) == (1, 1)
    assert connection.execute("SELECT contract_address FROM jobs WHERE enabled").fetchall() == [(B,)]


def test_a_source_prunes_only_its_own(operator: Client, connection: Connection) -> None:
    post(operator, watch({A: "Transfer"}), "?source=ours")
    assert post(operator, watch({B: "Transfer"}), "?source=theirs&prune=true").json()["disabled"] == 0
    assert count(connection) == 2


def test_a_bad_list_is_refused_with_every_reason(operator: Client, connection: Connection) -> None:
    body = {
        "chain": "hilltop",
        "chain_id": 1,
        "watches": [
            {"protocol": "a", "product": "b", "event": "Transfer", "contracts": [checksum(A), "0x12"]},
            {"protocol": "", "product": "b", "event": "Mint", "contracts": []},
        ],
    }
    response = post(operator, body)
    assert response.status_code == 422
    answer = response.json()
    assert answer["detail"].startswith("Refused, and nothing was changed: chain_id is 1, but this is chain 31337")
    assert [fault["detail"].partition(":")[0] for fault in answer["errors"]] == [
        "chain_id is 1, but this is chain 31337",
        "watches[0] a/b contract 0x12",
        "watches[1]",
    ]
    assert count(connection) == 0
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"chain": "atlantis", "chain_id": 3, "watches": []}, "there is no chain atlantis; chains: hilltop, seaside"),
        ({"chain": ["hilltop"], "chain_id": 3, "watches": []}, "chain is missing or empty"),
        ([], "the watch list is not an object"),
    ],
)
def test_a_list_for_no_chain_is_refused(operator: Client, body: object, said: str) -> None:
    response = post(operator, body)
    assert response.status_code == 422
    assert said in response.json()["detail"]


def test_a_list_may_be_longer_than_other_bodies(operator: Client, settings: Settings) -> None:
    settings.BODY_LIMIT = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert post(operator, watch({A: "Transfer"})).status_code == 200
    settings.WATCH_LIST_LIMIT = 100
    response = post(operator, watch({A: "Transfer"}))
    assert response.status_code == 413
    assert "more than 100 bytes" in response.json()["detail"]


@pytest.mark.parametrize(
    "query", ["?prune=yes", "?dry_run=1", "?source=", "?source=a%00b", "?sauce=1", "?prune=true&prune=true"]
)
def test_a_wrong_parameter_imports_nothing(operator: Client, connection: Connection, query: str) -> None:
    response = post(operator, watch({A: "Transfer"}), query)
    assert response.status_code == 400
    assert response.json()["errors"][0]["parameter"] == query[1:].partition("=")[0]
    assert count(connection) == 0
