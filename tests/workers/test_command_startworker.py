"""`startworker`: what it writes works as it is, and what it refuses it refuses with a remedy."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.workers.scaffold import ScaffoldError, plan_task, plan_worker
from tests.processes import PROJECT, environment

PARTS = ("api", "config", "indexer", "tests")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, to write into."""
    copy = tmp_path_factory.mktemp("project")
    for part in PARTS:
        shutil.copytree(PROJECT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("manage.py", "pyproject.toml"):
        shutil.copy2(PROJECT / file, copy / file)
    return copy


def call(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    given = environment({}) | {"FOOTPRINT_STATE": str(project / "state")}
    return subprocess.run(
        [sys.executable, *arguments], cwd=project, env=given, capture_output=True, text=True, timeout=300, check=False
    )


def succeed(project: Path, *arguments: str) -> str:
    done = call(project, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.xdist_group("startworker")
@pytest.mark.usefixtures("django_db_setup")
def test_what_it_writes_works_as_it_is(project: Path) -> None:
    said = succeed(project, "manage.py", "startworker", "floor-prices", "--task")
    assert said.splitlines() == [
        "written: indexer/tasks/scheduled/floor_prices.py",
        "written: tests/tasks/test_scheduled_floor_prices.py",
        "next: manage.py tasks run floor-prices --wait",
    ]
    succeed(project, "manage.py", "startworker", "follower", "--room", "positions")
    files = [
        "indexer/tasks/scheduled",
        "tests/tasks/test_scheduled_floor_prices.py",
        "indexer/positions/background",
        "tests/positions/test_background_follower.py",
    ]
    succeed(project, "-m", "ruff", "check", *files)
    succeed(project, "-m", "ruff", "format", "--check", *files)
    succeed(project, "-m", "mypy", *files)
    succeed(project, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())")
    assert "4 passed" in succeed(project, "-m", "pytest", "-q", "-n", "0", *(name for name in files if "test_" in name))
    succeed(project, "manage.py", "check")
    found = "import django; django.setup(); from indexer.workers.registry import found; print(found())"
    assert "'follower'" in succeed(project, "-c", found)
    assert "floor-prices" in succeed(
        project, "-c", found.replace("workers.registry import found", "tasks.registry import tasks as found")
    )
    # Taken now, in whichever room.
    done = call(project, "manage.py", "startworker", "follower")
    assert done.returncode == 1
    assert (
        "there is a worker follower already, indexer.positions.background.follower: choose another name" in done.stderr
    )
    done = call(project, "manage.py", "startworker", "floor-prices", "--task", "--room", "market")
    assert done.returncode == 1
    assert "there is a task floor-prices already, indexer/tasks/scheduled/floor_prices.py" in done.stderr


@pytest.mark.parametrize(
    ("name", "room", "words"),
    [
        ("Prices", "workers", "is no name for one: small letters and digits"),
        ("web", "workers", "is the name of another program"),
        ("worker-ethereum", "workers", "is the name of another program"),
        ("import", "workers", "is a word of Python's own: choose another name"),
        ("prices", "cellar", "there is no room 'cellar' in indexer/: there are access, chains,"),
        ("prices", "chains", "indexer/chains lies below indexer/workers, and may not import it: choose another room"),
        ("prices", "../tests", "there is no room '../tests'"),
    ],
)
def test_bad_names_and_rooms_are_refused(name: str, room: str, words: str) -> None:
    with pytest.raises(ScaffoldError) as refused:
        plan_worker(name, room, project=PROJECT)
    assert words in str(refused.value)


@pytest.mark.parametrize("room", ["positions", "workers", "chains"])
def test_a_task_cannot_be_where_nothing_may_know_of_tasks(room: str) -> None:
    with pytest.raises(ScaffoldError, match=f"indexer/{room} may not import indexer/tasks: choose another room"):
        plan_task("prices", room, project=PROJECT)


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "indexer" / "market"
    (folder / "background").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "background" / "prices.py").write_text("mine")
    with pytest.raises(ScaffoldError, match=r"prices\.py is there already: choose another name, or move it away"):
        plan_worker("prices", "market", project=tmp_path)
