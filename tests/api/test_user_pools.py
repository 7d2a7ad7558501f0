"""GET /user-pools/{address}: exactly the shape that clients of the model system read."""

from typing import Any

import pytest
from django.test import Client

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from tests.api.test_problem_details import problem
from tests.positions.lookup_rows import (
    USER_EIP55,
    add_job,
    add_log,
    add_metadata,
    contract,
    refresh,
    start,
    statements,
)

PATH = "/user-pools/" + USER_EIP55
# The example of EIP-55 as a contract.
POOL = bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
POOL_EIP55 = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
NFT = contract(0x77 << 152)
NFT_EIP55 = "0x" + NFT.hex()


@pytest.fixture
def running(chains: list[Chain]) -> None:
    for chain in chains:
        with connect(chain) as connection:
            start(connection)


def ask(client: Client, query: str = "") -> tuple[dict[str, Any], str | None]:
    response = client.get(PATH + query)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert list(response.json()) == ["data"]
    return response.json()["data"], response.headers.get("Footprint-Incomplete")


@pytest.mark.usefixtures("running")
def test_every_chain_is_there_by_its_id_and_without_metadata_it_is_a_list(
    client: Client, connection: Connection
) -> None:
    add_log(connection, add_job(connection, POOL), 5)
    refresh(connection)
    assert ask(client) == ({"31337": [POOL_EIP55], "31338": []}, None)


@pytest.mark.usefixtures("running")
def test_metadata_is_values_by_contract_without_their_keys(client: Client, connection: Connection) -> None:
    plain, first = add_job(connection, POOL), add_job(connection, NFT, metadata="tokenId")
    second = add_job(connection, NFT, user_topic=1, metadata="id")
    for job in (plain, first, second):
        add_log(connection, job, 5)
    add_metadata(connection, first, "tokenId", "123", "9")
    add_metadata(connection, second, "id", "123", "20")
    refresh(connection)
    data, _ = ask(client)
    assert data == {
        "31337": {"contractAddresses": [POOL_EIP55, NFT_EIP55], "metadata": {NFT_EIP55: ["9", "20", "123"]}},
        "31338": [],
    }


@pytest.mark.usefixtures("running")
def test_the_header_names_the_chains_whose_lists_may_be_too_short(chains: list[Chain], client: Client) -> None:
    with connect(chains[0]) as connection:
        add_job(connection, POOL, unreadable=1)
        refresh(connection)
    assert ask(client) == ({"31337": [], "31338": []}, "31337")
    with connect(chains[1]) as connection:
        add_job(connection, POOL, covered=False)
        refresh(connection)
    assert ask(client)[1] == "31337, 31338"


def test_chains_never_indexed_are_named_too(client: Client) -> None:
    assert ask(client) == ({"31337": [], "31338": []}, "31337, 31338")


@pytest.mark.usefixtures("running")
def test_what_must_be_checked_can_be_added_however_much_it_is(client: Client, connection: Connection) -> None:
    for number in range(1, 1203):
        add_job(connection, contract(number), covered=False, labels=[])
    both = add_job(connection, NFT, metadata="tokenId", unreadable=2)
    add_log(connection, both, 5)
    add_metadata(connection, both, "tokenId", "1")
    refresh(connection)
    assert ask(client) == (
        {"31337": {"contractAddresses": [NFT_EIP55], "metadata": {NFT_EIP55: ["1"]}}, "31338": []},
        "31337",
    )
    data, header = ask(client, "?include=check_also")
    found = data["31337"]["contractAddresses"]
    assert found[0] == NFT_EIP55
    assert [int(name, 16) for name in found[1:]] == list(range(1, 1203))
    assert data["31337"]["metadata"] == {NFT_EIP55: ["1"]}
    assert header is None


@pytest.mark.parametrize("written", [USER_EIP55.lower(), "0X" + USER_EIP55[2:].upper()])
def test_addresses_may_be_written_in_any_case(client: Client, connection: Connection, written: str) -> None:
    add_log(connection, add_job(connection, POOL), 5)
    start(connection)
    assert client.get("/user-pools/" + written).json()["data"]["31337"] == [POOL_EIP55]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/user-pools/vitalik.eth", "'vitalik.eth' in the path is not an address"),
        ("/user-pools/0x12%00", r"'0x12\x00'"),
        (PATH + "?include=everything", "only include=check_also"),
        (PATH + "?include=check_also&include=check_also", "more than once"),
        (PATH + "?chain=hilltop", "Unknown parameter 'chain'"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_400(client: Client, path: str, said: str) -> None:
    assert said in problem(client.get(path), 400, "Bad Request")


@pytest.mark.usefixtures("_states_stay")
def test_it_costs_one_statement_and_none_where_nothing_has_changed(client: Client) -> None:
    tag = client.get(PATH)["ETag"]
    with statements() as sent:
        ask(client)
        ask(client, "?include=check_also")
        assert client.get(PATH, headers={"if-none-match": tag}).status_code == 304
    assert len(sent) == 2
