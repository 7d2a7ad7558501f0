"""API keys: made once, shown once, counted over all processes."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.timezone import now

from indexer.access.callers import Unauthenticated, caller_of_key, nobody, require
from indexer.access.keys import NewKey, admit, make_key
from indexer.access.models import ApiKey
from indexer.access.scopes import READ, WRITE_JOBS

pytestmark = pytest.mark.django_db


def a_key(*, scopes: tuple[str, ...] = (READ,), per_minute: int | None = None, name: str = "portfolio") -> NewKey:
    return make_key(name, list(scopes), created_by="test", requests_per_minute=per_minute)


def test_a_key_is_admitted_with_its_scopes_and_its_use_is_noted() -> None:
    made = a_key(scopes=(READ, WRITE_JOBS))
    admission = admit(made.text)
    assert admission is not None
    assert admission.name == "portfolio"
    assert admission.scopes == {READ, WRITE_JOBS}
    assert not admission.refused
    assert now() - ApiKey.objects.get().use.last_used < timedelta(minutes=1)


def test_the_text_of_a_key_is_stored_nowhere() -> None:
    made = a_key()
    with connection.cursor() as cursor:
        cursor.execute("SELECT api_keys::text FROM api_keys")
        assert made.text[12:] not in str(cursor.fetchall())
    assert made.text.startswith(made.key.prefix)


@pytest.mark.parametrize(
    "change",
    [
        {"enabled": False},
        {"expires_at": now() - timedelta(seconds=1)},
        {"sha256": b"\1" * 32},
    ],
)
def test_a_key_that_is_disabled_expired_or_another_is_not_admitted(change: dict[str, object]) -> None:
    made = a_key()
    ApiKey.objects.update(**change)
    assert admit(made.text) is None
    with pytest.raises(Unauthenticated):
        caller_of_key(made.text)


def test_a_limit_holds_and_says_when_to_come_back() -> None:
    made = a_key(per_minute=3)
    admissions = [admit(made.text) for _ in range(5)]
    assert [admission.refused for admission in admissions if admission] == [False, False, False, True, True]
    last = admissions[-1]
    assert last is not None
    assert 15 < last.retry_after <= 20


def test_a_refused_request_uses_nothing_up() -> None:
    made = a_key(per_minute=2)
    for _ in range(10):
        admit(made.text)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE api_key_uses SET spent_until = spent_until - interval '30 seconds'")
    later = admit(made.text)
    assert later is not None
    assert not later.refused


@pytest.mark.parametrize(
    ("name", "scopes", "said"),
    [
        ("", [READ], "blank"),
        ("x", [], "blank"),
        ("x", ["everything"], "scopes are"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(name: str, scopes: list[str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        make_key(name, scopes, created_by="test")


def test_two_keys_have_two_names() -> None:
    a_key()
    with pytest.raises(ValidationError, match="already exists"):
        a_key()


def test_nobody_reads_only_where_reading_is_public() -> None:
    require(nobody(public_read=True), READ)
    with pytest.raises(Unauthenticated, match="needs an API key"):
        require(nobody(public_read=False), READ)
