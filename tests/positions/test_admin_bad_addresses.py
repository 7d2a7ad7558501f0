"""Addresses that nobody offers: the admin says what is wrong, and its server does not fail."""

import pytest

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from tests.people import LogIn
from tests.positions.admin_rows import fill

WRONG = ("0", "x", "99999999999999999999", "-1", "%00", "1%00", "_00", "a_2Fb", "1,2", "{}", "%27%22")
MODELS = (
    "positions/job",
    "positions/setting",
    "positions/scan",
    "positions/segment",
    "chains/chain",
    "access/apikey",
    "access/auditentry",
    "auth/user",
    "auth/group",
)


@pytest.mark.parametrize("model", MODELS)
def test_rows_that_are_not_there_are_no_errors_of_the_server(connection: Connection, log_in: LogIn, model: str) -> None:
    fill(connection, rows=2)
    client = log_in("superuser")
    client.raise_request_exception = False
    for key in WRONG:
        for page in ("change", "delete", "history"):
            answer = client.get(f"/admin/{model}/{key}/{page}/", follow=True)
            assert answer.status_code in (200, 403, 404), (key, page)


@pytest.mark.parametrize("model", MODELS)
def test_parameters_that_make_no_sense_are_no_errors_of_the_server(
    connection: Connection, log_in: LogIn, model: str
) -> None:
    fill(connection, rows=2)
    client = log_in("superuser")
    client.raise_request_exception = False
    for query in ("q=%00", "p=%00", "p=-1", "o=-99.x", "state=%00", "protocol=%00", "trouble=%00", "id__in=x", "all="):
        answer = client.get(f"/admin/{model}/?{query}", follow=True)
        assert answer.status_code in (200, 400, 404), query


# What Django's lists would filter by, each of it an error of PostgreSQL's or of a field's.
UNOFFERED = (
    "id__regex=[",
    "pk__iregex=(",
    "contract_address__gt=a",
    "scopes__contains=x",
    "sha256=a",
    "error__regex=[",
)


@pytest.mark.parametrize("model", MODELS)
def test_lists_filter_by_nothing_that_they_do_not_offer(connection: Connection, log_in: LogIn, model: str) -> None:
    client = log_in("superuser")
    client.raise_request_exception = False
    for query in UNOFFERED:
        answer = client.get(f"/admin/{model}/?{query}")
        assert (answer.status_code, answer.headers.get("Location")) == (302, f"/admin/{model}/?e=1"), query


@pytest.mark.parametrize(
    ("model", "action"),
    [
        ("positions/job", "rescan"),
        ("positions/segment", "try_now"),
        ("access/apikey", "disable"),
        ("auth/user", "delete_selected"),
        ("auth/group", "delete_selected"),
    ],
)
def test_rows_chosen_by_no_number_change_nothing(
    connection: Connection, log_in: LogIn, model: str, action: str
) -> None:
    fill(connection, rows=2)
    client = log_in("superuser")
    client.raise_request_exception = False
    before = AuditEntry.objects.count()
    for chosen in ("abc", "\0", "", "-1", "1.5", "٣", "9" * 20):
        form = {"action": action, "_selected_action": chosen, "chain": "hilltop"}
        answer = client.post(f"/admin/{model}/", form, follow=True)
        assert answer.status_code == 200, chosen
        assert b"These are no numbers of rows" in answer.content, chosen
    assert AuditEntry.objects.count() == before


@pytest.mark.parametrize("following", ["http://[", "//[x/admin/", "http://\u2100.com/admin/"])
def test_going_on_at_no_address_leads_home(connection: Connection, log_in: LogIn, following: str) -> None:
    client = log_in("viewer")
    client.raise_request_exception = False
    answer = client.post("/admin/chain/", {"to": "seaside", "next": following})
    assert (answer.status_code, answer.headers.get("Location")) == (302, "/admin/")


@pytest.mark.parametrize(
    "path",
    [
        "search/?s=a&page=x",
        "search/?s=%00",
        "jsi18n/",
        "r/1/1/",
        "r/x/%00/",
        "autocomplete/",
        "positions/job/0/rescan/",
    ],
)
def test_other_pages_of_the_admin_do_not_fail(connection: Connection, log_in: LogIn, path: str) -> None:
    fill(connection, rows=2)
    client = log_in("superuser")
    client.raise_request_exception = False
    assert client.get(f"/admin/{path}", follow=True).status_code in (200, 400, 403, 404)
