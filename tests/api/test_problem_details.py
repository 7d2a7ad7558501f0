"""Every error is an application/problem+json of the same shape, and says what would be right."""

from collections.abc import Iterator

import pytest
from django.test import Client

from indexer.chains.connections import Connection
from tests.api.outages import no_database
from tests.api.problems import problem
from tests.positions.lookup_rows import USER_EIP55

ADDRESSES = "/api/v1/addresses/"
ADDRESS = ADDRESSES + USER_EIP55


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (ADDRESSES + "0x12", "'0x12' in the path is not an address: 0x and 40 hex digits are needed"),
        # Without 0x it could be anything.
        (ADDRESSES + USER_EIP55[2:], "0x and 40 hex digits"),
        (ADDRESSES + "vitalik.eth", "'vitalik.eth'"),
        (ADDRESSES + "0x" + "g" * 5000, "ggg…'"),
        (ADDRESSES + "%00", r"'\x00'"),
        (ADDRESS + "?chain=atlantis", "Unknown chain 'atlantis'. Known are: hilltop, seaside"),
        (ADDRESS + "?chain=hilltop,atlantis,Seaside", "'Seaside', 'atlantis'"),
        (ADDRESS + "?chain=", "chain is empty: leave it out, or say chains by name"),
        (ADDRESS + "?chain=hilltop,", "empty name"),
        (ADDRESS + "?chain=hilltop&chain=seaside", "chain is given more than once"),
        (ADDRESS + "?chains=hilltop&b=1", "Unknown parameter 'chains'. Known are: chain, check_also, after, expand."),
        (ADDRESS + "?check_also=some&chain=hilltop", "only check_also=all"),
        (ADDRESS + "?check_also=all", "exactly one chain"),
        (ADDRESS + "?check_also=all&chain=hilltop,seaside", "exactly one chain"),
        (ADDRESS + f"?after={USER_EIP55}", "after goes with check_also=all"),
        (ADDRESS + "?check_also=all&chain=hilltop&after=1", "'1' in after is not an address"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_400_that_says_why(client: Client, path: str, said: str) -> None:
    assert said in problem(client.get(path), 400)["detail"]


def test_an_unknown_path_is_a_404(client: Client) -> None:
    assert "/api/v2" in problem(client.get("/api/v2"), 404)["detail"]


def test_an_unknown_host_is_a_400(client: Client) -> None:
    assert "Host" in problem(client.get("/", headers={"host": "elsewhere.example"}), 400)["detail"]


def test_a_failing_server_is_a_500_that_tells_nothing_of_its_inside(client: Client, connection: Connection) -> None:
    connection.execute("UPDATE settings SET value = '\"damaged\"' WHERE key = 'coverage'")
    assert "damaged" not in problem(client.get(ADDRESS), 500)["detail"]


@pytest.fixture
def _unreachable(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The list of chains is known from before."""
    client.get(ADDRESS)
    with no_database(monkeypatch):
        yield


@pytest.mark.usefixtures("_unreachable")
@pytest.mark.parametrize("path", [ADDRESS, "/health"])
def test_without_its_database_the_server_says_503(client: Client, path: str) -> None:
    detail = problem(client.get(path), 503)["detail"]
    assert detail == "The database does not answer; try again in some seconds."


@pytest.mark.usefixtures("_unreachable")
def test_without_its_database_the_admin_says_503(client: Client) -> None:
    client.cookies["sessionid"] = "0" * 32
    client.raise_request_exception = False
    assert "does not answer" in problem(client.get("/admin/"), 503)["detail"]


@pytest.mark.usefixtures("_unreachable")
def test_a_path_writes_no_lines_of_its_own_into_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.get("/user-pools/x%0a2026-01-01 ERROR forged", headers={"x-api-key": "any"})
    assert "forged" in caplog.text
    assert "\n2026-01-01" not in caplog.text
