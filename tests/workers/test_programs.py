"""The programs of a deployment: chains and wishes in, processes out."""

import pytest

from indexer.workers.programs import Program, ProgramsError, list_targets, plan_programs


def names(programs: list[Program]) -> list[str]:
    return [program.name for program in programs]


def test_each_chain_has_a_worker_and_the_web_server_comes_when_asked_for() -> None:
    assert names(plan_programs(["ethereum", "web"], web=False, historic=0, metrics_port=0)) == [
        "overseer",
        "worker-ethereum",
        "worker-web",
    ]
    assert names(plan_programs(["ethereum", "web"], web=True, historic=0, metrics_port=0)) == [
        "overseer",
        "web",
        "worker-ethereum",
        "worker-web",
    ]


def test_helpers_run_the_historic_loop_alone() -> None:
    programs = plan_programs(["ethereum"], web=False, historic=2, metrics_port=0)
    assert names(programs) == ["overseer", "worker-ethereum", "historic-ethereum-1", "historic-ethereum-2"]
    assert programs[1].arguments == ("manage.py", "run_chain_worker", "ethereum")
    assert programs[3].arguments == ("manage.py", "run_chain_worker", "ethereum", "--only", "historic")


def test_background_workers_have_their_own_names() -> None:
    programs = plan_programs(["a"], web=False, historic=1, metrics_port=9101, background=["prices", "fast-news"])
    assert names(programs) == ["overseer", "worker-a", "prices", "fast-news", "historic-a-1"]
    assert programs[2].arguments == ("manage.py", "run_worker", "prices", "--metrics-port", "9102")
    assert list_targets(programs, "10.0.0.5")[1] == {"targets": ["10.0.0.5:9102"], "labels": {"program": "prices"}}


@pytest.mark.parametrize("name", ["overseer", "web", "worker-a", "historic-a-1"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(ProgramsError, match=f"two programs would be called {name}: "):
        plan_programs(["a"], web=True, historic=1, metrics_port=0, background=["prices", name])


def test_metrics_ports_count_on_and_helpers_move_nobody_else() -> None:
    few = plan_programs(["a", "b"], web=True, historic=0, metrics_port=9101)
    many = plan_programs(["a", "b"], web=False, historic=1, metrics_port=9101)
    assert [program.metrics_port for program in few] == [0, 0, 9101, 9102]
    assert [program.metrics_port for program in many] == [0, 9101, 9102, 9103, 9104]
    assert many[4].arguments[-2:] == ("--metrics-port", "9104")
    assert list_targets(few, "10.0.0.5") == [
        {"targets": ["10.0.0.5:9101"], "labels": {"chain": "a", "program": "worker-a"}},
        {"targets": ["10.0.0.5:9102"], "labels": {"chain": "b", "program": "worker-b"}},
    ]


def test_without_a_port_there_are_no_metrics() -> None:
    programs = plan_programs(["a"], web=True, historic=1, metrics_port=0)
    assert not any("--metrics-port" in program.arguments for program in programs)
    assert list_targets(programs, "10.0.0.5") == []


def test_ports_that_run_out_are_refused() -> None:
    plan_programs(["a", "b"], web=True, historic=0, metrics_port=65534)
    with pytest.raises(ProgramsError, match="choose a smaller METRICS_PORT"):
        plan_programs(["a", "b", "c"], web=True, historic=0, metrics_port=65534)
