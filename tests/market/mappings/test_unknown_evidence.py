"""Evidence of a kind that this version does not know is passed over."""

import pytest
from django.core.management import call_command
from django.db import transaction

from indexer.market.candidates import FREE, Home, Place
from indexer.market.mappings import store
from indexer.market.models import ContractMapping, MappingEvidence
from indexer.market.score import Evidence, EvidenceKind
from tests.market.mappings.local_pools import Make


def test_a_kind_that_nobody_knows_counts_for_nothing(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    pool = make("", url=None)
    home = Home("eip155", pool.chain_id)
    found = {pool.pk: {Place(*home, "0x" + "12" * 20, "pool"): [Evidence(EvidenceKind.URL, FREE)]}}
    with transaction.atomic():
        store(found, [FREE], {pool.pk: home})
    mapping = ContractMapping.objects.get()
    MappingEvidence.objects.create(mapping=mapping, kind="telepathy", source="newer")
    with transaction.atomic():
        assert store(found, [FREE], {pool.pk: home}).unchanged == 1
    call_command("explain_mapping", str(pool.pk))
    said = capsys.readouterr().out
    assert "as its pool: 0.4" in said
    assert "telepathy by newer: it counts for nothing in this version" in said
    assert MappingEvidence.objects.filter(kind="telepathy").exists()
