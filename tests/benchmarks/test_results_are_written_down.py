"""What benchmarks/run.py writes: the table of targets, plots, and the computed parts of docs/scale.md."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.figures import Figure
from benchmarks.plots import Line, draw, scale
from benchmarks.results import TARGETS, Measured, plots_of, write
from benchmarks.run import BENCHMARKS
from benchmarks.scale import PAGE, Load, Machine, fill, year_of
from tests.processes import PROJECT, database_url


def measured(*figures: Figure, failed: str = "") -> Measured:
    return Measured(
        figures=list(figures),
        module="m",
        when="2026-01-01",
        machine="m",
        versions="v",
        arguments=[],
        seconds=1,
        failed=failed,
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.9, "goal reached"),
        (1.0, "goal reached"),
        (2.9, "floor met"),
        (3.1, "**missed**"),
    ],
)
def test_a_target_is_judged_by_its_own_bounds(seconds: float, said: str) -> None:
    figure = Figure(name="start to first block", unit="s", values=[seconds], note="bound by | imports")
    line = next(line for line in write({"startup": measured(figure)}, []).splitlines() if "until its first" in line)
    assert (
        line == f"| start of a worker until its first block | 3 | 1 s | {seconds:.4g} | {said} | bound by \\| imports |"
    )


def test_of_several_figures_the_worst_counts() -> None:
    figures = [Figure(name=f"footprint, claimed, {n} against Subsquid", unit="x", values=[n]) for n in (9.0, 4.5)]
    line = next(line for line in write({"backfill": measured(*figures)}, []).splitlines() if "Subsquid" in line)
    assert "| 4.5 | floor met |" in line


def test_what_was_not_measured_or_failed_is_said() -> None:
    text = write({"head": measured(failed="exit code 1")}, [])
    assert text.count("not measured") == len(TARGETS)
    assert "**Failed**: exit code 1" in text


def test_figures_with_a_place_become_a_plot() -> None:
    figures = [Figure(name=f"block {x}", unit="ms", values=[x / 7], series="block", x=x) for x in (10, 1000, 100_000)]
    plots = plots_of({"jobs": measured(*figures)})
    assert list(plots) == ["jobs.svg"]
    points = ElementTree.fromstring(plots["jobs.svg"]).findall("{http://www.w3.org/2000/svg}circle")
    places = [float(point.attrib["cx"]) for point in points]
    # By orders of magnitude, as far from each other.
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=0.2)


def test_an_axis_holds_its_values_and_zero() -> None:
    assert scale([0, 37], log=False).high == 40
    assert scale([0.5, 20], log=True).ticks == [0.1, 1, 10, 100]
    assert scale([0, 5], log=True).place(0) == 0
    assert "a &lt; b" in draw("a < b", "x", "y", [Line("one", [(0, 0), (1, 0)])])


def test_a_year_is_computed_from_what_was_measured() -> None:
    machine = Machine(100_000, 200_000, 100.0, 150.0, 400.0)
    year = year_of(Load("made up", 1_000, 100), machine)
    assert year.logs == 36_500_000
    # 3,650 answers of 10,000 logs; 365,000 blocks would take 183.
    assert year.requests == 7_300
    assert year.hours == pytest.approx(0.10139, rel=1e-4)
    assert year.hours_two == pytest.approx(0.05069, rel=1e-3)
    assert year.gigabytes == pytest.approx(36_500_000 * 0.05 * 100 / 1e9)
    assert year_of(Load("sparse", 1_000, 0.01), machine).requests == 365


def test_the_page_is_filled_between_its_marks_alone() -> None:
    page = PAGE.read_text()
    bare = fill(page, {})
    assert "not measured yet" in bare
    figure = Figure(name="memory, footprint, claimed, 1 process", unit="MB", values=[123.0])
    filled = fill(bare, {"backfill": measured(figure)})
    assert "123.0 MB" in filled
    assert fill(filled, {}) == bare


@pytest.mark.slow
def test_all_benchmarks_run_in_small(django_db_setup: None, shared_data: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "--quick", "--into", str(tmp_path)],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": database_url(), "FOOTPRINT_SHARED": str(shared_data)},
        text=True,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    text = (tmp_path / "RESULTS.md").read_text()
    assert all(f"## {name}" in text for name in BENCHMARKS)
    assert (tmp_path / "plots" / "jobs.svg").exists()
