"""Where log lines go, what they look like, and what happens when they cannot go there."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection as ours

from config.options import EX_CONFIG
from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.chains.statements import log as statements_log
from indexer.chains.statements import tell_statements
from tests.processes import PROJECT

KEY = "KeyOfAlchemy1"
ENVIRON = {"RPC_URLS_ETHEREUM": f"https://eth.alchemy.example/v2/{KEY}"}
ADDRESS = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"


START = """
import logging, logging.config, os
from config import logs
from config.masks import Mask
from config.options import Options
logs.FILE_BYTES, logs.FILE_COUNT = 20_000, 100
logging.config.dictConfig(logs.build_logging(Options(), Mask(), is_web=os.environ["LOG_FORMAT"] == "json"))
logger = logging.getLogger("indexer.test")
"""
SPEAK = f"""
logger.info('a "word"', extra={{"request": object()}})
logger.error("an error")
try:
    raise ValueError("nothing at /v2/{KEY}")
except ValueError:
    logger.exception("asking for {ADDRESS} failed")
"""
SPEAK_MUCH = """
for number in range(300):
    logger.info("line %d of %d", number, os.getpid())
"""


def start(
    code: str, folder: Path, log_format: str = "text", errors: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """A process that logs into the folder as every process of ours would."""
    environ = os.environ | ENVIRON | {"LOG_DIR": str(folder), "LOG_LEVEL": "info", "LOG_FORMAT": log_format}
    command = [sys.executable, "-c", START + code]
    return subprocess.Popen(command, cwd=PROJECT, env=environ, stderr=errors)


def test_a_full_disk_stops_nobody_and_shows_nothing_that_is_blotted_out(tmp_path: Path) -> None:
    for name in ("combined", "error", "exceptions"):
        (tmp_path / f"{name}.log").symlink_to("/dev/full")
    process = start(SPEAK + f"logger.error('/v2/%s', '{KEY}')", tmp_path, "json", errors=subprocess.PIPE)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    text = said.decode()
    assert text.count("lines are lost: ") == 1
    assert "No space left on device" in text
    assert "an error" in text
    assert KEY not in text
    assert ADDRESS not in text


def test_each_file_has_its_part(tmp_path: Path) -> None:
    process = start(SPEAK, tmp_path)
    assert process.wait(60) == 0
    files = [(tmp_path / f"{name}.log").read_text() for name in ("combined", "error", "exceptions")]
    counts = [[text.count(words) for words in ("word", "an error", "Traceback")] for text in files]
    assert counts == [[1, 1, 1], [0, 1, 1], [0, 0, 1]]
    combined = files[0]
    assert KEY not in combined
    assert "nothing at /v2/***" in combined
    assert ADDRESS in combined, "a chain worker's lines speak of contracts"
    assert f"-c[{process.pid}] indexer.test: a " in combined
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.log")} == {0o640}


def test_json_has_one_object_a_line(tmp_path: Path) -> None:
    process = start(SPEAK, tmp_path, "json")
    assert process.wait(60) == 0
    first, _, third = map(json.loads, (tmp_path / "combined.log").read_text().splitlines())
    assert list(first) == ["time", "level", "logger", "message", "process", "pid"]
    assert first["time"].endswith("+00:00")
    assert (first["level"], first["logger"], first["message"]) == ("INFO", "indexer.test", 'a "word"')
    assert (first["process"], first["pid"]) == ("-c", process.pid)
    # This one logs as the web server does.
    assert third["message"] == "asking for 0x… failed"
    assert third["exception"].startswith("Traceback")
    assert third["exception"].endswith("ValueError: nothing at /v2/***")


def test_processes_share_files_that_rotate_and_lose_no_line(tmp_path: Path) -> None:
    writers = [start(SPEAK_MUCH, tmp_path) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    files = list(tmp_path.glob("combined.log*"))
    assert len(files) > 3, "nothing has rotated"
    lines = [line.partition("indexer.test: ")[2] for file in files for line in file.read_text().splitlines()]
    assert sorted(lines) == sorted(f"line {number} of {writer.pid}" for number in range(300) for writer in writers)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LOG_DIR", "/proc/nobody/may", "LOG_DIR=/proc/nobody/may cannot be written"),
        ("LOG_DIR", str(PROJECT / "manage.py"), "cannot be written"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT=xml is not known: it is one of text, json"),
        ("DATABASE_URL", f"postgresql://bob:%{KEY}@host/db", "DATABASE_URL cannot be read: it is postgresql://"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence(name: str, value: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT,
        env=os.environ | {name: value},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == EX_CONFIG
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert KEY not in done.stderr


def test_an_error_that_nobody_catches_is_written_down_without_secrets(tmp_path: Path) -> None:
    program = f"import sys; sys.argv = ['manage.py', 'shell', '-c', 'raise ValueError(\"{KEY}\")']; " + (
        "exec(compile(open('manage.py').read(), 'manage.py', 'exec'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=os.environ | ENVIRON | {"LOG_DIR": str(tmp_path)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert "ValueError: ***" in done.stderr
    assert "ValueError: ***" in (tmp_path / "exceptions.log").read_text()
    assert KEY not in done.stderr + (tmp_path / "combined.log").read_text()


def test_statements_are_told_at_debug_and_cost_nothing_otherwise(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    chain = Chain.objects.get(slug="hilltop")
    tell_statements(ours)
    assert ours.execute_wrappers == []
    assert connection.cursor_factory is psycopg.Cursor
    with caplog.at_level(logging.DEBUG, statements_log.name), connect(chain) as telling:
        telling.execute("SELECT %s::text FROM generate_series(1, 3)", ["a parameter"])
        tell_statements(ours)
        try:
            assert list(Chain.objects.values_list("slug")) != []
        finally:
            ours.execute_wrappers.clear()
    assert "ms, 3 rows: SELECT %s::text FROM generate_series(1, 3)" in caplog.text
    assert 'SELECT "chains_chain"."slug"' in caplog.text
    assert "a parameter" not in caplog.text
