"""What is changed on the server stands in the audit as what is changed over the web does."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from indexer.access.audit import recorded, shell_actor
from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from tests.positions.lookup_rows import add_job, contract, start
from tests.positions.world import A, World, watch


def run(*arguments: object) -> None:
    call_command(*map(str, arguments), stdout=StringIO(), stderr=StringIO())


def entries() -> list[tuple[str, str, str, str]]:
    """Action, chain, target and outcome; all of them by whoever runs these tests."""
    found = AuditEntry.objects.order_by("id")
    assert {entry.actor for entry in found} <= {shell_actor()}
    return [(entry.action, entry.chain, entry.target, entry.outcome) for entry in found]


def test_an_import_of_a_watch_list_is_recorded_and_a_dry_run_is_not(
    chain: Chain, connection: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "list.json"
    file.write_text(json.dumps(watch({A: "Transfer"})))
    run("import_watches", file, "--dry-run")
    assert entries() == []
    run("import_watches", file, "--source", "ours", "--prune")
    [(action, slug, target, outcome)] = entries()
    assert (action, slug, target) == ("import watch list", "hilltop", "source ours, pruned, 1 entries")
    assert outcome.startswith("1 entries, 1 jobs added")


def test_a_rescan_is_recorded_and_one_of_no_job_is_not(chain: Chain, connection: Connection) -> None:
    job = add_job(connection, contract(1), covered=True)
    start(connection)
    with pytest.raises(CommandError):
        run("rescan", "hilltop", "--job", 999_999)
    assert entries() == []
    run("rescan", "hilltop", "--job", job, "--from", 5)
    assert entries() == [("rescan jobs", "hilltop", f"jobs {job} from block 5", "1 going to be read again")]


def test_a_rewind_is_recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_URLS_HILLTOP", world.evm.url)
    world.import_list({A: "Transfer"})
    world.settle()
    head = world.setting("latest_block_processed")
    assert isinstance(head, int)
    run("rewind", "hilltop", "--to", head - 2)
    assert entries() == [("rewind", "hilltop", f"to block {head - 2:,}", "2 blocks undone")]


def test_chains_that_come_and_go_are_recorded(chain: Chain, connection: Connection, tmp_path: Path) -> None:
    file = tmp_path / "hilltop.zip"
    run("add_chain", "attic", "--chain-id", 4242, "--start-block", 1000)
    try:
        run("add_chain", "attic", "--chain-id", 4242)
        run("export_chain", "attic", file)
        run("import_chain", file, "--replace")
    finally:
        run("remove_chain", "attic", "--yes")
    added, imported, removed = entries()
    assert added == ("add chain", "attic", "chain id 4242, from block 1,000", "done")
    assert imported[:2] == ("import chain", "attic")
    assert imported[3] == "done"
    assert removed == ("remove chain", "attic", "chain id 4242, from block 1,000", "done")


def test_what_is_broken_off_is_not_recorded_as_done(chain: Chain) -> None:
    with pytest.raises(KeyboardInterrupt), recorded(shell_actor(), "rewind"):
        raise KeyboardInterrupt
    assert entries() == [("rewind", "", "", "broken off: KeyboardInterrupt")]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_a_user_without_a_name_is_recorded_by_number() -> None:
    """As in a container that is given any number to run under."""
    code = """
import os
import django
django.setup()
from indexer.access.audit import shell_actor
os.setuid(54321)
print(shell_actor())
"""
    nameless = {name: text for name, text in os.environ.items() if name not in ("LOGNAME", "USER", "LNAME", "USERNAME")}
    done = subprocess.run([sys.executable, "-c", code], env=nameless, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "shell:54321"
