"""The stand-in of DeFiLlama, and the settings by which it is asked."""

from collections.abc import Iterator
from datetime import date

import pytest
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from indexer.market.models import Document
from indexer.market.source import Source, open_defillama
from tests.standin.defillama import DefiLlama
from tests.standin.server import StandIn, StandInServer

TODAY = date(2026, 9, 30)
"""The last day of the stand-in's charts."""


@pytest.fixture
def standin() -> StandIn:
    """200 protocols and 1,000 pools, to be changed at will."""
    return StandIn(DefiLlama("small", today=TODAY))


@pytest.fixture
def standin_url(standin: StandIn, settings: Settings) -> Iterator[str]:
    """Where it is served, as all of DeFiLlama's hosts, with a paid key; and as Alchemy and Moralis, without keys."""
    with StandInServer(standin) as server:
        settings.DEFILLAMA_URL = settings.DEFILLAMA_YIELDS_URL = settings.DEFILLAMA_PRO_URL = server.url
        settings.DEFILLAMA_API_KEY = "a-key-of-42-letters"
        settings.ALCHEMY_URL, settings.MORALIS_URL = f"{server.url}/{{network}}", server.url
        settings.ALCHEMY_API_KEY = settings.MORALIS_API_KEY = ""
        yield server.url


@pytest.fixture
def source(standin_url: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Source]:
    """The client, at the stand-in; no document is known."""
    with django_db_blocker.unblock(), open_defillama() as source:
        Document.objects.all().delete()
        yield source
        Document.objects.all().delete()
