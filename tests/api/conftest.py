"""A client of the real routes, and the chains it asks for."""

import pytest
from django.test import Client

from api.resource import Resource
from indexer.chains.models import Chain


@pytest.fixture
def client(chains: list[Chain]) -> Client:
    """It reads the list of chains anew, and sees a server error as users do."""
    Resource.chains.forget()
    return Client(raise_request_exception=False)
