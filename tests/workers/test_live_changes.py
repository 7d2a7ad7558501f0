"""Every change of a live setting has a maker, a time and a way back, and stands in the audit."""

import re

import pytest

from indexer.access.models import AuditEntry
from indexer.workers.live import ERROR_RATE, LAG, MAINTENANCE, LiveError, LiveSetting, Value, declare
from indexer.workers.live_changes import LONGEST_WHY, history, reset, roll_back, set_value
from indexer.workers.live_values import web_values
from indexer.workers.models import LiveChange, LiveValue

pytestmark = pytest.mark.django_db

COLOUR = declare(LiveSetting("sample.colour", "red", "a colour", choices=("red", "blue")))


def value_of(setting: LiveSetting) -> Value:
    web_values.forget()
    return web_values().value(setting)


def audited() -> list[tuple[str, str, str, str]]:
    entries = AuditEntry.objects.order_by("id").values_list("actor", "action", "target", "outcome")
    return [(actor, action, target, re.sub(r"change \d+", "change N", said)) for actor, action, target, said in entries]


def test_a_value_is_set_in_its_own_type_and_reset_to_its_default() -> None:
    done = set_value(LAG.name, "60", actor="ada", why="it is late")
    assert done.words == "workers.lag is 60 s; it was 600 s, its default"
    assert value_of(LAG) == 60.0
    assert set_value(LAG.name, 90, actor="bob").words == "workers.lag is 90 s; it was 60 s"
    assert reset(LAG.name, actor="ada").words == "workers.lag is 600 s, its default; it was 90 s"
    assert value_of(LAG) == 600.0
    assert not LiveValue.objects.exists()
    assert [(change.actor, change.old, change.new, change.why) for change in history(LAG.name)] == [
        ("ada", 90.0, None, ""),
        ("bob", 60.0, 90.0, ""),
        ("ada", None, 60.0, "it is late"),
    ]


def test_a_change_stands_in_the_audit_with_its_outcome() -> None:
    done = set_value(LAG.name, "60", actor="ada", why="it is late")
    roll_back(done.change.pk if done.change else 0, actor="bob")
    reset(LAG.name, actor="bob")
    assert audited() == [
        ("ada", "set live setting", LAG.name, "change N: workers.lag is 60 s; it was 600 s, its default (it is late)"),
        (
            "bob",
            "roll back live setting",
            LAG.name,
            "change N: workers.lag is 600 s, its default; it was 60 s (takes back change N of ada)",
        ),
        ("bob", "reset live setting", LAG.name, "unchanged: workers.lag is 600 s, its default"),
    ]


def test_what_is_so_already_is_no_change() -> None:
    set_value(LAG.name, 60, actor="ada")
    again = set_value(LAG.name, "60.0", actor="ada")
    assert (again.change, again.words) == (None, "workers.lag is 60 s already")
    assert LiveChange.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        (LAG.name, "soon", "workers.lag cannot be 'soon': it is a number of at least 1"),
        (ERROR_RATE.name, 1.5, "a number from 0 to 1"),
        (COLOUR.name, "green", "one of red, blue"),
        ("worker.prices", "maybe", "on or off"),
        ("workers.lags", "1", "did you mean workers.lag"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(name: str, given: Value, said: str) -> None:
    with pytest.raises(LiveError, match=said):
        set_value(name, given, actor="ada", why="because")
    assert not LiveChange.objects.exists()


@pytest.mark.parametrize(("name", "given"), [("worker.prices", "off"), (MAINTENANCE.name, True)])
def test_whoever_makes_workers_rest_says_why(name: str, given: Value) -> None:
    with pytest.raises(LiveError, match="makes workers rest: say why"):
        set_value(name, given, actor="ada", why="  ")
    set_value(name, given, actor="ada", why="the provider is down")
    # The way back to work needs no reason.
    assert reset(name, actor="bob").change


def test_a_reason_has_an_end() -> None:
    with pytest.raises(LiveError, match="1,000 is the most"):
        set_value(LAG.name, 5, actor="ada", why="x" * (LONGEST_WHY + 1))


def test_a_flag_is_off_with_its_reason_for_every_reader() -> None:
    set_value("worker.prices", False, actor="ada", why="they are wrong")
    web_values.forget()
    values = web_values()
    assert not values.flag("prices")
    assert values.flag("pools")
    assert re.fullmatch(r"ada, \d{4}-\d\d-\d\d [\d:]{8} UTC: they are wrong", values.set_by(flag("prices")))
    assert values.set_by(flag("pools")) == ""


def flag(worker: str) -> LiveSetting:
    return LiveSetting(f"worker.{worker}", True, "")


def test_a_rollback_gives_the_value_from_before_that_change() -> None:
    first, second, third = (set_value(LAG.name, value, actor="ada").change for value in (10, 20, 30))
    assert first
    assert second
    assert third
    done = roll_back(second.pk, actor="bob")
    assert done.words == (
        f"workers.lag is 10 s; it was 30 s, as before change {second.pk}; with it 1 later change is undone"
    )
    assert done.change
    assert done.change.rolls_back == second
    assert done.change.why == f"takes back change {second.pk} of ada"
    assert roll_back(second.pk, actor="bob").change is None
    # A rollback is a change like any other.
    roll_back(done.change.pk, actor="bob", why="it was right")
    assert value_of(LAG) == 30.0
    roll_back(first.pk, actor="bob")
    assert value_of(LAG) == 600.0


def test_a_rollback_of_what_is_not_there_or_does_not_fit_any_more_is_refused() -> None:
    with pytest.raises(LiveError, match="there is no change 999999999"):
        roll_back(999999999, actor="ada")
    stale = LiveChange.objects.create(name=COLOUR.name, old="green", new="red", actor="ada")
    with pytest.raises(LiveError, match="one of red, blue"):
        roll_back(stale.pk, actor="ada")


def test_what_nobody_declares_any_more_is_passed_over_and_can_be_forgotten() -> None:
    LiveValue.objects.create(name="gone.setting", value=1)
    LiveChange.objects.create(name="gone.setting", old=None, new=1, actor="ada")
    assert reset("gone.setting", actor="ada").words == "gone.setting is not set; it was 1"
    assert history("gone.setting").count() == 2
    with pytest.raises(LiveError, match="no live setting"):
        reset("gone.setting", actor="ada")
    with pytest.raises(LiveError, match="no live setting"):
        history("never.was")


@pytest.mark.parametrize("stored", ["green", 3, None, [1]])
def test_a_stored_value_that_fits_no_more_is_told_once_and_the_default_holds(
    stored: object, caplog: pytest.LogCaptureFixture
) -> None:
    LiveChange.objects.create(name=COLOUR.name, old=None, new=stored, actor="ada")
    LiveValue.objects.create(name=COLOUR.name, value=stored if stored is not None else [])
    assert [value_of(COLOUR) for _ in range(3)] == ["red"] * 3
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 1
    assert "its default holds, red" in told[0]


def test_a_number_and_a_switch_are_read_as_such() -> None:
    web_values.forget()
    values = web_values()
    assert values.number(LAG) == 600.0
    assert values.switch(MAINTENANCE) is False
    with pytest.raises(LiveError, match="not a number"):
        values.number(COLOUR)
    with pytest.raises(LiveError, match="not a setting that is on or off"):
        values.switch(LAG)
