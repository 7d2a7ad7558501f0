"""GET /metrics of the web server: the market's pools, how many are mapped, and how old its documents are."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import now

from api.resource import Resource
from indexer.market.models import Document, RejectedRow
from tests.market.listed import market
from tests.metrics import parse, value

__all__ = ["market"]


@pytest.mark.usefixtures("market")
def test_the_market_shows_its_size_its_age_and_what_was_not_taken() -> None:
    Resource.chains.forget()
    Document.objects.update(taken_at=now() - timedelta(hours=2))
    RejectedRow.objects.filter(key="x").update(last_at=now() - timedelta(days=2))
    samples = parse(Client().get("/metrics").content.decode())
    expected = {"pools": 4, "pools_vanished": 1, "pools_mapped": 2, "protocols": 2}
    assert {name: value(samples, f"footprint_market_{name}") for name in expected} == expected
    age = value(samples, "footprint_market_document_age_seconds", document="defillama:/pools")
    assert age is not None
    assert 7200 <= age < 7260
    assert value(samples, "footprint_market_rejected_rows", task="sync-pools", reason="spike") == 1
    assert value(samples, "footprint_market_rejected_rows", task="sync-pools", reason="shape") is None
    assert value(samples, "footprint_market_proposals", state="proposed") == 1
