"""`supervisor_config` and `run_workers`: which chains they take, what they write, what they refuse."""

import json
import os
import socket
import stat
import sys
from configparser import RawConfigParser
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from indexer.chains.models import Chain
from indexer.workers.configuration import Layout
from indexer.workers.programs import plan_programs
from indexer.workers.run_folder import choose_log_dir, is_running, write_run_folder
from tests.processes import PROJECT, environment, manage, wait_until
from tests.workers.supervisord import Supervisord


def programs_of(text: str) -> list[str]:
    parser = RawConfigParser()
    parser.read_string(text)
    return [name.partition(":")[2] for name in parser.sections() if name.startswith("program:")]


def configure(*arguments: object) -> str:
    out = StringIO()
    call_command("supervisor_config", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_all_chains_are_taken_unless_some_are_named(chains: list[Chain], monkeypatch: pytest.MonkeyPatch) -> None:
    assert programs_of(configure()) == ["overseer", "worker-hilltop", "worker-seaside", "tasks"]
    assert programs_of(configure("--chains", "seaside", "--web", "--historic", 1)) == [
        "overseer",
        "web",
        "worker-seaside",
        "tasks",
        "historic-seaside-1",
    ]
    for name, value in {"CHAINS": "hilltop", "HISTORIC_HELPERS": "2", "METRICS_PORT": "7001"}.items():
        monkeypatch.setenv(name, value)
    text = configure()
    assert programs_of(text) == ["overseer", "worker-hilltop", "tasks", "historic-hilltop-1", "historic-hilltop-2"]
    assert "run_chain_worker hilltop --metrics-port 7001\n" in text


def test_the_configuration_has_no_secrets(chains: list[Chain], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_URLS_HILLTOP", "https://node.example/canary")
    assert "canary" not in configure("--web")
    assert settings.SECRET_KEY not in configure("--web")


@pytest.mark.parametrize("command", ["supervisor_config", "run_workers"])
def test_what_is_misconfigured_is_one_sentence_and_leaves_with_78(
    chains: list[Chain], run_dir: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: str) -> str:
        with pytest.raises(CommandError) as refused:
            call_command(command, "--run-dir", str(run_dir), *arguments)
        assert refused.value.returncode == 78
        return str(refused.value)

    assert refuse("--chains", "hilltop,nowhere") == "there is no chain 'nowhere'; chains: hilltop, seaside"
    assert refuse("--chains", "").startswith("there is no chain to work for: ")
    assert refuse("--run-dir", "/" + "x" * 100).startswith("/xxx")
    monkeypatch.setenv("METRICS_PORT", "65535")
    assert refuse().endswith("choose a smaller METRICS_PORT")
    assert not list(run_dir.iterdir())


def test_settings_and_folders_that_cannot_be_used_are_one_sentence(chains: list[Chain]) -> None:
    done = manage("run_workers", "--run-dir", "/proc/nowhere")
    assert done.returncode == 78
    assert done.stderr.startswith("CommandError: the run folder cannot be written: ")
    assert done.stderr.endswith("; give another --run-dir\n")


def test_the_run_folder_shows_others_the_targets_and_nothing_else(run_dir: Path) -> None:
    programs = plan_programs(["hilltop"], web=False, historic=0, metrics_port=9101)
    layout = Layout(Path(sys.executable), PROJECT, run_dir / "deep" / "run", None)
    old_mask = os.umask(0o077)
    try:
        for _ in range(2):
            write_run_folder(programs, layout, "0.0.0.0")
    finally:
        os.umask(old_mask)
    targets = layout.run_dir / "prometheus" / "workers.json"
    assert json.loads(targets.read_text()) == [
        {"targets": [f"{socket.gethostname()}:9101"], "labels": {"chain": "hilltop", "program": "worker-hilltop"}}
    ]
    assert stat.S_IMODE(targets.stat().st_mode) == 0o644
    assert stat.S_IMODE(targets.parent.stat().st_mode) == stat.S_IMODE(layout.run_dir.stat().st_mode) == 0o755
    assert stat.S_IMODE(layout.file.stat().st_mode) == 0o600
    assert sorted(path.name for path in layout.run_dir.iterdir()) == ["prometheus", "stacks", "supervisord.conf"]
    assert stat.S_IMODE(layout.stacks.stat().st_mode) == 0o700
    assert [path.name for path in targets.parent.iterdir()] == ["workers.json"]


@pytest.mark.slow
def test_a_second_start_from_the_same_folder_is_refused_and_the_first_goes_on(
    chains: list[Chain], run_dir: Path
) -> None:
    command = ["manage.py", "run_workers", "--chains", "hilltop", "--run-dir", str(run_dir)]
    # Nobody answers there: the worker waits for its node.
    logs = run_dir / "logs"
    given = environment({"hilltop": "http://127.0.0.1:9"}) | {"METRICS_PORT": "0", "LOG_DIR": str(logs)}
    first = Supervisord(command, run_dir, run_dir / "out.log", given)
    try:
        wait_until(lambda: first.states().get("worker-hilltop") == "STARTING", what=lambda: first.said)
        assert stat.S_IMODE((run_dir / "supervisor.sock").stat().st_mode) == 0o700
        second = manage("run_workers", "--chains", "hilltop", "--run-dir", run_dir)
        assert second.returncode == 1
        assert f"workers run already from {run_dir}" in second.stderr
        wait_until(lambda: "no endpoint answers" in (logs / "worker-hilltop.log").read_text())
        assert first.states()["worker-hilltop"] in ("STARTING", "RUNNING")
        assert first.terminate() == 0
        assert "told to stop" in (logs / "worker-hilltop.log").read_text()
        assert stat.S_IMODE((logs / "worker-hilltop.log").stat().st_mode) == 0o640
        assert not is_running(Layout(Path(sys.executable), PROJECT, run_dir, None))
    finally:
        first.kill()


def test_a_journal_that_supervisord_cannot_open_gets_its_logs_as_files(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, (tmp_path / "out").open("w") as file:
        assert choose_log_dir("", tmp_path, file.fileno()) is None
        assert choose_log_dir("", tmp_path, theirs.fileno()) == tmp_path / "logs"
        assert choose_log_dir("/var/log/footprint", tmp_path, file.fileno()) == Path("/var/log/footprint")
