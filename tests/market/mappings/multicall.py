"""Multicall3 on a local chain, at the address that it has on others."""

from indexer.embedded.chain.node import Node
from indexer.embedded.chain.packages import Packages
from indexer.market.multicall import MULTICALL3
from tests.market.mappings.solidity import compile_file


def place_multicall(node_url: str, packages: Packages) -> None:
    code = compile_file("Multicall3.sol", packages)["Multicall3"]
    Node(node_url).call("anvil_setCode", MULTICALL3, code.deployed)
