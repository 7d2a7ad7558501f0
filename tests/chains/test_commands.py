"""add_chain, remove_chain and check_chains as people type them."""

import builtins
import os
import re
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from indexer.chains.models import Chain
from indexer.chains.registry import add_chain, remove_chain
from tests.chains.test_capabilities import Said
from tests.rpc.scripted import ScriptedNode, giving, refusing

SECRET = "k3yk3yk3yk3yk3y"


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, no_color=True)
    return out.getvalue()


@pytest.fixture
def attic(chain: Chain) -> Iterator[Chain]:
    """A chain of the test's own."""
    yield add_chain("attic", 42, None)[0]
    for left in Chain.objects.filter(slug="attic"):
        remove_chain(left)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, chains: list[Chain]) -> Iterator[Said]:
    """The endpoint of hilltop; seaside has none."""
    node, said = ScriptedNode(), Said()
    said.answers["eth_chainId"] = giving(hex(31337))
    node.always = said
    monkeypatch.setenv("RPC_URLS_HILLTOP", f"{node.url}/{SECRET}")
    monkeypatch.delenv("RPC_URLS_SEASIDE", raising=False)
    yield said
    node.stop()


def type_in(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(builtins, "input", lambda question: answer)


def test_adding_a_chain_says_what_to_do_next_and_adding_it_again_that_it_is_there(attic: Chain) -> None:
    assert run("add_chain", "attic", "--chain-id", "42") == "attic is there already: chain id 42, from block 0\n"
    remove_chain(attic)
    assert run("add_chain", "attic", "--chain-id", "42", "--start-block", "1234567").splitlines() == [
        "attic added: chain id 42, from block 1,234,567",
        "next: set RPC_URLS_ATTIC, then manage.py import_watches FILE",
    ]
    assert Chain.objects.get(slug="attic").floor == 1234567


def test_a_chain_that_cannot_be_added_is_one_sentence(attic: Chain) -> None:
    with pytest.raises(CommandError, match=r"^attic is there already, with chain id 42"):
        run("add_chain", "attic", "--chain-id", "43")
    with pytest.raises(CommandError, match="say its chain id with --chain-id N"):
        run("add_chain", "cellar")
    with pytest.raises(CommandError, match=r"^slug: "):
        run("add_chain", "no-slug", "--chain-id", "44")


def test_removing_asks_for_the_name(attic: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "yes")
    with pytest.raises(CommandError, match="not removed"):
        run("remove_chain", "attic")
    assert Chain.objects.filter(slug="attic").exists()
    type_in(monkeypatch, "attic")
    assert run("remove_chain", "attic") == "attic removed\n"
    assert not Chain.objects.filter(slug="attic").exists()


def test_removing_with_yes_does_not_ask(attic: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "input", lambda question: pytest.fail("it asked"))
    assert run("remove_chain", "attic", "--yes") == "attic removed\n"
    assert run("remove_chain", "attic", "--yes") == "there is no chain attic\n"


def test_removing_without_anybody_to_ask_removes_nothing(attic: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(question: str) -> str:
        raise EOFError

    monkeypatch.setattr(builtins, "input", end)
    with pytest.raises(CommandError, match="not removed"):
        run("remove_chain", "attic")
    assert Chain.objects.filter(slug="attic").exists()


def test_a_usable_chain_is_described(said: Said) -> None:
    line = run("check_chains", "--chain", "hilltop")
    assert line.startswith("hilltop local-1: chain id 31337; head 100; ")
    for finding in ("logs by block hash", "logs by range", "block receipts", "block 0"):
        assert finding in line


def test_a_chain_without_an_endpoint_fails_the_check(said: Said) -> None:
    with pytest.raises(CommandError, match=r"no usable endpoint: seaside$"):
        run("check_chains")


@pytest.mark.parametrize(
    ("method", "words"),
    [("eth_chainId", "bad key"), ("logs by range", "not in your plan"), ("eth_getBlockByNumber", "resting")],
)
def test_an_endpoint_that_no_worker_could_use_fails_the_check(said: Said, method: str, words: str) -> None:
    said.answers[method] = refusing(-32000, f"{words} {SECRET}")
    out = StringIO()
    with pytest.raises(CommandError, match="no usable endpoint: hilltop"):
        call_command("check_chains", "--chain", "hilltop", stdout=out, no_color=True)
    assert words in out.getvalue()
    assert SECRET not in out.getvalue()


def test_one_endpoint_of_another_chain_fails_the_check_whatever_the_others_say(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ScriptedNode()
    other.always = giving("0x1")
    try:
        said.answers["eth_chainId"] = giving(hex(31338))
        monkeypatch.setenv("RPC_URLS_SEASIDE", f"{other.url},{os.environ['RPC_URLS_HILLTOP']}")
        out = StringIO()
        with pytest.raises(CommandError, match="no usable endpoint: seaside"):
            call_command("check_chains", "--chain", "seaside", stdout=out, no_color=True)
        assert "seaside local-1: chain id: 1, not 31338" in out.getvalue()
        assert "seaside local-2: chain id 31338" in out.getvalue()
        assert len(other.asked) == 1
    finally:
        other.stop()


def test_one_endpoint_in_trouble_beside_a_usable_one_is_named_and_passes(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = ScriptedNode()
    away.always = refusing(-32000, "away")
    try:
        said.answers["eth_chainId"] = giving(hex(31338))
        monkeypatch.setenv("RPC_URLS_SEASIDE", f"{away.url},{os.environ['RPC_URLS_HILLTOP']}")
        lines = run("check_chains", "--chain", "seaside").splitlines()
        assert re.match("seaside local-1: chain id: .*away", lines[0])
        assert lines[1].startswith("seaside local-2: chain id 31338")
    finally:
        away.stop()


def test_an_unknown_chain_is_told_with_those_there_are(chain: Chain) -> None:
    with pytest.raises(CommandError, match="there is no chain 'attic'; chains: hilltop, seaside"):
        run("check_chains", "--chain", "attic")


def test_the_help_promises_what_is_done(said: Said) -> None:
    from indexer.chains.management.commands.check_chains import Command

    assert "batch" not in Command.help or "batch" in run("check_chains", "--chain", "hilltop")
