"""Importing a watch list in the admin: a dry run first, then exactly what it was about."""

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client, override_settings

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.positions.address import checksum
from indexer.positions.protocol.state import lock_state
from tests.people import LogIn
from tests.positions.lookup_rows import start
from tests.positions.world import A, B, watch

PAGE = "/admin/positions/job/import/"


@pytest.fixture
def started(connection: Connection) -> None:
    start(connection)


def post(
    client: Client, data: object, *, agreed: str = "", part: str = "file", source: str = "team", prune: bool = False
) -> Any:
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    form: dict[str, Any] = {"chain": "hilltop", "source": source, part: SimpleUploadedFile("list.json", content)}
    return client.post(PAGE, form | ({"prune": "on"} if prune else {}) | ({"agreed": agreed} if agreed else {}))


def agreement(answer: Any) -> str:
    found = re.search(r'name="agreed" value="([^"]+)"', answer.content.decode())
    assert found is not None, answer.content.decode()
    return found[1]


def watched(connection: Connection) -> list[bytes]:
    rows = connection.execute("SELECT contract_address FROM jobs WHERE enabled ORDER BY 1")
    return [contract for (contract,) in rows.fetchall()]


@pytest.mark.usefixtures("started")
def test_a_dry_run_says_what_would_change_and_changes_nothing(connection: Connection, log_in: LogIn) -> None:
    answer = post(log_in("operator"), watch({A: "Transfer", B: "Transfer"}))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "2 entries, 2 jobs added, 2 labels added" in page
    assert checksum(A) in page
    assert checksum(B) in page
    assert watched(connection) == []
    assert not AuditEntry.objects.exists()


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize("part", ["file", "pasted"])
def test_what_was_shown_is_imported_and_audited(connection: Connection, log_in: LogIn, part: str) -> None:
    client = log_in("operator")
    agreed = agreement(post(client, watch({A: "Transfer"}), part=part))
    answer = post(client, watch({A: "Transfer"}), agreed=agreed, part=part)
    entry = AuditEntry.objects.get()
    assert answer["Location"] == f"{PAGE}{entry.pk}/"
    assert watched(connection) == [A]
    assert (entry.actor, entry.action, entry.chain) == ("some-operator", "import watch list", "hilltop")
    assert entry.target.startswith("source team, 1 entries, sha256 ")
    assert entry.outcome == "1 entries, 1 jobs added, 1 labels added"
    assert b"1 jobs added" in client.get(answer["Location"]).content


@pytest.mark.usefixtures("started")
@pytest.mark.parametrize(
    "change",
    [{"data": watch({B: "Transfer"})}, {"source": "another"}, {"prune": True}],
    ids=["list", "source", "prune"],
)
def test_anything_else_than_what_was_shown_is_shown_again(
    connection: Connection, log_in: LogIn, change: dict[str, Any]
) -> None:
    client = log_in("operator")
    agreed = agreement(post(client, watch({A: "Transfer"})))
    answer = post(client, **({"data": watch({A: "Transfer"})} | change), agreed=agreed)
    assert answer.status_code == 200
    assert b"not the one that was shown" in answer.content
    assert watched(connection) == []


@pytest.mark.usefixtures("started")
def test_an_agreement_is_worth_nothing_for_somebody_else_or_forged(connection: Connection, log_in: LogIn) -> None:
    agreed = agreement(post(log_in("operator"), watch({A: "Transfer"})))
    other = log_in("administrator")
    for token in (agreed, agreed[:-1] + "x", "x"):
        assert b"not the one that was shown" in post(other, watch({A: "Transfer"}), agreed=token).content
    assert watched(connection) == []


@pytest.mark.usefixtures("started")
def test_every_kind_of_change_is_named(connection: Connection, log_in: LogIn) -> None:
    client = log_in("operator")
    first = watch({A: "Transfer", B: "Transfer"})
    post(client, first, agreed=agreement(post(client, first)))
    other = {"topic0": "0x" + "ab" * 32, "user_topic": 1}
    page = post(client, watch({A: other}), prune=True).content.decode()
    for kind in ("added", "replaced", "disabled"):
        assert re.search(rf"fp-\w+\">{kind}</span> 1 ", page), kind
    assert "topic0 0xabababab…, user in topic 1" in page


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ([], "the watch list is not an object"),
        ({"chain": "seaside", "chain_id": 31338, "watches": []}, "import the list of that chain"),
        ({"chain": "seaside", "chain_id": 31337, "watches": []}, "the chain chosen above is hilltop"),
        (watch({A: "Transfr"}), "unknown event"),
    ],
)
@pytest.mark.usefixtures("started")
def test_a_list_that_is_refused_says_every_reason(log_in: LogIn, data: object, said: str) -> None:
    answer = post(log_in("operator"), data)
    assert answer.status_code == 400
    assert b"Refused: nothing would be imported" in answer.content
    assert said in answer.content.decode()


@pytest.mark.usefixtures("started")
def test_no_list_two_lists_or_one_too_large_are_no_errors_of_the_server(log_in: LogIn) -> None:
    client = log_in("operator")
    form = {"chain": "hilltop", "source": "team"}
    assert b"Choose a file, or paste a list." in client.post(PAGE, form).content
    two = {name: SimpleUploadedFile("a.json", b"{}") for name in ("file", "pasted")}
    assert b"not both" in client.post(PAGE, form | two).content
    with override_settings(WATCH_LIST_LIMIT=10):
        answer = post(client, watch({A: "Transfer"}))
    assert answer.status_code == 413
    assert b"more than 10 bytes, the most allowed" in answer.content


@pytest.mark.usefixtures("started")
def test_a_list_larger_than_other_bodies_may_be_is_taken(connection: Connection, log_in: LogIn) -> None:
    contracts: dict[bytes, object] = {number.to_bytes(20): "Transfer" for number in range(1, 9_000)}
    data = watch(contracts)
    assert len(json.dumps(data)) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    client = log_in("operator")
    post(client, data, agreed=agreement(post(client, data)))
    assert len(watched(connection)) == 8_999


@pytest.mark.usefixtures("started")
def test_a_database_that_is_too_slow_is_said(
    connection: Connection, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = log_in("operator")
    monkeypatch.setitem(connections["default"].settings_dict["OPTIONS"], "options", "-c statement_timeout=200")
    with connection.transaction(), connection.cursor() as cur:
        lock_state(cur)
        answer = post(client, watch({A: "Transfer"}))
    assert answer.status_code == 503
    assert b"did not finish in time" in answer.content


@pytest.mark.parametrize("role", ["viewer", "nobody"])
def test_who_may_not_import_is_refused(log_in: LogIn, role: str, connection: Connection) -> None:
    client = log_in(role)
    assert client.get(PAGE).status_code == 403
    assert post(client, watch({A: "Transfer"})).status_code == 403
    assert b"Import a watch list" not in client.get("/admin/").content
    assert watched(connection) == []


def test_the_page_of_an_import_that_never_was_is_not_there(log_in: LogIn) -> None:
    assert log_in("operator").get(f"{PAGE}123456/").status_code == 404
