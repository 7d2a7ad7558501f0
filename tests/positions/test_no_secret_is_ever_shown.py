"""Canaries in every secret, real processes at their most talkative: nothing that they leave behind has one in it."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import psycopg
import pytest
from psycopg import sql

from indexer.access.keys import make_key
from indexer.access.scopes import READ
from indexer.chains.models import Chain
from tests.positions.proxy import Proxy
from tests.positions.world import A, B, World, watch
from tests.processes import PATIENCE, PROJECT, database_url, environment, wait_until

pytestmark = pytest.mark.slow

USER = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
PASSWORD = "Canary-Database#1"
SECRET = "Canary-Secret-Key-2-of-fifty-characters-or-even-more"
LOGIN, PATH, QUERY = "CanaryLogin3", "CanaryPath4", "CanaryQuery5"
CANARIES = (PASSWORD, SECRET, LOGIN, PATH, QUERY)


def with_canaries(url: str) -> str:
    return url.replace("http://", f"http://{LOGIN}:{LOGIN}pw@") + f"/v3/{PATH}?token={QUERY}"


class Stage:
    """Processes with canaries in their settings; everything they say is kept below `folder`."""

    def __init__(self, folder: Path, urls: dict[str, str], **settings: str) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        path, _, host = database_url().partition("host=")
        assert host
        self.environ = (
            environment(urls)
            | {
                "DATABASE_URL": f"{path}password='{PASSWORD}' host={host}",
                "SECRET_KEY": SECRET,
                "LOG_LEVEL": "debug",
                "LOG_DIR": str(self.logs),
            }
            | settings
        )
        self.count = 0
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        self.count += 1
        with (self.folder / f"said-{self.count}").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, *command], cwd=PROJECT, env=self.environ, stdout=said, stderr=subprocess.STDOUT
            )
        self.started.append(process)
        return process

    def kill(self) -> None:
        """None outlives the test."""
        for process in self.started:
            process.kill()
            process.wait()

    def run(self, *command: str) -> int:
        return self.start("manage.py", *command).wait(PATIENCE)

    def keep(self, text: str) -> None:
        self.count += 1
        (self.folder / f"said-{self.count}").write_text(text)

    def keep_command_lines(self) -> None:
        """What `ps` shows anybody on this machine."""
        self.keep("\n".join(read_quietly(path) for path in Path("/proc").glob("[0-9]*/cmdline")))

    def said(self) -> dict[str, str]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_text(errors="replace") for path in files}


def read_quietly(path: Path) -> str:
    try:
        return path.read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


@contextmanager
def web(stage: Stage) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = f"127.0.0.1:{port}"
    server = stage.start("-m", "gunicorn", "config.wsgi", "--bind", where, "--no-control-socket")

    def listens() -> bool:
        try:
            with urlopen(f"http://{where}/", timeout=PATIENCE):
                return True
        except URLError:
            return False

    try:
        wait_until(listens)
        yield f"http://{where}"
    finally:
        server.terminate()
        server.wait(PATIENCE)


def ask(stage: Stage, url: str, key: str, *, host: str = "localhost") -> int:
    """The status; headers and body are kept."""
    request = Request(url, headers={"Authorization": f"Bearer {key}", "Host": host, "X-Api-Key": key})
    try:
        with urlopen(request, timeout=PATIENCE) as response:
            status, headers, body = response.status, response.headers, response.read()
    except HTTPError as error:
        status, headers, body = error.code, error.headers, error.read()
    stage.keep(f"{status}\n{headers}\n{body.decode()}")
    return int(status)


def dump(connection: psycopg.Connection[tuple[str, ...]]) -> str:
    """Every row of every table of the database as text."""
    tables = connection.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    ).fetchall()
    assert len(tables) > 30
    rows = []
    for schema, table in tables:
        name = sql.Identifier(schema, table)
        rows += connection.execute(sql.SQL("SELECT {}::text FROM {} AS {}").format(
            sql.Identifier("row"), name, sql.Identifier("row")
        )).fetchall()  # fmt: skip
    return "\n".join(text for (text,) in rows)


@pytest.fixture
def key(chains: list[Chain]) -> str:
    return make_key("canary", [READ], created_by="test").text


def test_the_canaries_would_be_found(world: World, tmp_path: Path) -> None:
    """The search below finds what is there: a process that prints its environment."""
    stage = Stage(tmp_path, {"hilltop": with_canaries("http://127.0.0.1:1")})
    assert stage.start("-c", "import os; print(os.environ)").wait(PATIENCE) == 0
    said = "".join(stage.said().values())
    assert not [canary for canary in CANARIES if canary not in said]


def test_no_canary_is_in_what_processes_leave_behind(world: World, key: str, tmp_path: Path) -> None:
    proxy = Proxy(world.evm.url)
    nowhere = with_canaries("http://127.0.0.1:1")
    stage = Stage(tmp_path, {"hilltop": with_canaries(proxy.url), "seaside": nowhere})
    lists = {"good.json": json.dumps(watch({A: "Transfer", B: "Transfer"})), "bad.json": "{", "odd.json": nowhere}
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
    try:
        assert stage.run("import_watches", str(tmp_path / "good.json")) == 0
        assert stage.run("import_watches", str(tmp_path / "bad.json")) == 1
        assert stage.run("plan", "hilltop") == 0
        assert stage.run("run_chain_worker", "hilltop", "--until-synced") == 0
        assert stage.run("check_chains") == 1
        assert stage.run("lookup", USER) == 0
        stuck = stage.start("manage.py", "run_chain_worker", "seaside", "--metrics-port", "0")
        wait_until(lambda: "no endpoint answers" in "".join(stage.said().values()))
        served = re.search(r"metrics are served on (http://\S+)", "".join(stage.said().values()))
        assert served is not None
        assert ask(stage, served[1], key) == 200
        # The pages of errors that developers see hold settings and variables.
        stage.environ |= {"LOG_FORMAT": "json", "DEBUG": "1"}
        with web(stage) as where:
            for path, status in {
                f"/api/v1/addresses/{USER}": 200,
                f"/api/v1/addresses/{USER}?chain=hilltop": 200,
                f"/api/v1/addresses/{USER}?no={USER}": 400,
                f"/api/v1/nothing/{USER}": 404,
                "/health": 200,
                "/health/ready": 200,
                "/metrics": 200,
            }.items():
                assert ask(stage, where + path, key) == status, path
            assert ask(stage, where + "/", key, host="elsewhere") == 400
            world.connection.execute("ALTER TABLE settings RENAME TO hidden")
            try:
                assert ask(stage, f"{where}/api/v1/addresses/{USER}", key) == 500
            finally:
                world.connection.execute("ALTER TABLE hidden RENAME TO settings")
            stage.keep_command_lines()
        stuck.send_signal(signal.SIGTERM)
        assert stuck.wait(PATIENCE) == 0
        stage.keep(dump(world.connection))
    finally:
        proxy.stop()
        stage.kill()
        for name in lists:
            (tmp_path / name).unlink()

    said = stage.said()
    everything = "\n".join(said.values())
    for canary in (*CANARIES, key, key.split("_", 2)[2], proxy.url):
        found = [name for name, text in said.items() if canary in text]
        assert not found, f"{canary} is in {found}"
    assert "Canary" not in everything
    # What must be there is there: the search has searched the right places.
    logs = said["logs/combined.log"]
    assert "eth_getLogs" in logs
    assert "INSERT INTO logs" in logs
    assert "Traceback" in said["logs/exceptions.log"]
    assert "UndefinedTable" in said["logs/error.log"]
    # Whom users look up stands in no log; contracts do.
    assert USER[2:].lower() not in logs.lower()
    assert "/addresses/0x…" in logs
    assert A.hex() in logs


def test_looked_up_addresses_stay_whole_where_that_is_asked_for(world: World, key: str, tmp_path: Path) -> None:
    stage = Stage(tmp_path, {}, LOG_ADDRESSES="1", LOG_LEVEL="info")
    with web(stage) as where:
        assert ask(stage, f"{where}/api/v1/nothing/{USER}", key) == 404
    assert USER in stage.said()["logs/combined.log"]
    assert (stage.logs / "combined.log").stat().st_mode & 0o777 == 0o640
