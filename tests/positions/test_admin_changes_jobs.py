"""Disabling, enabling and rescanning in the admin: a page that says what will happen, then the protocol's own work."""

import re
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.protocol.state import lock_state
from tests.people import LogIn
from tests.positions.lookup_rows import add_job, contract, refresh, start

JOBS = "/admin/positions/job/"


@pytest.fixture
def jobs(connection: Connection) -> list[int]:
    start(connection)
    found = [add_job(connection, contract(place + 1)) for place in range(3)]
    refresh(connection)
    return found


def send(client: Client, kind: str, jobs: list[int], **more: object) -> Any:
    form = {"chain": "hilltop", "kind": kind, "jobs": " ".join(map(str, jobs))} | more
    return client.post(f"{JOBS}change/", form, follow=True)


def state(connection: Connection, job: int) -> tuple[bool, int | None, str]:
    row = connection.execute("SELECT enabled, live_from, covered::text FROM jobs WHERE id = %s", [job]).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def audit() -> list[tuple[str, str, str, str, str]]:
    return list(AuditEntry.objects.order_by("id").values_list("actor", "action", "chain", "target", "outcome"))


def test_choosing_jobs_in_the_list_shows_what_will_happen_and_changes_nothing(
    connection: Connection, jobs: list[int], log_in: LogIn
) -> None:
    client = log_in("operator")
    for action, said in (("disable", "watched no more"), ("enable", "take"), ("rescan", "read again")):
        form = {"chain": "hilltop", "action": action, "_selected_action": jobs[:2]}
        page = client.post(JOBS, form).content.decode()
        assert said in page
        assert re.search(
            rf'name="jobs"[^>]*value="{jobs[0]} {jobs[1]}"|value="{jobs[0]} {jobs[1]}"[^>]*name="jobs"', page
        )
        assert "0x0000000000000000000000000000000000000001" in page
    assert state(connection, jobs[0]) == (True, 0, "{}")
    assert audit() == []


def test_a_confirmed_disable_is_the_protocols_and_is_audited(
    connection: Connection, jobs: list[int], log_in: LogIn
) -> None:
    client = log_in("operator")
    page = send(client, "disable", jobs[:2])
    assert "hilltop: 2 jobs disabled." in page.content.decode()
    # What was covered at the head is kept, up to the final block.
    assert [state(connection, job) for job in jobs] == [(False, None, "{[0,91)}")] * 2 + [(True, 0, "{}")]
    target = f"jobs {jobs[0]}, {jobs[1]}"
    assert audit() == [("some-operator", "disable jobs", "hilltop", target, "2 disabled")]


def test_enabling_brings_jobs_back_and_counts_those_that_were_on(
    connection: Connection, jobs: list[int], log_in: LogIn
) -> None:
    client = log_in("operator")
    send(client, "disable", jobs[:1])
    page = send(client, "enable", jobs[:2])
    assert "1 job enabled; 1 needed no change." in page.content.decode()
    assert state(connection, jobs[0])[0]


def test_a_rescan_asks_for_its_first_block(connection: Connection, jobs: list[int], log_in: LogIn) -> None:
    client = log_in("operator")
    connection.execute("UPDATE jobs SET covered = '{[0,80)}', live_from = 80")
    assert b'name="from_block"' in client.get(f"{JOBS}{jobs[0]}/rescan/").content
    for wrong in ("", "-1", "a", str(2**60)):
        answer = send(client, "rescan", jobs[:1], from_block=wrong)
        assert answer.status_code == 400
        assert b"fp-error" in answer.content
    assert state(connection, jobs[0]) == (True, 80, "{[0,80)}")
    page = send(client, "rescan", jobs[:1], from_block="50")
    assert "1 job going to be read again from block 50." in page.content.decode()
    assert state(connection, jobs[0]) == (True, None, "{[0,50)}")
    assert audit()[-1][3] == f"job {jobs[0]} from block 50"


