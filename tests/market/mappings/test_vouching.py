"""Who vouches for what a contract answers: by what is stored, and by whom people watch."""

import pytest
from django.db import transaction
from django.utils.timezone import now

from indexer.market.candidates import Home, Place
from indexer.market.identity import ATOKEN, BALANCER, PAIR, VAULT
from indexer.market.mappings import store
from indexer.market.models import MappingEvidence, Pool
from indexer.market.score import Evidence, EvidenceKind, score
from indexer.market.vouching import BESIDE, NOBODY, SHARED, SILENT, WATCHED, is_vouched, who_vouches
from indexer.market.witnesses import vouch
from tests.market.mappings.local_pools import Make

FACTORY = "0x" + "fa" * 20
KEY = Evidence(EvidenceKind.KEY, "pool id")
URL = Evidence(EvidenceKind.URL, "defillama")
NAMED = Evidence(EvidenceKind.NAMED, "defillama-pro")
SYMBOL = Evidence(EvidenceKind.SYMBOL, "alchemy")


@pytest.mark.parametrize(
    ("form", "named", "watched", "others", "beside", "words"),
    [
        (PAIR, True, True, 0, [URL], WATCHED[PAIR]),
        (PAIR, True, False, 3, [URL], SHARED),
        (PAIR, True, False, 2, [URL], NOBODY[PAIR]),
        (PAIR, False, False, 0, [URL], SILENT),
        (PAIR, False, False, 0, [KEY], f"{BESIDE}{score([KEY]).words}"),
        (ATOKEN, True, True, 0, [URL], WATCHED[ATOKEN]),
        # There is no limit to what a lending pool of one's own takes in.
        (ATOKEN, True, False, 9, [URL], NOBODY[ATOKEN]),
        # Anybody may register what he has deployed, at whatever vault.
        (BALANCER, True, True, 9, [URL], NOBODY[BALANCER]),
        # The source's own word is one source.
        (VAULT, False, False, 0, [NAMED, URL], NOBODY[VAULT]),
        (VAULT, False, False, 0, [NAMED, SYMBOL], f"{BESIDE}alchemy and defillama-pro agree"),
        # a form of a newer version
        ("safe", True, True, 9, [URL], "nobody"),
    ],
)
def test_who_vouches(form: str, named: bool, watched: bool, others: int, beside: list[Evidence], words: str) -> None:
    said = who_vouches(form, named=named, watched=watched, others=others, beside=score(beside))
    assert said.replace("defillama-pro and alchemy", "alchemy and defillama-pro") == words


@pytest.mark.parametrize(
    ("words", "beside", "enough"),
    [
        (WATCHED[PAIR], [URL], True),
        (WATCHED[ATOKEN], [URL], True),
        (SHARED, [URL], True),
        (NOBODY[VAULT], [URL], False),
        (SILENT, [NAMED], False),
        # Nothing has been said yet.
        (None, [URL], False),
        # What was said is older than what is known.
        (f"{BESIDE}defillama-pro and alchemy agree", [URL], False),
        (NOBODY[VAULT], [KEY], True),
    ],
)
def test_a_person_is_asked_where_nobody_vouches(words: str | None, beside: list[Evidence], enough: bool) -> None:
    answers = Evidence(EvidenceKind.IDENTITY, "chain", {"form": PAIR, "vouched": words})
    assert is_vouched([answers, *beside]) is enough
    assert is_vouched(beside) is (beside == [KEY])


def test_only_other_pairs_that_more_than_their_answers_speaks_for_vouch_for_a_factory(make: Make) -> None:
    answers = Evidence(EvidenceKind.IDENTITY, "chain", {"form": PAIR, "named_by": FACTORY})

    def add(number: int, *beside: Evidence) -> None:
        pool = make("", url=None)
        home = Home("eip155", pool.chain_id)
        with transaction.atomic():
            store({pool.pk: {Place(*home, f"0x{number:040x}", "pool"): [answers, *beside]}}, [], {pool.pk: home})
            vouch([])

    def said(number: int) -> set[str]:
        of = MappingEvidence.objects.filter(kind="identity", mapping__address=f"0x{number:040x}")
        return set(of.values_list("detail__vouched", flat=True))

    for number in range(1, 6):
        add(number, URL)
    assert said(1) == {NOBODY[PAIR]}
    # Pools of one and the same pair are one pair.
    for _ in range(3):
        add(6, KEY)
    assert said(1) == {NOBODY[PAIR]}
    add(7, KEY)
    add(8, KEY)
    assert said(1) == said(5) == {SHARED}
    # It is none of the others.
    assert said(8) == {f"{BESIDE}{score([KEY]).words}"}
    # Whom the source lists no more, it may have found out.
    Pool.objects.filter(mappings__address=f"0x{8:040x}").update(vanished_at=now())
    with transaction.atomic():
        vouch([])
    assert said(1) == {NOBODY[PAIR]}
