"""config/gunicorn.py: what it takes from the environment, what it refuses, and that a real gunicorn serves with it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from indexer.chains.models import Chain
from tests.processes import PATIENCE, PROJECT, environment, wait_until

GUNICORN = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]


def show(tmp_path: Path, **settings: str) -> dict[str, str]:
    """gunicorn's own table of the settings that it would run with."""
    given = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")} | settings
    done = subprocess.run(
        [*GUNICORN[:-1], "--print-config", GUNICORN[-1]],
        cwd=PROJECT,
        env=environment({}) | given,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = (line.partition("=") for line in done.stdout.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in lines}


def test_settings_come_from_the_environment(django_db_setup: None, tmp_path: Path) -> None:
    shown = show(tmp_path, WEB_BIND="0.0.0.0:8123", WEB_PROCESSES="3", WEB_THREADS="4", TRUST_PROXY="1")
    assert shown["bind"] == "['0.0.0.0:8123']"
    assert (shown["workers"], shown["threads"], shown["worker_class"]) == ("3", "4", "gthread")
    assert shown["forwarded_allow_ips"] == "['*']"
    assert (shown["accesslog"], shown["control_socket_disable"]) == ("None", "True")
    assert int(shown["max_requests_jitter"]) > 0
    assert shown["worker_tmp_dir"] == ("/dev/shm" if Path("/dev/shm").is_dir() else "None")


def test_nobody_is_believed_to_be_a_proxy_and_the_cores_are_used_by_default(
    django_db_setup: None, tmp_path: Path
) -> None:
    shown = show(tmp_path, TRUST_PROXY="0", WEB_PROCESSES="0")
    assert shown["forwarded_allow_ips"] == "[]"
    assert 1 <= int(shown["workers"]) <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"WEB_THREADS": "0"}, "WEB_THREADS=0 is not a whole number of 1 or more"),
        # One that only Django's settings read.
        ({"PUBLIC_READ": "perhaps"}, "PUBLIC_READ=perhaps is neither 1 nor 0"),
        (
            {"PROMETHEUS_MULTIPROC_DIR": "/proc/nowhere"},
            "PROMETHEUS_MULTIPROC_DIR /proc/nowhere cannot be made: No such file or directory",
        ),
    ],
)
def test_what_is_misconfigured_is_one_sentence_and_leaves_with_78(
    django_db_setup: None, settings: dict[str, str], sentence: str
) -> None:
    done = subprocess.run(
        GUNICORN,
        cwd=PROJECT,
        env=environment({}) | settings,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (78, sentence + "\n")


class Server:
    def __init__(self, process: subprocess.Popen[bytes], port: int, metrics: Path, log: Path) -> None:
        self.process = process
        self.port = port
        self.metrics = metrics
        self.log = log

    def answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as response:
                return bool(response.status == 200)
        except URLError:
            return False

    def pids(self) -> set[int]:
        """The processes that serve."""
        main = self.process.pid
        return {int(pid) for pid in Path(f"/proc/{main}/task/{main}/children").read_text().split()}


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    metrics = folder / "metrics"
    settings = {
        "WEB_BIND": f"127.0.0.1:{port}",
        "WEB_PROCESSES": "2",
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    log = folder / "web.log"
    with log.open("ab") as lines:
        process = subprocess.Popen(
            GUNICORN, cwd=PROJECT, env=environment({}) | settings, stdout=lines, stderr=lines, start_new_session=True
        )
    server = Server(process, port, metrics, log)
    try:
        wait_until(server.answers, what=log.read_text)
        wait_until(lambda: len(server.pids()) == 2)
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.mark.slow
def test_a_real_server_starts_clean_replaces_its_dead_and_leaves_in_order(chains: list[Chain], tmp_path: Path) -> None:
    stale = tmp_path / "metrics" / "counter_1.db"
    stale.parent.mkdir()
    stale.write_bytes(b"of a server that is no more")
    with serve(tmp_path) as server:
        assert not stale.exists()
        assert list(server.metrics.glob("counter_*.db"))
        victim = min(server.pids())
        live = server.metrics / f"gauge_liveall_{victim}.db"
        live.write_bytes(b"")
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(server.pids() - {victim}) == 2, what=server.log.read_text)
        wait_until(lambda: not live.exists(), what=server.log.read_text)
        assert server.answers()
        # A client that keeps its connection does not hold the server up.
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
            began = time.monotonic()
            server.process.terminate()
            assert server.process.wait(PATIENCE) == 0
            assert time.monotonic() - began < 10
    # No line for a request: it would hold the address that was looked up.
    assert "GET /" not in server.log.read_text()


def test_a_reload_replaces_the_processes_while_the_server_goes_on(chains: list[Chain], tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        for _ in range(2):
            before = server.pids()
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: not before & server.pids() and len(server.pids()) == 2, what=server.log.read_text)  # noqa: B023
            assert server.answers()


def test_a_second_server_on_the_same_address_takes_nothing_from_the_first(chains: list[Chain], tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        counts = set(server.metrics.glob("counter_*.db"))
        assert counts
        settings = {"WEB_BIND": f"127.0.0.1:{server.port}", "PROMETHEUS_MULTIPROC_DIR": str(server.metrics)}
        second = subprocess.Popen(
            GUNICORN, cwd=PROJECT, env=environment({}) | settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = second.communicate(timeout=PATIENCE)
        assert second.returncode == 1
        assert b"Address already in use" in said
        assert counts <= set(server.metrics.glob("counter_*.db"))
        assert server.answers()