def test_all_jobs_that_a_filter_finds_can_be_chosen_at_once(
    connection: Connection, jobs: list[int], log_in: LogIn
) -> None:
    other = add_job(connection, contract(7), labels=[("list", "curve", "pool")])
    client = log_in("operator")
    form = {"chain": "hilltop", "action": "disable", "select_across": "1", "_selected_action": jobs[:1]}
    page = client.post(f"{JOBS}?protocol=uniswap", form).content.decode()
    assert "Disable 3 jobs of hilltop?" in page
    assert f'value="{" ".join(map(str, jobs))}"' in page
    assert other not in jobs


def test_a_database_that_is_too_slow_is_said_and_nothing_is_changed(
    chain: Chain, connection: Connection, jobs: list[int], log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = log_in("operator")
    monkeypatch.setitem(connections["default"].settings_dict["OPTIONS"], "options", "-c statement_timeout=200")
    with connection.transaction(), connection.cursor() as cur:
        lock_state(cur)
        answer = send(client, "disable", jobs)
    assert answer.status_code == 503
    assert b"nothing was changed" in answer.content
    assert all(state(connection, job)[0] for job in jobs)
    assert audit()[0][4].startswith("failed: ")


def test_retired_jobs_stay_retired(connection: Connection, log_in: LogIn) -> None:
    start(connection)
    job = add_job(connection, contract(9), retired=True, enabled=False)
    client = log_in("operator")
    page = send(client, "enable", [job])
    assert "0 jobs enabled; 1 needed no change." in page.content.decode()
    assert not state(connection, job)[0]
    assert b"retired or gone" in client.get(f"{JOBS}{job}/enable/", follow=True).content


@pytest.mark.parametrize("role", ["viewer", "nobody"])
def test_who_may_not_change_jobs_is_refused_by_the_server(
    connection: Connection, jobs: list[int], log_in: LogIn, role: str
) -> None:
    client = log_in(role)
    for kind in ("disable", "enable", "rescan"):
        assert send(client, kind, jobs, from_block="0").status_code == 403
        assert client.get(f"{JOBS}{jobs[0]}/{kind}/").status_code == 403
        # Django drops an action that is not permitted, and the list is shown as it was.
        answer = client.post(JOBS, {"chain": "hilltop", "action": kind, "_selected_action": jobs}, follow=True)
        assert b'name="jobs"' not in answer.content
    assert [state(connection, job) for job in jobs] == [(True, 0, "{}")] * 3
    assert audit() == []


def test_a_viewer_sees_jobs_and_no_buttons(jobs: list[int], log_in: LogIn) -> None:
    client = log_in("viewer")
    page = client.get(f"{JOBS}{jobs[0]}/change/").content.decode()
    assert "0x0000000000000000000000000000000000000001" in page
    assert "/disable/" not in page
    assert 'name="_save"' not in page
    assert "_selected_action" not in client.get(JOBS).content.decode()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"kind": "disable"},
        {"kind": "explode", "jobs": "1"},
        {"kind": "disable", "jobs": "1 x"},
        {"kind": "disable", "jobs": "99999999999999"},
        {"kind": "disable", "jobs": "-1"},
        {"kind": "disable", "jobs": "1\x00"},
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(log_in: LogIn, form: dict[str, str], chain: Chain) -> None:
    answer = log_in("operator").post(f"{JOBS}change/", {"chain": "hilltop"} | form, follow=True)
    assert answer.status_code == 200
    assert b"nothing was changed" in answer.content
    assert audit() == []


def test_no_page_adds_edits_or_deletes_a_job(connection: Connection, jobs: list[int], log_in: LogIn) -> None:
    client = log_in("superuser")
    chain = {"chain": "hilltop"}
    assert client.post(f"{JOBS}add/", chain).status_code == 403
    assert client.post(f"{JOBS}{jobs[0]}/delete/", chain | {"post": "yes"}).status_code == 403
    assert client.post(f"{JOBS}{jobs[0]}/change/", chain | {"floor": "7"}).status_code == 403
    assert state(connection, jobs[0]) == (True, 0, "{}")
