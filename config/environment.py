"""The project's own environment: `.venv`, made from the locked requirements when a bare machine runs `demo` or `test`.

Imports the standard library only, for it runs before anything else is installed. Whatever goes wrong here is said in
one sentence with its remedy, and the exit code is 1.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

MAKING_COMMANDS = ("demo", "test")
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))

# What a user may tell pip by environment variables: where packages come from. Where they go is ours to say.
PIP_SOURCES = (
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_CONFIG_FILE",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_NO_INDEX",
    "PIP_PROXY",
    "PIP_RETRIES",
    "PIP_TIMEOUT",
    "PIP_TRUSTED_HOST",
)


def enter(command: str) -> None:
    """Return if this Python is the one to run `command` in; otherwise run the same command line in `.venv` instead.

    Only `demo` and `test` make `.venv`, and only outside a virtual environment or a container that brings its own; any
    other command uses it where it is whole. Raises SystemExit with a sentence if there is nothing to run in.
    """
    has_django = importlib.util.find_spec("django") is not None
    given = name_given_environment(has_django)
    if given:
        if not has_django:
            raise SystemExit(explain_missing_django(given, command))
        return
    venv = Venv(Path(__file__).resolve().parent.parent)
    if command in MAKING_COMMANDS and not venv.is_ready():
        venv.make()
    if venv.is_ready():
        venv.run_same_command()
    if not has_django:
        raise SystemExit(
            "Django is missing here: `python3 manage.py demo` makes this project's environment and shows it at work; "
            "or, in a virtual environment of your own, `pip install --require-hashes -r requirements.txt`."
        )


def name_given_environment(has_django: bool) -> str:
    """Say which environment somebody else has given this process; empty on a bare machine.

    A container whose Python has Django is an image made for running; one without is a machine like any other (many
    development machines are containers). FOOTPRINT_NO_VENV=1 takes any Python as given, FOOTPRINT_NO_VENV=0 none but
    a virtual environment.
    """
    wish = os.environ.get("FOOTPRINT_NO_VENV", "")
    if sys.prefix != sys.base_prefix or os.environ.get("VIRTUAL_ENV"):
        return "virtual environment"
    if wish not in ("", "0"):
        return "Python (FOOTPRINT_NO_VENV is set)"
    if wish != "0" and has_django and any(mark.exists() for mark in CONTAINER_MARKS):
        return "container"
    return ""


def explain_missing_django(given: str, command: str) -> str:
    lock = "requirements-dev.txt" if command in MAKING_COMMANDS else "requirements.txt"
    return f"Django is missing in this {given}: `{sys.executable} -m pip install --require-hashes -r {lock}`."


class Venv:
    """The folder `.venv` of a project, with a stamp that says for which lock and Python it is whole."""

    def __init__(self, project: Path) -> None:
        self.folder = project / ".venv"
        self.lock = project / "requirements-dev.txt"
        self.python = self.folder / "bin" / "python3"
        self.stamp = self.folder / ".stamp"
        self.guard = self.folder / ".guard"

    def is_ready(self) -> bool:
        """True if everything of the lock was installed for this Python, here, and nothing was interrupted."""
        try:
            whole = self.stamp.read_text() == self.describe()
        except OSError:
            return False
        # Without its pyvenv.cfg a Python does not know that it is in an environment, and would start itself for ever.
        return whole and (self.folder / "pyvenv.cfg").exists() and os.access(self.python, os.X_OK)

    def describe(self) -> str:
        """The text of the stamp. The folder is part of it, for an environment does not survive being copied."""
        digest = hashlib.sha256(self.lock.read_bytes()).hexdigest()
        return f"{digest} python{sys.version_info.major}.{sys.version_info.minor} {self.folder}\n"

    def make(self) -> None:
        """Install the lock into `.venv`, once, however many processes ask for it at the same time."""
        missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
        if missing:
            raise SystemExit(
                f"This Python has no {' and no '.join(missing)} module: `apt install python3-venv` on Debian and "
                "Ubuntu (elsewhere the package that brings it), then the same command again."
            )
        try:
            ours = self.guard.exists()
            self.folder.mkdir(exist_ok=True)
            with self.hold_guard() as guard:
                if not self.is_ready():
                    # What we began and did not stamp is thrown away; what somebody else made is brought up to date.
                    interrupted = ours and not self.stamp.exists()
                    self.install(guard, from_scratch=interrupted or self.is_of_other_python())
        except OSError as error:
            raise SystemExit(
                f"{self.folder} cannot be made: {error}. Let {self.folder.parent} be a writable folder with space, or "
                "use a virtual environment of your own."
            ) from None
        except KeyboardInterrupt:
            print("\nInterrupted: the next start makes .venv again.", file=sys.stderr)
            raise SystemExit(130) from None

    @contextmanager
    def hold_guard(self) -> Iterator[int]:
        """Be the only one who makes `.venv`; yields the descriptor that holds the lock."""
        guard = os.open(self.guard, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another start is making .venv: waiting for it …", file=sys.stderr)
                fcntl.flock(guard, fcntl.LOCK_EX)
            yield guard
        finally:
            os.close(guard)

    def is_of_other_python(self) -> bool:
        """True if `.venv` belongs to another version than this Python's, or its Python cannot run any more."""
        config = self.folder / "pyvenv.cfg"
        if not config.exists():
            return False
        version = rf"^version(_info)? = {sys.version_info.major}\.{sys.version_info.minor}\b"
        return not (os.access(self.python, os.X_OK) and re.search(version, config.read_text(), re.MULTILINE))

    def install(self, guard: int, *, from_scratch: bool) -> None:
        began = time.monotonic()
        print(f"Making .venv from {self.lock.name} (once, about a minute) …", file=sys.stderr)
        stamp = self.describe()
        self.stamp.unlink(missing_ok=True)
        if from_scratch:
            self.clear()
        self.run([sys.executable, "-I", "-m", "venv", str(self.folder)], guard, "remove .venv")
        # -I keeps PYTHONPATH and the user's own packages from passing for installed ones.
        python = [str(self.python), "-I"]
        pip = [*python, "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "install"]
        self.run(
            [*pip, "--quiet", "--no-user", "--require-hashes", "-r", str(self.lock)],
            guard,
            "give this machine network, or name pip a mirror (PIP_INDEX_URL) or a folder of wheels (PIP_FIND_LINKS)",
        )
        self.run([*python, "-c", "import django"], guard, "let pip's configuration name no target, prefix or root")
        partial = self.stamp.with_name(".stamp.partial")
        partial.write_text(stamp)
        partial.replace(self.stamp)
        print(f"Made .venv in {time.monotonic() - began:.0f} s.", file=sys.stderr)

    def clear(self) -> None:
        """Empty the folder but for the guard, whose lock others wait for."""
        for entry in self.folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry != self.guard:
                entry.unlink()

    def run(self, command: list[str], guard: int, remedy: str) -> None:
        """Run one step, or say its last words and the remedy.

        The step inherits the guard: if it outlives this process, it still keeps others waiting.
        """
        done = subprocess.run(
            command,
            check=False,
            env={name: value for name, value in os.environ.items() if name[:4] != "PIP_" or name in PIP_SOURCES},
            pass_fds=[guard],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="replace",
        )
        if done.returncode:
            last_words = "\n".join(done.stdout.strip().splitlines()[-8:])
            raise SystemExit(f"{last_words}\n\n.venv could not be made: {remedy}, then run the same command again.")

    def run_same_command(self) -> NoReturn:
        """Become the environment's Python with the same command line: same process, so signals and exit code pass."""
        sys.stdout.flush()
        os.execv(self.python, [str(self.python), *sys.orig_argv[1:]])
