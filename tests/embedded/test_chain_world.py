"""The same seed gives the same world, once per chain, and a watch list with every form of event."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from indexer.embedded.chain.anvil import Anvil
from indexer.embedded.chain.compile import compile_contracts
from indexer.embedded.chain.node import Node
from indexer.embedded.chain.packages import Packages
from indexer.embedded.chain.world import PAIRS, SYMBOLS, World, deploy

from .chain_fixtures import CHAIN_ID, anvil, bytecode, packages, start_chain, world

__all__ = ["anvil", "bytecode", "packages", "start_chain", "world"]


def test_the_contracts_compile_to_the_same_code_each_time(
    packages: Packages, bytecode: dict[str, str], tmp_path: Path
) -> None:
    assert compile_contracts(packages, tmp_path) == bytecode
    assert set(bytecode) >= {"Token", "Vault", "Market", "Deposits", "Positions", "Router", "UniswapV2Factory"}


def test_the_same_seed_gives_the_same_world_on_another_new_chain_and_another_seed_another(
    world: World, bytecode: dict[str, str], start_chain: Callable[[str], Anvil]
) -> None:
    same, different = start_chain("same"), start_chain("different")

    twin = deploy(same.url, CHAIN_ID, 1, same.directory, bytecode)
    stranger = deploy(different.url, CHAIN_ID, 2, different.directory, bytecode)

    assert replace(twin, url=world.url) == world
    assert stranger.pairs != world.pairs
    assert (len(world.wallets), len(world.tokens), len(world.pairs)) == (40, len(SYMBOLS), PAIRS)


def test_a_world_is_deployed_once_and_found_again(anvil: Anvil, world: World, bytecode: dict[str, str]) -> None:
    head = Node(anvil.url).head()

    assert deploy(anvil.url, CHAIN_ID, 1, anvil.directory, bytecode) == world
    assert Node(anvil.url).head() == head


def test_a_deployment_file_of_a_chain_that_is_no_more_is_not_believed(
    anvil: Anvil, world: World, bytecode: dict[str, str], start_chain: Callable[[str], Anvil]
) -> None:
    other = start_chain("other")
    (other.directory / "world.json").write_text((anvil.directory / "world.json").read_text())

    again = deploy(other.url, CHAIN_ID, 1, other.directory, bytecode)

    assert Node(other.url).call("eth_getCode", again.vault, "latest") != "0x"


def test_the_watch_list_has_every_form_of_event(world: World) -> None:
    watch_list = world.watch_list("hilltop")
    entries = watch_list["watches"]
    events = [entry["event"] for entry in entries]
    places = [(contract.lower(), json.dumps(entry["event"])) for entry in entries for contract in entry["contracts"]]
    watched = [contract for contract, event in places if event != "false"]

    assert json.loads(json.dumps(watch_list)) == watch_list
    assert (watch_list["chain"], watch_list["chain_id"]) == ("hilltop", CHAIN_ID)
    assert "Transfer" in events
    assert False in events
    assert {event["user_topic"] for event in events if event and "user_topic" in event} == {1, 2, 3}
    assert {event.get("metadata") for event in events if event and "abi" in event} == {None, "tokenId", "pubkey"}
    assert any(event and "transform" in event for event in events)
    assert len(places) > len(set(places)), "no job has two labels"
    assert len(set(places)) > len({contract for contract, _ in places}), "no contract has two jobs"
    assert set(watched) >= {contract.lower() for contract in world.balance_reads}
    assert set(world.names) >= {
        contract for entry in entries for contract in entry["contracts"] if contract != contract.lower()
    }
