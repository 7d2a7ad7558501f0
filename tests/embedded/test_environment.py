"""`manage.py demo` on a bare machine: a real `.venv`, by a real pip, of a lock with one tiny wheel called django."""

import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
BARE_PYTHON = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ensurepip") is None, reason="needs Python's ensurepip"),
    pytest.mark.xdist_group("environment"),
]

# What stands for the commands: it tells how it was run, and does what its second argument says.
COMMAND_LINE = """
import json, os, signal, sys, time
def execute(argv):
    print(json.dumps({"argv": argv, "pid": os.getpid(), "prefix": sys.prefix}), flush=True)
    if argv[2:] == ["fail"]:
        sys.exit(7)
    if argv[2:] == ["wait"]:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
        print("waiting", flush=True)
        time.sleep(30)
"""


def build_wheel(folder: Path, version: str) -> str:
    """Write the wheel and return the line that locks it."""
    wheel = folder / f"django-{version}-py3-none-any.whl"
    info = f"django-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("django/__init__.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: django\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"django=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


class BareMachine:
    """A project of the two files in question, and a Python outside any virtual environment."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.wheels = folder / "wheels"
        self.wheels.mkdir(parents=True)
        (self.project / "config").mkdir(parents=True)
        for name in ("manage.py", "config/__init__.py", "config/environment.py"):
            shutil.copy(PROJECT / name, self.project / name)
        (self.project / "config" / "command_line.py").write_text(COMMAND_LINE)
        self.venv = self.project / ".venv"
        self.first: subprocess.CompletedProcess[str]
        self.lock_version("0.1")
        self.environment = {
            "PATH": os.defpath,
            "HOME": str(folder / "home"),
            "FOOTPRINT_NO_VENV": "0",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
        }

    def lock_version(self, version: str) -> None:
        (self.project / "requirements-dev.txt").write_text(build_wheel(self.wheels, version))

    def begin(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [BARE_PYTHON, "manage.py", *arguments],
            cwd=self.project,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.begin(*arguments, **environment)
        stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> BareMachine:
    """The machine after its first start, by a user who tells pip to go elsewhere and to count other packages in."""
    folder = tmp_path_factory.mktemp("bare")
    machine = BareMachine(folder)
    known = folder / "known" / "django-0.1.dist-info"
    known.mkdir(parents=True)
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: django\nVersion: 0.1\n")
    detours = {"PIP_TARGET": str(folder / "elsewhere"), "PIP_USER": "1", "PYTHONPATH": str(known.parent)}
    machine.first = machine.run("demo", "--check", **detours)
    return machine


def test_the_first_start_makes_the_environment_and_runs_in_it(machine: BareMachine) -> None:
    assert machine.first.returncode == 0, machine.first.stderr
    assert "Making .venv from requirements-dev.txt" in machine.first.stderr
    assert "Made .venv in" in machine.first.stderr
    told = json.loads(machine.first.stdout)
    assert told["argv"] == ["manage.py", "demo", "--check"]
    assert told["prefix"] == str(machine.venv)


def test_pip_writes_nowhere_else(machine: BareMachine) -> None:
    assert list(machine.venv.glob("lib/python3*/site-packages/django/__init__.py"))
    assert not (machine.project.parent / "elsewhere").exists()
    assert not (machine.project.parent / "home").exists()


def test_the_next_start_asks_pip_nothing_and_passes_the_exit_code(machine: BareMachine) -> None:
    done = machine.run("demo", "fail", PIP_FIND_LINKS="")
    assert done.returncode == 7
    assert done.stderr == ""


def test_a_signal_reaches_the_command_itself(machine: BareMachine) -> None:
    process = machine.begin("test", "wait")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["pid"] == process.pid
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 9


def test_any_other_command_uses_the_environment_that_is_there(machine: BareMachine) -> None:
    done = machine.run("migrate")
    assert json.loads(done.stdout)["prefix"] == str(machine.venv)


def test_a_changed_lock_is_brought_up_to_date_in_place(machine: BareMachine) -> None:
    (machine.venv / "mark").touch()
    machine.lock_version("0.2")
    assert machine.run("demo").returncode == 0
    assert list(machine.venv.glob("lib/python3*/site-packages/django-0.2.dist-info"))
    assert not list(machine.venv.glob("lib/python3*/site-packages/django-0.1.dist-info"))
    assert (machine.venv / "mark").exists()


def test_without_network_it_says_so_and_trusts_nothing(machine: BareMachine) -> None:
    machine.lock_version("0.3")
    failed = machine.run("test", PIP_FIND_LINKS="")
    assert failed.returncode == 1
    assert "No matching distribution found for django==0.3" in failed.stderr
    assert "give this machine network" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (machine.venv / ".stamp").exists()


def test_after_a_killed_start_two_at_once_begin_from_scratch_and_install_once(tmp_path: Path) -> None:
    machine = BareMachine(tmp_path)
    killed = machine.begin("demo")
    while not (machine.venv / "pyvenv.cfg").exists():
        time.sleep(0.01)
    (orphan,) = (int(pid) for pid in Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split())
    os.kill(orphan, signal.SIGSTOP)
    killed.kill()
    killed.wait()
    (machine.venv / "mark").touch()
    starts = [machine.begin("demo"), machine.begin("test")]
    try:
        # They wait for each other, and for the step that outlived the killed start.
        for start in starts:
            assert start.stderr is not None
            assert start.stderr.readline() == "Another start is making .venv: waiting for it …\n"
    finally:
        os.kill(orphan, signal.SIGCONT)
    results = [start.communicate(timeout=60) for start in starts]
    assert [start.returncode for start in starts] == [0, 0], results
    assert [json.loads(stdout)["prefix"] for stdout, _ in results] == [str(machine.venv)] * 2
    assert "".join(stderr for _, stderr in results).count("Making .venv") == 1
    assert not (machine.venv / "mark").exists()
    killed.communicate()
