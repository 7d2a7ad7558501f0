"""What of a chain's headers can be relied on comes from its profile, or from the first proof that succeeds."""

from __future__ import annotations

import threading

import pytest

from indexer.chains.profiles import read_profiles
from indexer.rpc.trust import CLAIMS, NOT_WITH, PATIENCE, Claim, Trust

ALWAYS, NEVER, LEARN = (True, True), (False, False), (False, True)
"""Whether a claim holds, and whether it is worth trying."""


def standing(trust: Trust, claim: Claim) -> tuple[bool, bool]:
    return trust.holds(claim), trust.worth(claim)


@pytest.mark.parametrize(
    ("quirks", "header_hash", "receipts_root", "bloom"),
    [
        ([], LEARN, LEARN, LEARN),
        (["state-sync-logs"], LEARN, NEVER, NEVER),
        (["no-bloom"], LEARN, LEARN, NEVER),
        (["no-receipts-root"], LEARN, NEVER, LEARN),
        (["foreign-header-hash"], NEVER, LEARN, LEARN),
        (["zero-transaction-hash"], LEARN, NEVER, LEARN),
        (["null-rounds", "log-index-gaps", "async-execution"], LEARN, LEARN, LEARN),
        (["no-bloom", "foreign-header-hash", "no-receipts-root"], NEVER, NEVER, NEVER),
    ],
)
def test_a_quirk_rules_out_what_cannot_hold(
    quirks: list[str], header_hash: tuple[bool, bool], receipts_root: tuple[bool, bool], bloom: tuple[bool, bool]
) -> None:
    expected = dict(zip(CLAIMS, (header_hash, receipts_root, bloom), strict=True))
    learning, standard = Trust.of_quirks(quirks, False), Trust.of_quirks(quirks, True)
    for claim in CLAIMS:
        assert standing(learning, claim) == expected[claim]
        assert standing(standard, claim) == (NEVER if expected[claim] == NEVER else ALWAYS)


def test_what_a_quirk_rules_out_is_not_learned() -> None:
    trust = Trust.of_quirks(["no-bloom"], False)
    trust.note("bloom", True)
    assert standing(trust, "bloom") == NEVER
    assert trust.to_dict() == {}


def test_the_first_success_is_enough() -> None:
    trust = Trust.of_quirks([], False)
    trust.note("receipts_root", True)
    for _ in range(PATIENCE * 2):
        trust.note("receipts_root", False)
    assert standing(trust, "receipts_root") == ALWAYS
    assert standing(trust, "bloom") == LEARN


def test_failures_without_success_end_the_trying() -> None:
    trust = Trust.of_quirks([], False)
    for _ in range(PATIENCE - 1):
        trust.note("header_hash", False)
    assert standing(trust, "header_hash") == LEARN
    trust.note("header_hash", False)
    assert standing(trust, "header_hash") == NEVER
    assert standing(trust, "receipts_root") == LEARN
    trust.note("header_hash", True)
    assert standing(trust, "header_hash") == ALWAYS


def test_a_standard_chain_is_not_talked_out_of_it() -> None:
    trust = Trust.of_quirks([], True)
    for _ in range(PATIENCE * 2):
        trust.note("header_hash", False)
    assert standing(trust, "header_hash") == ALWAYS


def test_what_is_known_from_a_block_on_says_nothing_of_those_before() -> None:
    trust = Trust.of_quirks([], True, since=4_370_000)
    assert trust.holds("receipts_root", 4_370_000)
    assert not trust.holds("receipts_root", 4_369_999)
    assert trust.worth("receipts_root")


def test_what_is_learned_holds_from_the_earliest_block_that_showed_it() -> None:
    trust = Trust.of_quirks([], False)
    trust.note("header_hash", True, 1_000)
    trust.note("header_hash", False, 400)
    assert (trust.holds("header_hash"), trust.holds("header_hash", 999)) == (True, False)
    trust.note("header_hash", True, 500)
    trust.note("header_hash", True, 2_000)
    assert (trust.holds("header_hash", 500), trust.holds("header_hash", 499)) == (True, False)


def test_what_was_learned_is_kept() -> None:
    trust = Trust.of_quirks([], False)
    trust.note("receipts_root", True, 700)
    trust.note("bloom", True, 800)
    for _ in range(PATIENCE):
        trust.note("header_hash", False)
    kept = trust.to_dict()
    assert kept == {"receipts_root": 700, "bloom": 800}
    again = Trust.from_dict(kept, [], False)
    assert [standing(again, claim) for claim in CLAIMS] == [LEARN, ALWAYS, ALWAYS]
    assert not again.holds("receipts_root", 699)
    assert again.to_dict() == kept


def test_the_profile_prevails_over_what_was_learned() -> None:
    trust = Trust.from_dict({"bloom": 0, "receipts_root": 50}, ["no-bloom"], True, since=100)
    trust.note("receipts_root", True, 60)  # one node's success; another has not what it takes before block 100
    assert standing(trust, "bloom") == NEVER
    assert (trust.holds("receipts_root", 100), trust.holds("receipts_root", 99)) == (True, False)
    assert trust.to_dict() == {}


@pytest.mark.parametrize("odd", [{"bloom": "yes"}, {"bloom": None}, {"bloom": -1}, {"moon": 3}, {"bloom": [1]}])
def test_what_cannot_be_read_is_learned_anew(odd: dict[str, object]) -> None:
    trust = Trust.from_dict(odd, [], False)
    assert [standing(trust, claim) for claim in CLAIMS] == [LEARN] * 3


def test_threads_learn_together() -> None:
    for _ in range(20):
        trust = Trust.of_quirks([], False)
        start = threading.Barrier(8)

        def learn(number: int, trust: Trust = trust, start: threading.Barrier = start) -> None:
            start.wait()
            trust.note("receipts_root", number == 3, 10 + number)
            trust.note("bloom", True, 10 + number)
            if number < PATIENCE:
                trust.note("header_hash", False)

        threads = [threading.Thread(target=learn, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [standing(trust, claim) for claim in CLAIMS] == [NEVER, ALWAYS, ALWAYS]
        assert trust.to_dict() == {"receipts_root": 13, "bloom": 10}


def test_every_quirk_that_forbids_a_claim_is_one_of_the_profiles() -> None:
    used = {quirk for profile in read_profiles().values() for quirk in profile.quirks}
    assert set(NOT_WITH) <= used
