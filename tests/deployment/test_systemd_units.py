"""The units of config/systemd are correct, and their commands exist."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.options import EX_CONFIG, TABLE
from tests.deployment.commands import check_command
from tests.processes import PROJECT

UNITS = sorted((PROJECT / "config" / "systemd").glob("*.service"))
PLACE = "/opt/footprint"


def settings(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


def test_there_is_a_unit_for_each_part() -> None:
    assert [unit.stem for unit in UNITS] == ["footprint-migrate", "footprint-web", "footprint-workers"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_units_command_and_variables_are_ours(unit: Path) -> None:
    (start,) = settings(unit, "ExecStart")
    check_command(shlex.split(start))
    assert settings(unit, "RestartPreventExitStatus") == [str(EX_CONFIG)]
    names = {line.partition("=")[0] for line in settings(unit, "Environment")}
    assert "FOOTPRINT_STATE" in names
    assert names <= TABLE.keys()


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    for unit in UNITS:
        # The project lies elsewhere here, and systemd looks whether what it runs is there.
        text = unit.read_text().replace(f"{PLACE}/.venv/bin/python", sys.executable).replace(PLACE, str(PROJECT))
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
