"""What an endpoint bears shrinks on evidence only, survives as JSON, and is forgotten when it may have healed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.rpc import Limits
from indexer.rpc.limits import DAY, HEALS_AFTER, HOUR, OFF_FOR

NOW = 1_800_000_000.0


def full() -> Limits:
    limits = Limits(rate=12.5, range_size={"by topic": 500})
    for name in ("blocks", "logs", "addresses", "batch"):
        limits.shrink(name, 100, NOW)
    limits.delay_logs(2, NOW)
    limits.prune(4999, NOW)
    limits.switch_off("eth_getBlockReceipts", NOW)
    return limits


def test_a_limit_only_shrinks() -> None:
    limits = Limits()
    for value in (500, 1000, 200, 0):
        limits.shrink("blocks", value, NOW)
    assert limits.blocks == 1
    limits.prune(10, NOW)
    limits.prune(5, NOW)
    assert limits.pruned_below == 11


@pytest.mark.parametrize("name", HEALS_AFTER)
def test_what_may_have_healed_is_forgotten(name: str) -> None:
    limits = full()
    limits.forget_old(NOW + HEALS_AFTER[name] - 1)
    assert getattr(limits, name)
    limits.forget_old(NOW + HEALS_AFTER[name])
    assert not getattr(limits, name)


def test_what_is_met_again_stays() -> None:
    limits = full()
    limits.shrink("blocks", 100, NOW + 6 * DAY)
    limits.forget_old(NOW + 8 * DAY)
    assert (limits.blocks, limits.logs, limits.rate, limits.range_size) == (100, None, 12.5, {"by topic": 500})


def test_a_method_is_off_for_a_day_in_every_form_and_a_form_alone() -> None:
    limits = Limits()
    limits.switch_off("eth_getLogs by topic", NOW)
    assert not limits.serves("eth_getLogs by topic", NOW)
    assert limits.serves("eth_getLogs by address", NOW)
    assert limits.serves("eth_getLogs", NOW)
    limits.switch_off("eth_getLogs", NOW + HOUR)
    assert not limits.serves("eth_getLogs by address", NOW + HOUR)
    assert limits.serves("eth_getLogs by address", NOW + HOUR + OFF_FOR)
    limits.forget_old(NOW + HOUR + OFF_FOR)
    assert limits.off == {}


def test_they_come_back_from_json_as_they_were() -> None:
    limits = full()
    assert Limits.from_dict(json.loads(json.dumps(limits.to_dict()))) == limits
    assert Limits().to_dict() == {}


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"unknown": 1},
        {"blocks": "many", "off": [], "learned": {"blocks": "x"}},
        {"blocks": None, "log_delay": None, "range_size": {"by topic": "all"}},
        {"rate": {}, "off": {"eth_getLogs": None}},
    ],
)
def test_what_does_not_fit_is_left_out(stored: dict[str, object]) -> None:
    assert Limits.from_dict(stored) == Limits()
    assert Limits.from_dict(stored | {"batch": 7}) == Limits(batch=7)


NUMBERS = st.integers(-(2**63), 2**63) | st.floats()
VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(["", "7", "many"]), st.lists(NUMBERS, max_size=2))


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*Limits.__struct_fields__, "more"]),
        VALUES | st.dictionaries(st.sampled_from(["blocks", "eth_getLogs"]), VALUES, max_size=2),
    )
)
def test_no_json_breaks_them(stored: dict[str, object]) -> None:
    limits = Limits.from_dict(stored)
    limits.forget_old(NOW)
    limits.shrink("blocks", 5, NOW)
    assert isinstance(limits.to_dict(), dict)


def test_two_do_not_share_what_they_learn() -> None:
    one, other = Limits(), Limits()
    one.switch_off("eth_getLogs", NOW)
    assert other.off == {}
