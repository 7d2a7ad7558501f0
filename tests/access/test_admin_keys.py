"""API keys in the admin: shown once, disabled, and only by administrators."""

import re
from datetime import timedelta

import pytest
from django.utils.timezone import now

from indexer.access.keys import admit, make_key
from indexer.access.models import ApiKey, AuditEntry
from indexer.access.scopes import READ, WRITE_JOBS
from tests.people import LogIn

KEYS = "/admin/access/apikey/"
FORM = {"name": "portfolio", "scopes": [READ, WRITE_JOBS], "requests_per_minute": "60"}


def test_a_new_key_is_shown_once_and_works(log_in: LogIn) -> None:
    client = log_in("administrator")
    page = client.post(f"{KEYS}add/", FORM)
    text = re.search(r"fp_[0-9a-f]{8}_[\w-]+", page.content.decode())
    assert text is not None
    assert "no-store" in page["Cache-Control"]
    admission = admit(text[0])
    assert admission is not None
    assert admission.scopes == {READ, WRITE_JOBS}
    key = ApiKey.objects.get()
    assert (key.requests_per_minute, key.created_by, key.expires_at) == (60, "some-administrator", None)
    for path in (KEYS, f"{KEYS}{key.pk}/change/", "/admin/access/auditentry/", "/admin/"):
        later = client.get(path).content.decode()
        assert text[0] not in later
        assert text[0][12:] not in later
        assert key.prefix in later or path not in (KEYS, f"{KEYS}{key.pk}/change/")
    assert list(AuditEntry.objects.values_list("actor", "action", "target", "outcome")) == [
        ("some-administrator", "add API key", "portfolio", "done; now read, write:jobs, 60 a minute")
    ]
    assert text[0] not in str(dict(client.session))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "required"),
        ({"scopes": []}, "required"),
        ({"scopes": ["everything"]}, "everything is not one of"),
        ({"requests_per_minute": "0"}, "greater than or equal to 1"),
        ({"requests_per_minute": "x"}, "whole number"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "in the past"),
        ({"name": "taken"}, "already exists"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(log_in: LogIn, change: dict[str, object], said: str) -> None:
    make_key("taken", [READ], created_by="test")
    page = log_in("administrator").post(f"{KEYS}add/", FORM | change)
    assert page.status_code == 200
    assert said in page.content.decode()
    assert ApiKey.objects.count() == 1


def test_disabling_refuses_the_key_at_once_and_is_audited(log_in: LogIn) -> None:
    made = make_key("portfolio", [READ], created_by="test")
    client = log_in("administrator")
    client.post(KEYS, {"action": "disable", "_selected_action": made.key.pk})
    assert admit(made.text) is None
    assert AuditEntry.objects.get().action == "disable API key"
    page = client.post(KEYS, {"action": "disable", "_selected_action": made.key.pk}, follow=True)
    assert b"disabled already" in page.content


def test_a_key_can_be_changed_but_not_its_name_and_never_deleted(log_in: LogIn) -> None:
    made = make_key("portfolio", [READ], created_by="test")
    client = log_in("administrator")
    later = now() + timedelta(days=3)
    form = {
        "name": "another",
        "scopes": [READ, WRITE_JOBS],
        "enabled": "on",
        "expires_at_0": f"{later:%Y-%m-%d}",
        "expires_at_1": "12:00",
    }
    assert client.post(f"{KEYS}{made.key.pk}/change/", form).status_code == 302
    key = ApiKey.objects.get()
    assert (key.name, key.scopes, key.enabled) == ("portfolio", [READ, WRITE_JOBS], True)
    assert key.expires_at is not None
    assert admit(made.text) is not None
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target) == ("change API key", "portfolio")
    assert entry.outcome.endswith(f"now read, write:jobs, until {later:%Y-%m-%d} 12:00 UTC")
    assert client.post(f"{KEYS}{made.key.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("role", ["viewer", "operator", "nobody"])
def test_only_administrators_make_change_or_disable_keys(log_in: LogIn, role: str) -> None:
    made = make_key("portfolio", [READ], created_by="test")
    client = log_in(role)
    assert client.post(f"{KEYS}add/", FORM | {"name": "mine"}).status_code == 403
    assert client.post(f"{KEYS}{made.key.pk}/change/", {"scopes": [READ]}).status_code == 403
    client.post(KEYS, {"action": "disable", "_selected_action": made.key.pk})
    assert admit(made.text) is not None
    assert ApiKey.objects.count() == 1
    assert not AuditEntry.objects.exists()
