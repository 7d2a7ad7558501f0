"""Where `manage.py` cannot run: one sentence with the remedy, exit code 1, no traceback."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.environment import Venv

PROJECT = Path(__file__).resolve().parents[2]
BARE_PYTHON = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
BARE = {"PATH": os.defpath, "FOOTPRINT_NO_VENV": "0"}
# Something is changed about this Python, then manage.py runs as if it had been called.
RUN = "import runpy, sys; sys.argv = ['manage.py', *sys.argv[1:]]; sys.path.insert(0, ''); {change}\n"
RUN += "runpy.run_path('manage.py', run_name='__main__')"


@pytest.fixture
def project() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="footprint-"))
    folder.chmod(0o755)
    (folder / "config").mkdir()
    for name in ("manage.py", "config/__init__.py", "config/environment.py", "requirements-dev.txt"):
        shutil.copy(PROJECT / name, folder / name)
    yield folder
    shutil.rmtree(folder)


def refuse(project: Path, command: str, *, change: str = "pass", **environment: str) -> str:
    """What a start says that must be refused. -S hides installed packages, so that Django is missing."""
    done = subprocess.run(
        [BARE_PYTHON, "-S", "-c", RUN.format(change=change), command],
        cwd=project,
        env={**BARE, **environment},
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_python_that_is_too_old_is_named(project: Path) -> None:
    said = refuse(project, "demo", change="sys.version_info = (3, 10, 1); sys.version = '3.10.1 (main)'")
    assert said.startswith("Footprint needs Python 3.11 or later and this is Python 3.10.1: ")
    assert not (project / ".venv").exists()


def test_manage_py_holds_nothing_an_old_python_cannot_read() -> None:
    source = (PROJECT / "manage.py").read_text()
    assert source.isascii()
    for news in ('f"', "f'", ":=", "->", "from __future__", "match "):
        assert news not in source


def test_a_python_without_ensurepip_names_the_package_to_install(project: Path) -> None:
    said = refuse(project, "test", change="sys.modules['ensurepip'] = None")
    assert "no ensurepip module: `apt install python3-venv`" in said
    assert not (project / ".venv").exists()


def test_a_project_that_cannot_be_written_to_is_named(project: Path) -> None:
    drop = (
        "import config.environment, ensurepip, os, pkgutil, venv; os.setgid(65534); os.setuid(65534)"
        if os.geteuid() == 0
        else "pass"
    )
    project.chmod(0o555)
    said = refuse(project, "demo", change=drop)
    project.chmod(0o755)
    assert f"{project}/.venv cannot be made: [Errno 13] Permission denied" in said
    assert f"Let {project} be a writable folder" in said


@pytest.mark.parametrize("command", ["migrate", "help", "runserver"])
def test_other_commands_make_no_environment_and_say_what_to_do(project: Path, command: str) -> None:
    said = refuse(project, command)
    assert said.startswith("Django is missing here: `python3 manage.py demo` makes")
    assert "requirements.txt" in said
    assert not (project / ".venv").exists()


@pytest.mark.parametrize(("command", "lock"), [("demo", "requirements-dev.txt"), ("migrate", "requirements.txt")])
def test_a_virtual_environment_that_is_given_is_left_as_it_is(project: Path, command: str, lock: str) -> None:
    said = refuse(project, command, VIRTUAL_ENV="/somewhere")
    assert said.startswith("Django is missing in this virtual environment: ")
    assert f"-m pip install --require-hashes -r {lock}`" in said
    assert not (project / ".venv").exists()


@pytest.mark.parametrize(
    ("has_django", "wish", "given"),
    [
        (True, "", "container"),  # an image made for running Footprint
        (False, "", ""),  # a development machine that happens to be a container
        (True, "0", ""),
        (False, "1", "Python (FOOTPRINT_NO_VENV is set)"),
    ],
)
def test_a_container_is_left_as_it_is_when_it_brings_django(
    project: Path, has_django: bool, wish: str, given: str
) -> None:
    mark = project / "mark-of-a-container"
    mark.touch()
    change = (
        f"import config.environment as e, pathlib; e.CONTAINER_MARKS = (pathlib.Path({str(mark)!r}),);"
        f" sys.exit('found: ' + e.name_given_environment({has_django}))"
    )
    assert refuse(project, "demo", change=change, FOOTPRINT_NO_VENV=wish) == f"found: {given}\n"


def test_footprint_no_venv_takes_any_python_as_given(project: Path) -> None:
    assert refuse(project, "demo", FOOTPRINT_NO_VENV="1").startswith("Django is missing in this Python (FOOTPRINT_NO")


@pytest.mark.parametrize(
    ("config", "other"),
    [
        (f"version = {sys.version_info.major}.{sys.version_info.minor}.1\n", False),
        (f"home = /usr\nversion_info = {sys.version_info.major}.{sys.version_info.minor}.1\n", False),  # made by uv
        ("version = 3.1.0\n", True),
        (f"version = {sys.version_info.major}.{sys.version_info.minor}0.1\n", True),
    ],
)
def test_an_environment_of_another_python_is_recognised(tmp_path: Path, config: str, other: bool) -> None:
    venv = Venv(tmp_path)
    (venv.folder / "bin").mkdir(parents=True)
    venv.python.symlink_to(sys.executable)
    (venv.folder / "pyvenv.cfg").write_text(config)
    assert venv.is_of_other_python() is other


def test_an_environment_whose_python_is_gone_is_of_another_python(tmp_path: Path) -> None:
    venv = Venv(tmp_path)
    (venv.folder / "bin").mkdir(parents=True)
    venv.python.symlink_to(tmp_path / "gone")
    (venv.folder / "pyvenv.cfg").write_text(f"version = {sys.version_info.major}.{sys.version_info.minor}.1\n")
    assert venv.is_of_other_python()


@pytest.mark.parametrize("loss", ["bin/python3", "pyvenv.cfg", ".stamp"])
def test_a_stamp_alone_is_not_trusted(tmp_path: Path, loss: str) -> None:
    venv = Venv(tmp_path)
    (venv.folder / "bin").mkdir(parents=True)
    venv.lock.write_text("django==5.2\n")
    venv.python.symlink_to(sys.executable)
    (venv.folder / "pyvenv.cfg").touch()
    venv.stamp.write_text(venv.describe())
    assert venv.is_ready()
    (venv.folder / loss).unlink()
    assert not venv.is_ready()
