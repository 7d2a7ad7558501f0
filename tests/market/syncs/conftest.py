"""A market without anything in it, and the stand-in to fill it from."""

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from indexer.chains.models import Chain
from tests.market.syncs.tables import drop_all_months, empty_market
from tests.tasks.conftest import line as line
from tests.tasks.conftest import samples as samples


@pytest.fixture
def market(chains: list[Chain], standin_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Empty tables of the market; the URL that it is filled from."""
    with django_db_blocker.unblock():
        empty_market()
        drop_all_months()
        yield standin_url
        empty_market()
        drop_all_months()
