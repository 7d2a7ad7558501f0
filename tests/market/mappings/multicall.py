"""Multicall3 on a local chain, at the address that it has on others."""

import json
import subprocess
from pathlib import Path

from indexer.embedded.chain.node import Node
from indexer.embedded.chain.packages import Packages
from indexer.market.multicall import MULTICALL3

SOURCE = Path(__file__).with_name("Multicall3.sol")


def place_multicall(node_url: str, packages: Packages) -> None:
    request = {
        "language": "Solidity",
        "sources": {SOURCE.name: {"content": SOURCE.read_text()}},
        "settings": {
            "evmVersion": "cancun",
            "optimizer": {"enabled": True, "runs": 200},
            "outputSelection": {"*": {"*": ["evm.deployedBytecode.object"]}},
        },
    }
    command = [str(packages.node), str(packages.modules / "solc" / "solc.js"), "--standard-json"]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, check=True)
    compiled = json.loads(done.stdout[done.stdout.find("{") :])
    code = compiled["contracts"][SOURCE.name]["Multicall3"]["evm"]["deployedBytecode"]["object"]
    Node(node_url).call("anvil_setCode", MULTICALL3, "0x" + code)
