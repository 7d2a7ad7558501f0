"""`python -m config.healthcheck`, which container engines run."""

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.processes import PROJECT, environment


class Alive(BaseHTTPRequestHandler):
    """Answers as our web server does: to its own name, on the one path."""

    def do_GET(self) -> None:
        known = self.headers["Host"] == "footprint.example" and self.path == "/health/live"
        self.send_response(200 if known else 400)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Alive)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def check(**settings: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "config.healthcheck"],
        cwd=PROJECT,
        env=environment({}) | settings,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_it_asks_by_a_name_that_the_server_answers_to(django_db_setup: None, port: int, host: str) -> None:
    bound = {"WEB_BIND": f"{host}:{port}"}
    assert check(**bound, ALLOWED_HOSTS="footprint.example,other.example") == (0, "/health/live: 200\n")
    assert check(**bound, ALLOWED_HOSTS=".footprint.example")[0] == 0
    code, said = check(**bound, ALLOWED_HOSTS="other.example")
    assert (code, said) == (1, "/health/live: HTTP Error 400: Bad Request\n")


def test_a_server_that_is_not_there_is_not_alive(django_db_setup: None) -> None:
    code, said = check(WEB_BIND="127.0.0.1:9")
    assert code == 1
    assert said == "/health/live: <urlopen error [Errno 111] Connection refused>\n"
    assert check(WEB_BIND="nonsense")[0] == 1
