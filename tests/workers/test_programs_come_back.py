"""What ends is started again, but for exit codes 0 and 78, and never in a tight loop: shown with a real supervisord."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from indexer.workers.configuration import Layout, write_configuration
from indexer.workers.programs import Program
from tests.processes import PROJECT, wait_until
from tests.workers.supervisord import Supervisord

START_SECONDS = 2
BEGIN = f"""
import sys, time
sys.path.insert(0, {str(PROJECT)!r})
from indexer.workers.child import supervised
with open(sys.argv[1], "a") as file:
    file.write(str(time.time()) + "\\n")
with supervised():
    print("hello")
"""
PROGRAMS = {
    "synced": "    sys.exit(0)",
    "returns": "    pass",
    "misconfigured": "    sys.exit(78)",
    "broken": "    sys.exit(1)",
    "dies-late": f"    time.sleep({START_SECONDS + 0.5}); sys.exit(1)",
    "lives": "    time.sleep(60)",
}


class Scene:
    def __init__(self, run_dir: Path, supervisord: Supervisord) -> None:
        self.run_dir = run_dir
        self.supervisord = supervisord

    def starts(self, name: str) -> list[float]:
        file = self.run_dir / f"{name}.starts"
        return [float(line) for line in file.read_text().splitlines()] if file.exists() else []

    def said(self) -> str:
        return self.supervisord.said

    def pauses(self, name: str) -> list[float]:
        starts = self.starts(name)
        return [later - earlier for earlier, later in pairwise(starts)]


@contextmanager
def run_scene(run_dir: Path, start_seconds: int) -> Iterator[Scene]:
    layout = Layout(Path(sys.executable), PROJECT, run_dir, log_dir=None, start_seconds=start_seconds)
    programs = []
    for name, end in PROGRAMS.items():
        file = run_dir / f"{name}.py"
        file.write_text(BEGIN + end)
        programs.append(Program(name, (str(file), str(run_dir / f"{name}.starts")), stop_seconds=5))
    layout.file.write_text(write_configuration(programs, layout))
    command = ["-m", "supervisor.supervisord", "-c", str(layout.file)]
    supervisord = Supervisord(command, run_dir, run_dir / "out.log", dict(os.environ))
    try:
        yield Scene(run_dir, supervisord)
    finally:
        supervisord.kill()


@pytest.mark.slow
def test_final_exits_stay_down_and_others_come_back_with_pauses(run_dir: Path) -> None:
    final = ["synced", "returns", "misconfigured"]
    with run_scene(run_dir, START_SECONDS) as scene:
        wait_until(lambda: len(scene.starts("broken")) >= 4 and len(scene.starts("dies-late")) >= 3, what=scene.said)
        states = scene.supervisord.states()
        # Each left early, and is down for good after one start.
        starts = {name: (states[name], len(scene.starts(name))) for name in final}
        assert starts == dict.fromkeys(final, ("EXITED", 1))
        assert states["lives"] == "RUNNING"
        # The pauses grow by a second each; starting Python takes now more, now less.
        assert all(pause > number - 0.5 for number, pause in enumerate(scene.pauses("broken"), 1))
        # What died late is back at once, and yet no more often than START_SECONDS allow.
        assert all(START_SECONDS < pause < START_SECONDS + 4 for pause in scene.pauses("dies-late"))
        assert "lives | hello\n" in scene.said()


@pytest.mark.slow
def test_a_stop_does_not_wait_for_those_that_stay_until_their_start_counts(run_dir: Path) -> None:
    with run_scene(run_dir, start_seconds=60) as scene:
        wait_until(lambda: all(scene.starts(name) for name in ("misconfigured", "synced")), what=scene.said)
        began = time.monotonic()
        assert scene.supervisord.terminate() == 0
        assert time.monotonic() - began < 20
        assert "SIGKILL" not in scene.said()


@pytest.mark.slow
def test_nobody_outlives_a_supervisord_that_is_killed(run_dir: Path) -> None:
    with run_scene(run_dir, START_SECONDS) as scene:
        wait_until(lambda: scene.starts("lives") != [] and "lives | hello\n" in scene.said(), what=scene.said)
        lives = scene.supervisord.pid_of("workers:lives")
        scene.supervisord.process.kill()
        scene.supervisord.process.wait()
        wait_until(lambda: not Path(f"/proc/{lives}").exists(), within=5)
