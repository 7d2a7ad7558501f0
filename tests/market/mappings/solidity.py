"""Contracts of the tests' own, compiled as those of the local chains are."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from eth_abi.abi import encode

from indexer.embedded.chain.compile import SETTINGS
from indexer.embedded.chain.node import Node
from indexer.embedded.chain.packages import Packages

HERE = Path(__file__).parent
DEPLOY_GAS = 8_000_000


class Code(NamedTuple):
    """0x hex."""

    creation: str
    deployed: str


@cache
def compile_file(name: str, packages: Packages) -> dict[str, Code]:
    """The contracts of a file beside this one, by their names."""
    outputs = {"*": {"*": ["evm.bytecode.object", "evm.deployedBytecode.object"]}}
    request = {
        "language": "Solidity",
        "sources": {name: {"content": (HERE / name).read_text()}},
        "settings": {**SETTINGS, "outputSelection": outputs},
    }
    command = [str(packages.node), str(packages.modules / "solc" / "solc.js"), "--standard-json"]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=True)
    compiled = json.loads(done.stdout[done.stdout.find("{") :])
    problems = [error["formattedMessage"] for error in compiled.get("errors", []) if error["severity"] == "error"]
    assert not problems, problems[0]
    return {
        contract: Code(*("0x" + of["evm"][kind]["object"] for kind in ("bytecode", "deployedBytecode")))
        for contract, of in compiled["contracts"][name].items()
    }


class Deployer:
    """Deploys and calls on a local chain; whatever is sent is mined at once."""

    def __init__(self, node_url: str, code: dict[str, Code]) -> None:
        self._node = Node(node_url)
        self._code = code
        self._sender = self._node.call("eth_accounts")[0]

    def deploy(self, name: str, types: str = "", *values: Any) -> str:
        """The address, in lower case."""
        arguments = encode([kind for kind in types.split(",") if kind], values)
        address: str = self._send({"data": self._code[name].creation + arguments.hex()})["contractAddress"]
        return address.lower()

    def send(self, to: str, data: str) -> dict[str, Any]:
        """The receipt."""
        return self._send({"to": to, "data": data})

    def read(self, to: str, data: str) -> str:
        """What the contract answers, as 0x hex."""
        answer: str = self._node.call("eth_call", {"to": to, "data": data}, "latest")
        return answer

    def _send(self, transaction: dict[str, str]) -> dict[str, Any]:
        sent = self._node.call("eth_sendTransaction", {"from": self._sender, "gas": hex(DEPLOY_GAS), **transaction})
        self._node.call("anvil_mine", "0x1")
        receipt: dict[str, Any] = self._node.call("eth_getTransactionReceipt", sent)
        assert receipt["status"] == "0x1", receipt
        return receipt
