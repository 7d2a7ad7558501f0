"""The lookup page: what the API says, for people, and the address in no URL."""

import pytest

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from tests.people import LogIn
from tests.positions.lookup_rows import USER_EIP55, add_job, add_log, add_metadata, contract, refresh, start

PAGE = "/admin/lookup/"


@pytest.fixture
def rows(connection: Connection) -> None:
    start(connection)
    job = add_job(connection, contract(10), metadata="tokenId")
    add_log(connection, job, 42_000)
    add_metadata(connection, job, "tokenId", "9", "10")
    add_job(connection, contract(11), covered=False)
    refresh(connection)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("address", [USER_EIP55, USER_EIP55.lower(), f"  {USER_EIP55.upper().replace('0X', '0x')} "])
def test_an_answer_names_pools_and_how_sure_it_is(log_in: LogIn, address: str) -> None:
    page = log_in("viewer").post(PAGE, {"address": address}).content.decode()
    assert f"{USER_EIP55}</span>" in page
    assert "0x000000000000000000000000000000000000000A" in page
    assert "42,000" in page
    assert "tokenId 9, 10" in page
    assert "Check also: 1 contracts" in page
    assert "0x000000000000000000000000000000000000000b" in page
    assert "never indexed" in page  # seaside


@pytest.mark.usefixtures("rows")
def test_one_chain_can_be_asked_alone(log_in: LogIn) -> None:
    page = log_in("viewer").post(PAGE, {"address": USER_EIP55, "chain": "hilltop"}).content.decode()
    assert "42,000" in page
    assert "never indexed" not in page


@pytest.mark.parametrize(
    "form",
    [{}, {"address": "0x12"}, {"address": "vitalik.eth"}, {"address": "\x00"}, {"address": USER_EIP55, "chain": "x"}],
)
def test_what_is_no_address_is_said(log_in: LogIn, form: dict[str, str]) -> None:
    answer = log_in("viewer").post(PAGE, form)
    assert answer.status_code == 400
    assert b"fp-error" in answer.content


@pytest.mark.usefixtures("rows")
def test_the_form_posts_and_an_address_in_the_url_is_not_read(log_in: LogIn) -> None:
    page = log_in("viewer").get(f"{PAGE}?address={USER_EIP55}").content.decode()
    assert 'method="post" action="/admin/lookup/"' in page
    assert "42,000" not in page


def test_somebody_without_a_role_is_refused(log_in: LogIn, chains: list[Chain]) -> None:
    with connect(chains[0]) as connection:
        start(connection)
    client = log_in("nobody")
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"address": USER_EIP55}).status_code == 403
    page = client.get("/admin/").content
    assert b"You have no role yet" in page
    assert b"Processed" not in page
