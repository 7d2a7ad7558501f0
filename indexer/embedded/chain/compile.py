"""The contracts of the local chains: our own Solidity, compiled here, and Uniswap V2 as its authors built it."""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from indexer.embedded.places import make_state_dir

from .packages import HERE, Packages

SOURCES = HERE / "solidity"
SETTINGS = {
    "evmVersion": "cancun",
    "optimizer": {"enabled": True, "runs": 200},
    "outputSelection": {"*": {"*": ["evm.bytecode.object"]}},
}


class CompileError(RuntimeError):
    """The compiler refused our sources."""


def compile_contracts(packages: Packages, directory: Path | None = None) -> dict[str, str]:
    """Return the creation code, 0x hex, of every contract by its name: ours and UniswapV2Factory.

    Compiled once per state of the sources; kept under `directory` (default: the state folder). Raises CompileError.
    """
    files = sorted(SOURCES.glob("*.sol"))
    request = {
        "language": "Solidity",
        "sources": {file.name: {"content": file.read_text()} for file in files},
        "settings": SETTINGS,
    }
    body = json.dumps(request, sort_keys=True)
    lock = (HERE / "package-lock.json").read_text()
    folder = (directory or make_state_dir()) / "solidity"
    kept = folder / f"{hashlib.sha256((body + lock).encode()).hexdigest()[:16]}.json"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(_compile(packages, body)))
        fresh.replace(kept)
    own: dict[str, str] = json.loads(kept.read_text())
    factory = json.loads((packages.modules / "@uniswap/v2-core/build/UniswapV2Factory.json").read_text())
    return {**own, "UniswapV2Factory": "0x" + factory["bytecode"]}


def _compile(packages: Packages, body: str) -> dict[str, str]:
    command = [str(packages.node), str(packages.modules / "solc" / "solc.js"), "--standard-json"]
    command += ["--base-path", str(SOURCES), "--include-path", str(packages.modules)]
    done = subprocess.run(command, input=body, capture_output=True, text=True, check=False)
    # The compiler may talk before its answer, which is one JSON object.
    start = done.stdout.find("{")
    answer: dict[str, Any] = json.loads(done.stdout[start:]) if start >= 0 else {}
    errors = [error["formattedMessage"] for error in answer.get("errors", []) if error["severity"] == "error"]
    if errors or "contracts" not in answer:
        raise CompileError(f"solc refused the contracts in {SOURCES}: {(errors or [done.stderr.strip()])[0]}")
    return {
        name: "0x" + contract["evm"]["bytecode"]["object"]
        for file, contracts in answer["contracts"].items()
        if "/" not in file
        for name, contract in contracts.items()
        if contract["evm"]["bytecode"]["object"]
    }
