"""`manage.py setup` makes a database ready, as often as it is asked to."""

import subprocess
import sys
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from indexer.chains.models import Chain
from indexer.chains.registry import remove_chain
from indexer.workers.management.commands.setup import SETTING_UP
from tests.processes import PROJECT, environment, wait_until


@pytest.fixture
def clean(chains: list[Chain]) -> Iterator[None]:
    yield
    for chain in Chain.objects.exclude(slug__in=[chain.slug for chain in chains]):
        remove_chain(chain)


def start(**settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "setup"],
        cwd=PROJECT,
        env=environment({}) | settings,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def set_up(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("setup", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_the_chains_with_an_rpc_url_are_added_once(clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_URLS_BASE", "https://node.example/canary")
    monkeypatch.setenv("RPC_URLS_HILLTOP", "https://node.example")
    ready = "the tables are up to date"
    assert set_up() == [ready, "base added: chain id 8453, from block 0", "hilltop is there already"]
    assert set_up() == [ready, "base is there already", "hilltop is there already"]
    assert Chain.objects.filter(slug="base").exists()


def test_named_chains_go_before_and_what_cannot_be_added_is_said(clean: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINS", "nowhere,base")
    monkeypatch.setenv("RPC_URLS_OPTIMISM", "https://node.example")
    with pytest.raises(CommandError, match=r"nowhere has no profile .*: say its chain id") as refused:
        set_up()
    assert refused.value.returncode == 78
    assert Chain.objects.filter(slug="base").exists()
    assert not Chain.objects.filter(slug="optimism").exists()
    assert set_up("--chains", "hilltop") == ["the tables are up to date", "hilltop is there already"]


def count_waiting() -> int:
    """How many ask for the lock of setup."""
    asked = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'footprint setup'"
        " AND query LIKE 'SELECT pg_try_advisory_lock%%'"
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        row = cursor.fetchone()
    return int(row[0]) if row else 0


@pytest.mark.slow
def test_two_at_once_do_it_one_after_the_other(clean: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [SETTING_UP])
        try:
            waiting = [start(CHAINS="base"), start(CHAINS="base")]
            wait_until(lambda: count_waiting() == 2)
            assert [process.poll() for process in waiting] == [None, None]
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [SETTING_UP])
    said = [process.communicate(timeout=60)[0] for process in waiting]
    assert [process.returncode for process in waiting] == [0, 0]
    assert sorted("base added" in text for text in said) == [False, True]
