"""A client of the real routes, and the chains it asks for."""

import pytest
from django.test import Client

from api.resource import Resource
from indexer.access.keys import make_key
from indexer.access.scopes import OPERATOR
from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.answers import memory
from tests.api.changes import tell_tasks
from tests.tasks.told import told

__all__ = ["told"]


@pytest.fixture
def client(chains: list[Chain]) -> Client:
    """It reads the chains, their states and jobs anew, and sees a server error as users do."""
    Resource.chains.forget()
    Resource.states.forget()
    memory.forget()
    return Client(raise_request_exception=False)


@pytest.fixture
def tasks_told(told: Connection) -> None:
    """There is something wherever a route about tasks leads."""
    tell_tasks(told)


@pytest.fixture
def _states_stay(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of the chains and their states is not read anew while the test runs."""
    monkeypatch.setattr(Resource.chains, "seconds", 600)
    monkeypatch.setattr(Resource.states, "seconds", 600)


@pytest.fixture
def _states_fresh(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read anew for every request."""
    monkeypatch.setattr(Resource.chains, "seconds", 0)
    monkeypatch.setattr(Resource.states, "seconds", 0)


@pytest.fixture
def operator(client: Client) -> Client:
    """A client that shows an operator's key."""
    key = make_key("operator", sorted(OPERATOR.scopes), created_by="test").text
    return Client(raise_request_exception=False, headers={"authorization": f"Bearer {key}"})
