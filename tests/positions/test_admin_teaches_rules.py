"""Unknown texts in the admin: an operator teaches what one means, sees what that changes first, and it is audited."""

import html
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils.timezone import now

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.chains.models import Chain, TaughtRule, UnknownText
from indexer.chains.refusals import read_rules
from indexer.rpc import Refused, Rulebook, TooLarge
from tests.people import LogIn

TEXTS, RULES = "/admin/chains/unknowntext/", "/admin/chains/taughtrule/"
SAID = "<b>shard 7</b> serves no more than 250 heights & not 1,000"
PATTERN = "serves no more than {LIMIT} heights"
FORM = {"pattern": PATTERN, "meaning": "TooLarge", "note": "mail of May 3", "enabled": "on"}


@pytest.fixture
def text(chain: Chain) -> UnknownText:
    return UnknownText.objects.create(
        chain=chain,
        label="local-1",
        code=-32000,
        status=200,
        method="eth_getLogs",
        text=SAID,
        first_seen=now(),
        last_seen=now(),
        count=1234,
    )


def audit() -> list[tuple[str, str, str, str]]:
    return list(AuditEntry.objects.order_by("id").values_list("actor", "action", "target", "outcome"))


def test_an_operator_teaches_a_rule_from_a_text(log_in: LogIn, text: UnknownText, connection: Connection) -> None:
    client = log_in("operator")
    page = client.get(TEXTS).content.decode()
    assert html.escape(SAID) in page
    assert "1,234" in page
    assert "unknown" in page
    link = html.unescape(page.split('<a class="fp-link" href="')[1].split('"')[0])
    assert parse_qs(urlsplit(link).query) == {"pattern": [SAID]}
    form = client.get(link).content.decode()
    assert f'name="pattern" value="{html.escape(SAID)}"' in form
    assert client.post(f"{RULES}add/", FORM).status_code == 302
    rule = TaughtRule.objects.get()
    assert (rule.created_by, rule.enabled) == ("some-operator", True)
    assert audit() == [("some-operator", "add taught rule", f"TooLarge: {PATTERN}", "done; now enabled")]
    error = Rulebook(read_rules(connection)).error(-32000, SAID, None, 200, {})
    assert isinstance(error, TooLarge)
    assert error.limit_blocks == 250
    assert "TooLarge, 250 blocks at most" in client.get(TEXTS).content.decode()


def test_a_rule_is_tried_before_it_is_stored(log_in: LogIn, text: UnknownText) -> None:
    client = log_in("operator")
    answer = client.post(f"{RULES}add/", FORM | {"_preview": "1"}, follow=True)
    page = answer.content.decode()
    assert not TaughtRule.objects.exists()
    assert "This rule gives 1 of them a meaning" in page
    assert "<b>TooLarge, 250 blocks at most</b>" in page
    assert "mail of May 3" in page
    assert audit() == []
    other = client.post(f"{RULES}add/", FORM | {"_preview": "1", "pattern": "quite another text"}, follow=True)
    assert "This rule changes none of them" in other.content.decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pattern": ""}, "required"),
        ({"pattern": "short"}, "5 letters stand in many texts"),
        ({"pattern": "x" * 201}, "at most 200 characters"),
        ({"meaning": ""}, "required"),
        ({"meaning": "NullRound"}, "not one of the available choices"),
        ({"meaning": "Throttled"}, "{LIMIT} is the number of blocks of a range"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(log_in: LogIn, chain: Chain, change: dict[str, str], said: str) -> None:
    client = log_in("operator")
    page = client.post(f"{RULES}add/", FORM | change)
    assert page.status_code == 200
    assert said in html.unescape(page.content.decode())
    assert client.post(f"{RULES}add/", FORM | change | {"_preview": "1"}, follow=True).status_code == 200
    assert not TaughtRule.objects.exists()


def test_a_rule_is_disabled_but_never_changed_nor_deleted(
    log_in: LogIn, text: UnknownText, connection: Connection
) -> None:
    client = log_in("operator")
    client.post(f"{RULES}add/", FORM)
    rule = TaughtRule.objects.get()
    page = client.get(f"{RULES}{rule.pk}/change/").content.decode()
    assert "TooLarge, 250 blocks at most" in page
    changed = {"pattern": "something else entirely", "meaning": "Throttled", "note": "it was wrong"}
    assert client.post(f"{RULES}{rule.pk}/change/", changed).status_code == 302
    rule.refresh_from_db()
    assert (rule.pattern, rule.meaning, rule.enabled, rule.note) == (PATTERN, "TooLarge", False, "it was wrong")
    assert audit()[-1][1:] == ("change taught rule", str(rule), "Changed Note and Enabled.; now disabled")
    assert Rulebook(read_rules(connection)).classify(-32000, SAID, None, 200, {}) is Refused
    assert client.post(f"{RULES}{rule.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_text_has_one_enabled_rule(log_in: LogIn, chain: Chain) -> None:
    client = log_in("operator")
    client.post(f"{RULES}add/", FORM)
    assert "is taught and enabled already" in client.post(f"{RULES}add/", FORM).content.decode()
    TaughtRule.objects.update(enabled=False)
    client.post(f"{RULES}add/", FORM | {"meaning": "BlockUnknown", "pattern": "serves no more than"})
    assert client.post(f"{RULES}add/", FORM).status_code == 302
    assert TaughtRule.objects.filter(enabled=True).count() == 2


@pytest.mark.parametrize("role", ["viewer", "nobody"])
def test_only_operators_teach(log_in: LogIn, text: UnknownText, role: str) -> None:
    rule = TaughtRule.objects.create(pattern="the moon is full", meaning="Throttled", created_by="ada")
    client = log_in(role)
    assert client.post(f"{RULES}add/", FORM).status_code == 403
    assert client.post(f"{RULES}add/", FORM | {"_preview": "1"}).status_code == 403
    assert client.post(f"{RULES}{rule.pk}/change/", {"note": "mine"}).status_code == 403
    assert TaughtRule.objects.get().enabled
    if role == "viewer":
        assert "Teach a rule" not in client.get(TEXTS).content.decode()
        assert client.get(f"{RULES}{rule.pk}/change/").status_code == 200
    assert audit() == []


def test_nobody_makes_or_deletes_a_text(log_in: LogIn, text: UnknownText) -> None:
    client = log_in("superuser")
    assert client.get(f"{TEXTS}add/").status_code == 403
    assert client.post(f"{TEXTS}{text.pk}/delete/", {"post": "yes"}).status_code == 403
    assert UnknownText.objects.exists()
