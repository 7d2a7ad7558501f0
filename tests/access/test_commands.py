"""API keys from the command line."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from indexer.access.keys import admit
from indexer.access.models import ApiKey, AuditEntry

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_what_is_printed_is_the_key_and_nothing_else() -> None:
    text = run("create_api_key", "portfolio").strip()
    admission = admit(text)
    assert admission is not None
    assert (admission.name, sorted(admission.scopes)) == ("portfolio", ["read", "read:logs"])


def test_a_role_gives_its_scopes() -> None:
    run("create_api_key", "importer", "--role", "operator")
    assert ApiKey.objects.get().scopes == ["read", "read:logs", "write:jobs", "write:tasks", "write:watches"]


def test_scopes_may_be_given_one_by_one() -> None:
    run("create_api_key", "importer", "--scope", "write:watches")
    assert ApiKey.objects.get().scopes == ["write:watches"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--role", "viewer", "--scope", "read"], "a role or scopes, not both"),
        (["--days", "0"], "from 1 on"),
        (["--per-minute", "-5"], "requests_per_minute"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run("create_api_key", "portfolio", *arguments)
    assert not ApiKey.objects.exists()


def test_a_name_is_given_once() -> None:
    run("create_api_key", "portfolio")
    with pytest.raises(CommandError, match=r"name: .*already exists"):
        run("create_api_key", "portfolio")


def test_keys_are_listed_by_how_they_begin() -> None:
    text = run("create_api_key", "portfolio", "--per-minute", "600", "--days", "30").strip()
    line = run("list_api_keys")
    assert line.startswith(f"portfolio: {text[:11]}; read, read:logs; 600 a minute; not used; expires ")
    admit(text)
    assert "last used 20" in run("list_api_keys")


def test_a_disabled_key_is_refused() -> None:
    text = run("create_api_key", "portfolio").strip()
    run("disable_api_key", text[:11])
    assert admit(text) is None
    assert "disabled" in run("list_api_keys")


def test_an_unknown_key_is_named_with_those_there_are() -> None:
    run("create_api_key", "portfolio")
    with pytest.raises(CommandError, match="no API key 'wallet'; keys: portfolio"):
        run("disable_api_key", "wallet")


def test_making_and_disabling_keys_is_audited() -> None:
    run("create_api_key", "portfolio")
    run("disable_api_key", "portfolio")
    with pytest.raises(CommandError):
        run("create_api_key", "portfolio")
    entries = AuditEntry.objects.order_by("id").values_list("action", "target", "outcome")
    assert [entry[:2] for entry in entries] == [
        ("create API key", "portfolio"),
        ("disable API key", "portfolio"),
        ("create API key", "portfolio"),
    ]
    assert [entry[2].split(":")[0] for entry in entries] == ["done; now read, read", "done", "failed"]
