"""Live local EVM chains with real contracts, seeded traffic and their own truth: what the demo and its check run on."""

from .anvil import Anvil, AnvilError
from .compile import CompileError, compile_contracts
from .node import Node, NodeError
from .packages import Packages, PackagesError, install
from .traffic import Counters, Traffic
from .truth import balances, positions
from .world import World, deploy

__all__ = [
    "Anvil",
    "AnvilError",
    "CompileError",
    "Counters",
    "Node",
    "NodeError",
    "Packages",
    "PackagesError",
    "Traffic",
    "World",
    "balances",
    "compile_contracts",
    "deploy",
    "install",
    "positions",
]
