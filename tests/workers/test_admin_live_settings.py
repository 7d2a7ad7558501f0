"""The page Live settings: who sees it, who changes something, and what is left of that."""

import re

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from indexer.access.models import AuditEntry
from indexer.workers.live import LAG, MAINTENANCE
from indexer.workers.live_changes import set_value
from indexer.workers.models import LiveChange, LiveValue
from tests.people import LogIn

PAGE = "/admin/workers/livevalue/"
ROLES = ("viewer", "operator", "administrator", "superuser")
CHANGERS = ROLES[1:]


def page_of(name: str) -> str:
    return f"{PAGE}{name.replace('_', '_5F')}/change/"


def said(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response.content
    return re.sub(r"\s+", " ", response.content.decode())


def test_all_settings_are_there_with_their_groups_and_their_last_change(log_in: LogIn) -> None:
    set_value(LAG.name, 60, actor="ada", why="it is <late>")
    set_value("worker.prices", False, actor="bob", why="they are wrong")
    LiveValue.objects.create(name="gone.setting", value=3)
    text = said(log_in("viewer"), PAGE)
    order = [text.index(f"<h2>{title}</h2>") for title in ("Maintenance", "Flags", "Limits of workers")]
    assert order == sorted(order)
    assert '<span class="fp-label fp-info">60 s</span>' in text
    assert "it is &lt;late&gt;" in text
    assert "a number from 5 to 600 (s)" in text
    assert "nobody declares it any more" in text
    assert text.index("bob") < text.index("they are wrong")


@pytest.mark.parametrize("role", CHANGERS)
def test_who_may_changes_a_setting_resets_it_and_takes_that_back(log_in: LogIn, role: str) -> None:
    client = log_in(role)
    response = client.post(page_of(LAG.name), {"value": "60", "why": "late"})
    assert response.status_code == 302
    assert response["Location"] == page_of(LAG.name)
    change = LiveChange.objects.get()
    assert (change.actor, change.name, change.new, change.why) == (f"some-{role}", LAG.name, 60.0, "late")
    assert "workers.lag is 60 s; it was 600 s, its default." in said(client, page_of(LAG.name))
    client.post(page_of(LAG.name), {"_reset": "1"})
    assert not LiveValue.objects.exists()
    newest = LiveChange.objects.first()
    assert newest
    client.post(f"{PAGE}rollback/{newest.pk}/")
    assert LiveValue.objects.get().value == 60.0
    assert [(entry.actor, entry.action) for entry in AuditEntry.objects.order_by("id")] == [
        (f"some-{role}", "set live setting"),
        (f"some-{role}", "reset live setting"),
        (f"some-{role}", "roll back live setting"),
    ]


def test_a_viewer_sees_and_changes_nothing(log_in: LogIn) -> None:
    change = set_value(LAG.name, 60, actor="ada").change
    assert change
    client = log_in("viewer")
    assert "Roll back" not in said(client, PAGE)
    text = said(client, page_of(LAG.name))
    assert 'id="live-setting"' not in text
    assert "ada" in text
    AuditEntry.objects.all().delete()
    for path, data in (
        (page_of(LAG.name), {"value": "5"}),
        (page_of(LAG.name), {"_reset": "1"}),
        (f"{PAGE}rollback/{change.pk}/", {}),
    ):
        assert client.post(path, data).status_code == 403
    assert LiveValue.objects.get().value == 60.0
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("role", [None, "somebody"])
def test_who_has_no_role_sees_nothing_and_changes_nothing(log_in: LogIn, role: str | None) -> None:
    change = set_value(LAG.name, 60, actor="ada").change
    assert change
    client = log_in(role) if role else Client()
    refused = 403 if role else 302  # to the login
    for path in (PAGE, page_of(LAG.name)):
        assert client.get(path).status_code == refused
    for path in (page_of(LAG.name), f"{PAGE}rollback/{change.pk}/"):
        assert client.post(path, {"value": "5"}).status_code == refused
    assert LiveChange.objects.count() == 1


def test_a_page_of_somebody_else_changes_nothing(log_in: LogIn) -> None:
    change = set_value(LAG.name, 60, actor="ada").change
    assert change
    operator, client = log_in("operator"), Client(enforce_csrf_checks=True)
    client.cookies = operator.cookies
    for path in (page_of(LAG.name), f"{PAGE}rollback/{change.pk}/"):
        assert client.post(path, {"value": "5"}).status_code == 403
    assert LiveChange.objects.count() == 1


def test_a_link_takes_nothing_back(log_in: LogIn) -> None:
    change = set_value(LAG.name, 60, actor="ada").change
    assert change
    assert log_in("operator").get(f"{PAGE}rollback/{change.pk}/").status_code == 302
    assert LiveChange.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "given", "field", "words"),
    [
        (LAG.name, {"value": "soon"}, "value", "workers.lag cannot be &#x27;soon&#x27;: it is a number of at least 1"),
        (LAG.name, {"value": ""}, "value", "it is a number of at least 1"),
        (LAG.name, {"value": "60", "why": "x" * 1001}, "why", "at most 1000 characters"),
        ("worker.prices", {"value": "off", "why": " "}, "why", "This makes workers rest: say why."),
        (MAINTENANCE.name, {"value": "on"}, "why", "This makes workers rest: say why."),
        (MAINTENANCE.name, {"value": "perhaps"}, "value", "it is on or off"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    log_in: LogIn, name: str, given: dict[str, str], field: str, words: str
) -> None:
    response = log_in("operator").post(page_of(name), given)
    assert response.status_code == 400
    text = re.sub(r"\s+", " ", response.content.decode())
    [beside] = re.findall(rf'<label for="id_{field}">.*?class="fp-help"', text)
    assert re.search(rf'class="fp-error">[^<]*{re.escape(words)}', beside)
    assert not LiveChange.objects.exists()


def test_a_flag_has_its_page_before_anybody_has_set_it(log_in: LogIn) -> None:
    client = log_in("operator")
    assert "whether historic-ethereum-1 works" in said(client, page_of("worker.historic-ethereum-1"))
    client.post(page_of("worker.historic-ethereum-1"), {"value": "off", "why": "its disk is full"})
    assert LiveValue.objects.get().value is False


def test_what_nobody_declares_any_more_can_be_forgotten(log_in: LogIn) -> None:
    LiveValue.objects.create(name="gone.setting", value=3)
    client = log_in("operator")
    assert "Forget it" in said(client, page_of("gone.setting"))
    assert client.post(page_of("gone.setting"), {"value": "4"}).status_code == 200
    response = client.post(page_of("gone.setting"), {"_reset": "1"})
    assert response["Location"] == PAGE
    assert not LiveValue.objects.exists()
    assert client.get(page_of("gone.setting")).status_code == 404


def test_a_rollback_that_cannot_be_says_why(log_in: LogIn) -> None:
    stale = LiveChange.objects.create(name=LAG.name, old="long", new=60.0, actor="ada")
    response = log_in("operator").post(f"{PAGE}rollback/{stale.pk}/")
    [message] = get_messages(response.wsgi_request)
    assert str(message) == ("Nothing was changed: workers.lag cannot be 'long': it is a number of at least 1 (s).")


def test_every_page_says_that_maintenance_is_on_who_wanted_it_and_why(log_in: LogIn) -> None:
    client = log_in("viewer")
    assert 'id="maintenance" role' not in said(client, "/admin/")
    operator = log_in("operator")
    operator.post(page_of(MAINTENANCE.name), {"value": "on", "why": "the disk is <full>"})
    for path in ("/admin/", PAGE, "/admin/positions/job/", "/admin/lookup/"):
        text = said(client, path)
        assert "<b>Maintenance is on</b>: all workers rest" in text, path
        assert "Switch it off" not in text
        assert re.search(r"Switched on by some-operator, [-\d]+ [:\d]+ UTC: the disk is &lt;full&gt;\.", text)
    assert f'href="{page_of(MAINTENANCE.name)}">Switch it off…' in said(operator, "/admin/")
    operator.post(page_of(MAINTENANCE.name), {"value": "off"})
    assert "<b>Maintenance is on" not in said(client, "/admin/")


@pytest.mark.parametrize("role", ROLES)
def test_the_sidebar_leads_there(log_in: LogIn, role: str) -> None:
    assert f'href="{PAGE}"' in said(log_in(role), "/admin/")


def test_nobody_adds_or_deletes_values_past_their_history(log_in: LogIn) -> None:
    set_value(LAG.name, 60, actor="ada")
    client = log_in("superuser")
    assert client.get(f"{PAGE}add/").status_code == 403
    assert client.post(page_of(LAG.name).replace("change", "delete"), {"post": "yes"}).status_code == 403
    client.post(PAGE, {"action": "delete_selected", "_selected_action": [LAG.name], "post": "yes"})
    assert LiveValue.objects.exists()
