"""Accepting and dismissing a proposed job, over REST and in the admin: once, by who may, and on record."""

import re

import pytest
from django.test import Client

from indexer.access.keys import make_key
from indexer.access.models import AuditEntry
from indexer.access.scopes import OPERATOR
from indexer.chains.connections import Connection
from indexer.market.models import WatchProposal
from tests.api.problems import problem
from tests.market.listed import PROPOSAL, VAULT, market
from tests.people import LogIn

__all__ = ["market"]

pytestmark = pytest.mark.usefixtures("market")
REST = f"/api/v1/market/proposals/{PROPOSAL}"
PAGE = f"/admin/market/watchproposal/{PROPOSAL}"
LIST = "/admin/market/watchproposal/"


@pytest.fixture
def operator(market: None) -> Client:
    key = make_key("operator", sorted(OPERATOR.scopes), created_by="test").text
    return Client(headers={"authorization": f"Bearer {key}"})


def watched(connection: Connection) -> list[str]:
    rows = connection.execute("SELECT encode(contract_address, 'hex') FROM jobs WHERE NOT retired").fetchall()
    return [f"0x{contract}" for (contract,) in rows]


def test_an_accepted_proposal_is_watched_and_is_decided_once(operator: Client, connection: Connection) -> None:
    accepted = operator.post(f"{REST}/accept").json()
    assert (accepted["state"], accepted["decided_by"]) == ("accepted", "key:operator")
    assert watched(connection) == [VAULT]
    # What is accepted is accepted: to say so again is no change, and nothing to record.
    assert operator.post(f"{REST}/accept").json() == accepted
    assert problem(operator.post(f"{REST}/dismiss"), 409)["detail"].startswith("Nothing was changed: ")
    assert WatchProposal.objects.get().state == "accepted"
    done, failed = AuditEntry.objects.order_by("id").values_list("actor", "action", "chain", "target", "outcome")
    of = ("hilltop", f"proposal {PROPOSAL}: {VAULT}")
    assert done == ("key:operator", "accept proposal", *of, "1 entries, 1 jobs added, 1 labels added")
    assert failed[:4] == ("key:operator", "dismiss proposal", *of)
    assert failed[4].startswith("failed: ")


def test_a_dismissed_proposal_is_not_watched(operator: Client, connection: Connection) -> None:
    assert operator.post(f"{REST}/dismiss").json()["state"] == "dismissed"
    assert watched(connection) == []
    assert problem(operator.post("/api/v1/market/proposals/99/accept"), 404)


@pytest.mark.parametrize(("action", "state"), [("accept", "accepted"), ("dismiss", "dismissed")])
def test_a_page_says_what_a_decision_means_before_it_is_made(log_in: LogIn, action: str, state: str) -> None:
    client = log_in("operator")
    assert f"{PAGE}/decide/{action}/" in client.get(LIST).content.decode()
    assert f"{PAGE}/decide/{action}/" in client.get(f"{PAGE}/change/").content.decode()
    text = re.sub(r"\s+", " ", client.get(f"{PAGE}/decide/{action}/").content.decode())
    assert "The contract is" in text
    assert WatchProposal.objects.get().state == "proposed"
    assert VAULT in client.post(f"{PAGE}/decide/{action}/", follow=True).content.decode()
    decided = WatchProposal.objects.get()
    assert (decided.state, decided.decided_by) == (state, "some-operator")
    assert AuditEntry.objects.get().action == f"{action} proposal"
    # It is offered no more, and an old page changes nothing.
    assert "/decide/" not in client.get(LIST).content.decode()
    other = {"accept": "dismiss", "dismiss": "accept"}[action]
    assert "Nothing was changed" in client.post(f"{PAGE}/decide/{other}/", follow=True).content.decode()
    assert WatchProposal.objects.get().state == state


def test_a_viewer_decides_nothing(log_in: LogIn) -> None:
    client = log_in("viewer")
    for page in (LIST, f"{PAGE}/change/"):
        assert "/decide/" not in client.get(page).content.decode()
    assert client.post(f"{PAGE}/decide/accept/").status_code == 403
    assert WatchProposal.objects.get().state == "proposed"


def test_what_cannot_be_decided_is_not_found(log_in: LogIn) -> None:
    client = log_in("operator")
    assert client.get(f"{PAGE}/decide/burn/").status_code == 404
    assert client.get("/admin/market/watchproposal/99/decide/accept/").status_code == 404
