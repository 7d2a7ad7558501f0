"""The embedded PostgreSQL: a real server that starts, stops, keeps its data and survives being killed."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from indexer.embedded.configuration import write_configuration
from indexer.embedded.postgres import EmbeddedPostgres, EmbeddedPostgresError, choose_socket_dir

pytestmark = pytest.mark.xdist_group("postgres")


def ask(server: EmbeddedPostgres, question: str, database: str = "postgres") -> str:
    with psycopg.connect(server.dsn(database), autocommit=True) as connection:
        cursor = connection.execute(question)
        return str((cursor.fetchone() or [""])[0]) if cursor.description else ""


def read_pid(server: EmbeddedPostgres) -> int:
    return int((server.data / "postmaster.pid").read_text().split()[0])


def test_data_survives_a_stop_and_a_start(server: EmbeddedPostgres) -> None:
    assert not server.running()
    server.start()
    assert server.running()
    server.create_database("foot-print")
    ask(server, "CREATE TABLE kept AS SELECT 7 AS value", "foot-print")
    server.stop()
    assert not server.running()
    assert not (server.data / "postmaster.pid").exists()
    server.start()
    server.create_database("foot-print")
    assert ask(server, "SELECT value FROM kept", "foot-print") == "7"


def test_starting_and_stopping_twice_changes_nothing(server: EmbeddedPostgres) -> None:
    server.stop()
    server.start()
    pid = read_pid(server)
    server.start()
    EmbeddedPostgres(server.root).start()
    assert read_pid(server) == pid
    server.stop()
    server.stop()
    assert not server.running()


def test_it_listens_on_a_private_socket_only_and_is_configured_by_us(server: EmbeddedPostgres) -> None:
    server.start()
    assert ask(server, "SHOW listen_addresses") == ""
    assert server.socket_dir.stat().st_mode & 0o777 == 0o700
    settings = {"fsync": "on", "synchronous_commit": "on", "jit": "off", "TimeZone": "UTC", "max_connections": "100"}
    assert {name: ask(server, f"SHOW {name}") for name in settings} == settings
    assert ask(server, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"
    assert ask(server, "SHOW server_encoding") == "UTF8"
    # What somebody wrote into the file is gone after the next start.
    configuration = server.root / "postgresql.conf"
    configuration.write_text(configuration.read_text() + "jit = on\n")
    server.stop()
    server.start()
    assert ask(server, "SHOW jit") == "off"


def test_an_interrupted_initdb_is_repeated_once_it_has_ended(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "interrupted")
    begin = "import sys; from pathlib import Path; from indexer.embedded.postgres import EmbeddedPostgres\n"
    begin += "EmbeddedPostgres(Path(sys.argv[1])).start()"
    process = subprocess.Popen([sys.executable, "-c", begin, str(server.root)])
    mark = server.root / "data.partial" / "mark"
    while not (mark.parent / "PG_VERSION").exists():
        time.sleep(0.001)
    (initdb,) = (int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    os.kill(initdb, signal.SIGSTOP)
    process.kill()
    process.wait()
    mark.touch()
    start = threading.Thread(target=server.start)
    try:
        start.start()
        start.join(0.3)
        assert mark.exists(), "the folder was taken from an initdb that still lives"
    finally:
        os.kill(initdb, signal.SIGCONT)
    start.join()
    server.stop()
    assert not mark.parent.exists()


def test_a_killed_server_recovers_what_was_committed(server: EmbeddedPostgres) -> None:
    server.start()
    ask(server, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS value")
    os.kill(read_pid(server), signal.SIGKILL)
    server.start()
    assert ask(server, "SELECT count(*) FROM kept") == "1000"
    assert "recovery" in server.log.read_text()


def test_a_pid_file_that_names_another_process_does_not_stop_the_start(server: EmbeddedPostgres) -> None:
    server.start()
    pid_file = (server.data / "postmaster.pid").read_text()
    server.stop()
    # Of the same user, for PostgreSQL itself does not mind the processes of others.
    owner = server.data.stat().st_uid
    other = subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None)
    (server.data / "postmaster.pid").write_text(pid_file.replace(pid_file.split("\n")[0], str(other.pid), 1))
    server.stop()
    server.start()
    assert server.running()
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_server_that_cannot_start_says_its_last_words(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    version = (server.data / "PG_VERSION").read_text()
    (server.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match=r"(?s)did not start.*initialized by PostgreSQL version 9"):
        server.start()
    (server.data / "PG_VERSION").write_text(version)


def test_a_slow_start_says_what_it_waits_for(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("indexer.embedded.postgres.WORTH_SAYING_SECONDS", -1)
    server.start()
    assert capsys.readouterr().err.count("PostgreSQL is recovering or starting slowly: waiting (log: ") == 1


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match=r"cannot use .*Set FOOTPRINT_STATE"):
        EmbeddedPostgres(tmp_path / "file" / "postgres").start()


def test_making_the_object_touches_nothing(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "postgres")
    assert server.dsn("footprint") == f"host={tmp_path}/postgres/socket port=5432 user=postgres dbname=footprint"
    assert not server.running()
    assert list(tmp_path.iterdir()) == []


def test_a_path_no_socket_can_have_gets_one_in_tmp(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    long = server.root.with_name("x" * 100)
    long.symlink_to(server.root)
    other = EmbeddedPostgres(long)
    assert other.socket_dir.parent == Path("/tmp")
    other.start()
    try:
        assert other.socket_dir.stat().st_mode & 0o777 == 0o700
        assert ask(other, "SELECT 1") == "1"
    finally:
        other.stop()
        shutil.rmtree(other.socket_dir)


def test_a_path_libpq_would_split_gets_a_socket_in_tmp(folder: Path) -> None:
    assert choose_socket_dir(folder / "with,comma", 5432).parent == Path("/tmp")


def test_a_socket_folder_that_somebody_else_put_there_is_refused(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    server.socket_dir.chmod(0o755)
    with pytest.raises(EmbeddedPostgresError, match="is not a private folder of user"):
        server.start()
    server.socket_dir.chmod(0o700)


def test_paths_are_quoted_in_the_configuration() -> None:
    text = write_configuration({}, Path('/it\'s a "b" \\'))
    assert 'unix_socket_directories = \'"/it\'\'s a ""b"" \\\\"\'\n' in text
