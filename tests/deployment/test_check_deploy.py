"""`manage.py check --deploy` finds nothing wrong with the recommended settings, and names what is wrong with others."""

import subprocess
import sys

import pytest

from indexer.workers.checks import is_private
from tests.processes import PROJECT, environment

RECOMMENDED = {
    "SECRET_KEY": "b7Qx!2mVz9@Lr4Tn6Wk8Yc0Hf3Js5Pd1Gg-Aa_Ee=Uu+Oo.Ii~Zz",
    "HTTPS": "1",
    "TRUST_PROXY": "1",
    "ALLOWED_HOSTS": "footprint.example",
    "DEBUG": "0",
}


def check(**settings: str) -> tuple[int, str]:
    """Exit code of `check --deploy --fail-level WARNING`, and what it found."""
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=PROJECT,
        env=environment({}) | RECOMMENDED | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_the_recommended_settings_are_clean(django_db_setup: None) -> None:
    code, said = check()
    assert code == 0, said
    assert "no issues" in said


@pytest.mark.slow
def test_what_is_wrong_is_named_with_its_remedy(django_db_setup: None) -> None:
    code, said = check(TRUST_PROXY="0", DEBUG="1", WEB_BIND="0.0.0.0:8000", ALLOWED_HOSTS="*", DATABASE_URL="")
    assert code == 1
    for id, remedy in (
        ("workers.W001", "Set TRUST_PROXY=1"),
        ("workers.W002", "Set DEBUG=0"),
        ("workers.W003", "Set ALLOWED_HOSTS"),
        ("workers.W004", "Set DATABASE_URL"),
    ):
        assert f"({id})" in said
        assert remedy in said


def test_an_address_of_this_machine_alone_is_told_from_others() -> None:
    assert all(map(is_private, ("127.0.0.1:8000", "[::1]:8000", "localhost:8000", "unix:/run/footprint/web")))
    assert not any(map(is_private, ("0.0.0.0:8000", "[::]:8000", ":8000", "10.0.0.5:8000", "web:8000")))
