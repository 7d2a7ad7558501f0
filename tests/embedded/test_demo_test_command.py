"""`manage.py test` is pytest: its arguments, its exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.embedded.places import project_dir


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(project_dir() / "manage.py"), "test", *arguments]
    # Not this run's own settings for pytest.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_arguments_reach_pytest_and_its_success_comes_back(tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text("def test_one(): pass\ndef test_two(): assert False\n")
    done = run("-q", "-p", "no:cacheprovider", str(tmp_path / "test_sample.py"), "-k", "one", folder=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 deselected" in done.stdout


def test_a_failed_test_comes_back_as_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text("def test_two(): assert False\n")
    done = run("-q", "-p", "no:cacheprovider", str(tmp_path / "test_sample.py"), folder=tmp_path)
    assert done.returncode == 1, done.stdout


def test_paths_are_relative_to_the_project_wherever_it_is_called_from(tmp_path: Path) -> None:
    path = Path(__file__).relative_to(project_dir())
    done = run("--collect-only", "-q", "-p", "no:cacheprovider", str(path), folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{path}::" in done.stdout


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_explains_both_ways(option: str, tmp_path: Path) -> None:
    done = run(option, folder=tmp_path)
    assert done.returncode == 0
    assert "Run the test suite but for its slow part" in done.stdout
