"""A live setting takes what its declaration says, and names what would be right for everything else."""

import math

import pytest

from indexer.workers.live import MAINTENANCE, LiveError, LiveSetting, Value, declare, declared, find, flag_of

SWITCH = LiveSetting("sample.switch", True, "a switch")
COUNT = LiveSetting("sample.count", 10, "a count", "pools", least=1, most=100)
SECONDS = LiveSetting("sample.seconds", 1.5, "a time", "s", least=0.5)
TEXT = LiveSetting("sample.text", "", "any text")
COLOUR = LiveSetting("sample.colour", "red", "a colour", choices=("red", "blue"))


@pytest.mark.parametrize(
    ("setting", "given", "value"),
    [
        (SWITCH, False, False),
        (COUNT, 1, 1),
        (COUNT, 100, 100),
        (COUNT, 5.0, 5),  # JSON does not tell them apart
        (SECONDS, 2, 2.0),
        (SECONDS, 0.5, 0.5),
        (TEXT, "1", "1"),
        (COLOUR, "blue", "blue"),
    ],
)
def test_what_fits_is_taken_in_the_settings_own_type(setting: LiveSetting, given: object, value: Value) -> None:
    found = setting.check(given)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("setting", "given"),
    [
        (SWITCH, 1),
        (SWITCH, "on"),
        (SWITCH, None),
        (COUNT, True),
        (COUNT, 0),
        (COUNT, 101),
        (COUNT, 5.5),
        (COUNT, "5"),
        (SECONDS, False),
        (SECONDS, 0.49),
        (SECONDS, math.nan),
        (SECONDS, math.inf),
        (SECONDS, [1]),
        (SECONDS, 10**400),
        (TEXT, 1),
        (TEXT, "x" * 1001),
        (TEXT, "no NUL\0"),
        (COLOUR, "green"),
        (COLOUR, ""),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(setting: LiveSetting, given: object) -> None:
    with pytest.raises(LiveError) as refusal:
        setting.check(given)
    assert str(refusal.value) == f"{setting.name} cannot be {given!r}: it is {setting.wanted}"


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        (SWITCH, "off", False),
        (SWITCH, " ON ", True),
        (SWITCH, "no", False),
        (SWITCH, "1", True),
        (COUNT, "7", 7),
        (COUNT, "7.0", 7),
        (SECONDS, "2", 2.0),
        (SECONDS, "1e3", 1000.0),
        (TEXT, " spaces go ", "spaces go"),
        (COLOUR, "blue", "blue"),
    ],
)
def test_a_person_writes_a_value_as_text(setting: LiveSetting, text: str, value: Value) -> None:
    found = setting.parse(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (SWITCH, "maybe"),
        (SWITCH, ""),
        (COUNT, "many"),
        (COUNT, "7.5"),
        (COUNT, "1000"),
        (SECONDS, "nan"),
        (COUNT, ""),
        (SECONDS, "9" * 400),
    ],
)
def test_a_text_that_cannot_be_a_value_is_refused(setting: LiveSetting, text: str) -> None:
    with pytest.raises(LiveError, match=f"{setting.name} cannot be .*: it is "):
        setting.parse(text)


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        (SWITCH, "on or off"),
        (COUNT, "a whole number from 1 to 100 (pools)"),
        (SECONDS, "a number of at least 0.5 (s)"),
        (LiveSetting("sample.share", 0.5, "", most=1), "a number of at most 1"),
        (TEXT, "a text of at most 1,000 characters"),
        (COLOUR, "one of red, blue"),
    ],
)
def test_what_is_wanted_is_said_in_words(setting: LiveSetting, wanted: str) -> None:
    assert setting.wanted == wanted


@pytest.mark.parametrize(
    ("setting", "value", "shown"),
    [(SWITCH, False, "off"), (COUNT, 7, "7 pools"), (SECONDS, 2.0, "2 s"), (SECONDS, 2.5e6, "2500000 s")],
)
def test_a_value_is_shown_with_its_unit(setting: LiveSetting, value: Value, shown: str) -> None:
    assert setting.show(value) == shown
    assert setting.parse(setting.write(value)) == value


def test_the_same_may_be_declared_twice_and_nothing_else() -> None:
    first = declare(LiveSetting("sample.declared", 1, "once"))
    assert declare(LiveSetting("sample.declared", 1, "once")) is first
    assert find("sample.declared") is first
    assert first in declared()
    # True equals 1, and is another type.
    for other in (LiveSetting("sample.declared", 2, "once"), LiveSetting("sample.declared", True, "once")):
        with pytest.raises(LiveError, match=r"sample\.declared is declared twice"):
            declare(other)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (LiveSetting("Sample", 1, ""), "cannot be the name"),
        (LiveSetting("sample..x", 1, ""), "cannot be the name"),
        (LiveSetting("x" * 121, 1, ""), "cannot be the name"),
        (LiveSetting("sample.none", None, ""), "default of type NoneType"),  # type: ignore[arg-type]
        (LiveSetting("sample.low", 0, "", least=1), "sample.low cannot be 0"),
        (LiveSetting("sample.choice", "green", "", choices=("red",)), "one of red"),
        (LiveSetting("sample.number", 1, "", choices=("1",)), "has choices"),
        (LiveSetting("worker.sample", 1, ""), "on or off"),
    ],
)
def test_a_malformed_declaration_is_refused(setting: LiveSetting, said: str) -> None:
    with pytest.raises(LiveError, match=said):
        declare(setting)
    assert setting not in declared()


def test_every_worker_has_a_flag_that_is_on() -> None:
    flag = find("worker.historic-ethereum-1")
    assert flag == flag_of("historic-ethereum-1")
    assert flag.default is True
    assert flag not in declared()


def test_a_declared_flag_keeps_what_its_worker_says_of_it() -> None:
    flag = declare(LiveSetting("worker.sample-declared", False, "it costs money, so it is off at first"))
    assert flag_of("sample-declared") is flag


@pytest.mark.parametrize("name", ["workers.lags", "maintenence"])
def test_an_unknown_name_is_answered_with_near_ones(name: str) -> None:
    with pytest.raises(LiveError, match=f"no live setting '{name}'; did you mean (workers.lag|maintenance)"):
        find(name)


@pytest.mark.parametrize("name", ["", "zzz", "worker.", "worker.a b", "worker." + "x" * 120])
def test_a_name_that_is_near_nothing_is_answered_with_the_list(name: str) -> None:
    with pytest.raises(LiveError, match="there is no live setting"):
        find(name)


@pytest.mark.parametrize(
    ("setting", "value", "needed"),
    [(flag_of("x"), False, True), (flag_of("x"), True, False), (MAINTENANCE, True, True), (MAINTENANCE, False, False)],
)
def test_a_reason_is_needed_where_workers_are_to_rest(setting: LiveSetting, value: Value, needed: bool) -> None:
    assert setting.needs_reason(value) is needed
