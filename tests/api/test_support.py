"""GET /support: what is watched, as clients of the model system know it."""

import pytest
from django.test import Client

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.positions.address import checksum
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.watchlist import read_watch_list
from tests.positions.lookup_rows import add_job, contract, statements

ABI = "event DepositEvent(bytes pubkey, bytes credentials)"
EVENTS: list[tuple[object, object]] = [
    ("Transfer", "Transfer"),
    (
        {"topic0": "0x" + "ab" * 32, "user_topic": 1},
        {"topic0": "0x" + "ab" * 32, "userAddressIndex": 1},
    ),
    (
        {"abi": "event Mint(address minter)", "user": "minter"},
        {"eventAbi": "event Mint(address minter)", "userAddressArgument": "minter"},
    ),
    (
        {"abi": ABI, "user": "credentials", "metadata": "pubkey", "transform": "eth2-withdrawal-credentials"},
        {
            "eventAbi": ABI,
            "userAddressArgument": "credentials",
            "additionalMetadataArguments": {"argumentName": "pubkey"},
            "transformUserAddressType": "eth2-withdrawal-credentials",
        },
    ),
]


def watch(connection: Connection, chain: Chain, event: object, *numbers: int, protocol: str = "aave") -> None:
    contracts = [checksum(contract(number)) for number in numbers]
    body = {
        "chain": chain.slug,
        "chain_id": chain.chain_id,
        "watches": [{"protocol": protocol, "product": "pool", "event": event, "contracts": contracts}],
    }
    import_watch_list(connection, read_watch_list(body), source="test", chain_floor=0, prune=False)


@pytest.mark.parametrize(("event", "shown"), EVENTS)
def test_every_event_has_the_form_that_clients_know(
    client: Client, connection: Connection, chain: Chain, event: object, shown: object
) -> None:
    watch(connection, chain, event, 1)
    [entry] = client.get("/support").json()["aave"]
    assert entry["userEvent"] == shown


def test_an_entry_is_of_one_product_event_and_chain(client: Client, chains: list[Chain]) -> None:
    for chain in chains:
        with connect(chain) as connection:
            watch(connection, chain, "Transfer", 2, 0xABCDEF)
            watch(connection, chain, {"topic0": "0x" + "ab" * 32, "user_topic": 1}, 3, protocol="uniswap")
    answer = client.get("/support").json()
    assert {protocol: [entry["chains"] for entry in entries] for protocol, entries in answer.items()} == {
        "aave": [[31337], [31338]],
        "uniswap": [[31337], [31338]],
    }
    assert answer["aave"][0] == {
        "protocolDetails": {
            "chainId": 31337,
            "protocolId": "aave",
            "productId": "pool",
            "positionType": None,
            "name": None,
            "description": None,
        },
        "chains": [31337],
        "userEvent": "Transfer",
    }


def test_contracts_are_named_where_they_are_asked_for(client: Client, connection: Connection, chain: Chain) -> None:
    watch(connection, chain, "Transfer", 2, 0xABCDEF)
    [entry] = client.get("/support?includeProtocolTokens=true").json()["aave"]
    assert entry["protocolTokenAddresses"] == [checksum(contract(2)), checksum(contract(0xABCDEF))]
    [entry] = client.get("/support?includeProtocolTokens=false").json()["aave"]
    assert "protocolTokenAddresses" not in entry


def test_what_is_not_watched_is_not_named(client: Client, connection: Connection) -> None:
    add_job(connection, contract(1), enabled=False)
    add_job(connection, contract(2), enabled=False, retired=True)
    assert client.get("/support").json() == {}


def test_it_costs_one_statement(client: Client) -> None:
    client.get("/support")
    with statements() as sent:
        client.get("/support?includeProtocolTokens=true")
    assert len(sent) == 1
