"""supervisord's own parser reads what we write as we mean it."""

import shlex
import signal
from pathlib import Path
from typing import Any

import pytest
from supervisor.options import ServerOptions  # type: ignore[import-untyped]  # it has no type information

from indexer.workers.child import NAMED, STACKS, STAY
from indexer.workers.configuration import Layout, write_configuration
from indexer.workers.programs import ProgramsError, plan_programs

PROGRAMS = plan_programs(["ethereum", "base"], web=True, historic=1, metrics_port=9101, background=["prices"])


def lay_out(run_dir: Path, name: str = "project", log_dir: Path | None = None, *, named: bool = True) -> Layout:
    project = run_dir / name
    project.mkdir()
    return Layout(project / "python", project, run_dir, log_dir, named)


def read(layout: Layout) -> ServerOptions:
    """What supervisord makes of the configuration."""
    file = layout.project / "supervisord.conf"
    file.write_text(write_configuration(PROGRAMS, layout))
    options = ServerOptions()
    options.realize(["-c", str(file)])
    return options


def programs_of(options: ServerOptions) -> dict[str, Any]:
    return {program.name: program for group in options.process_group_configs for program in group.process_configs}


def test_every_program_is_there_in_its_group(run_dir: Path) -> None:
    options = read(lay_out(run_dir))
    groups = {
        group.name: [program.name for program in group.process_configs] for group in options.process_group_configs
    }
    assert groups == {
        "overseer": ["overseer"],
        "web": ["web"],
        "workers": ["worker-ethereum", "worker-base", "prices", "historic-ethereum-1", "historic-base-1"],
    }
    # supervisord stops the group with the highest priority first, all of its programs at the same time.
    priorities = {group.name: group.priority for group in options.process_group_configs}
    assert priorities["workers"] > priorities["overseer"] > priorities["web"]
    assert options.nodaemon


def test_a_programs_policy_is_the_documented_one(run_dir: Path) -> None:
    stops = {"overseer": 10, "web": 30}
    for program in programs_of(read(lay_out(run_dir))).values():
        assert program.exitcodes == [0, 78]
        assert program.autorestart.__name__ == "RestartWhenExitUnexpected"
        assert program.startsecs == 30
        assert program.startretries >= 1_000_000
        assert (signal.Signals(program.stopsignal).name, program.stopasgroup, program.killasgroup) == (
            "SIGTERM",
            False,
            True,
        )
        assert program.stopwaitsecs == stops.get(program.name, 40)
        assert program.environment == {STAY: "30", NAMED: "1", STACKS: f"{run_dir}/stacks"}
        assert (program.stdout_logfile, program.stdout_logfile_maxbytes) == ("/dev/fd/1", 0)
        assert program.redirect_stderr


def test_lines_go_to_a_file_of_each_program_where_there_is_a_folder_for_logs(run_dir: Path) -> None:
    logs = run_dir / "logs"
    logs.mkdir()
    options = read(lay_out(run_dir, log_dir=logs))
    programs = programs_of(options)
    assert programs["worker-base"].stdout_logfile == str(logs / "worker-base.log")
    assert programs["worker-base"].stdout_logfile_maxbytes > 0
    assert NAMED not in programs["worker-base"].environment
    assert options.logfile == str(logs / "supervisord.log")


def test_objects_a_line_get_no_name_before_them(run_dir: Path) -> None:
    programs = programs_of(read(lay_out(run_dir, named=False)))
    assert NAMED not in programs["web"].environment


@pytest.mark.parametrize("name", ["pro ject", "100%", "%(ENV_HOME)s", "it's", 'so-"called"', "a;b#c"])
def test_a_folder_of_any_name_stays_itself(run_dir: Path, name: str) -> None:
    layout = lay_out(run_dir, name)
    program = programs_of(read(layout))["web"]
    assert program.directory == str(layout.project)
    layout.python.touch(0o755)
    assert shlex.split(program.command)[0] == str(layout.python)


@pytest.mark.parametrize("name", ["run folder", "100%", "%(ENV_HOME)s", "it's", "a,b", "a;b#c"])
def test_a_run_folder_of_any_name_stays_itself(run_dir: Path, name: str) -> None:
    layout = lay_out(run_dir)._replace(run_dir=run_dir / name)
    layout.run_dir.mkdir()
    options = read(layout)
    assert programs_of(options)["prices"].environment[STACKS] == str(run_dir / name / "stacks")
    assert options.logfile == str(run_dir / name / "supervisord.log")


def test_paths_that_cannot_be_written_down_are_refused(run_dir: Path) -> None:
    with pytest.raises(ProgramsError, match="cannot be given the path"):
        write_configuration(PROGRAMS, lay_out(run_dir, "pro ;ject"))
    with pytest.raises(ProgramsError, match='use a --run-dir without "'):
        write_configuration(PROGRAMS, lay_out(run_dir, "other")._replace(run_dir=run_dir / 'so-"called"'))
    long = lay_out(run_dir, "fine")._replace(run_dir=Path("/" + "x" * 90))
    with pytest.raises(ProgramsError, match="give a --run-dir of 74 bytes at most"):
        write_configuration(PROGRAMS, long)
