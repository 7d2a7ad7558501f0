"""`manage.py live`: what is seen and changed from a shell."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from indexer.access.audit import shell_actor
from indexer.access.models import AuditEntry
from indexer.workers.models import LiveChange, LiveValue
from tests.processes import manage

pytestmark = pytest.mark.django_db


def live(*arguments: str) -> str:
    out = StringIO()
    call_command("live", *arguments, stdout=out)
    return out.getvalue()


def line_of(name: str, said: str) -> str:
    [line] = [line for line in said.splitlines() if line.startswith(f"{name} ")]
    return re.sub(" +", " ", line)


def test_all_settings_are_listed_with_their_values() -> None:
    live("set", "worker.prices", "off", "--why", "they are wrong")
    LiveValue.objects.create(name="gone.setting", value=1)
    said = live("list")
    assert line_of("workers.lag", said) == "workers.lag 600 s, its default: a worker that is further behind is degraded"
    assert line_of("worker.prices", said) == "worker.prices off: whether prices works"
    assert "`live reset gone.setting` forgets it" in line_of("gone.setting", said)
    assert "forgets" not in line_of("maintenance", said)


def test_a_setting_is_changed_and_taken_back() -> None:
    said = live("set", "workers.lag", "60", "--why", "late")
    change = LiveChange.objects.get()
    assert said == f"workers.lag is 60 s; it was 600 s, its default (change {change.pk})\n"
    assert (change.actor, change.why) == (shell_actor(), "late")
    assert live("set", "workers.lag", "60") == "workers.lag is 60 s already\n"
    assert "as before change" in live("rollback", str(change.pk))
    assert not LiveValue.objects.exists()
    live("set", "workers.lag", "30")
    assert live("reset", "workers.lag").startswith("workers.lag is 600 s, its default; it was 30 s")
    assert set(AuditEntry.objects.values_list("actor", flat=True)) == {shell_actor()}


def test_one_setting_is_shown_with_its_bounds_and_its_last_change() -> None:
    live("set", "workers.error_rate", "0.1", "--why", "strict")
    value, meaning, bounds, last = live("show", "workers.error_rate").splitlines()
    assert value == "workers.error_rate is 0.1"
    assert meaning.strip() == "a worker is degraded when a larger share of its runs failed"
    assert bounds.strip() == "a number from 0 to 1; the default is 0.5"
    assert last.endswith("default → 0.1: strict")
    assert len(live("show", "workers.lag").splitlines()) == 3


def test_the_history_is_newest_first_of_one_setting_or_of_all() -> None:
    for name, value in (("workers.lag", "10"), ("workers.lag", "20"), ("workers.restarts", "3")):
        live("set", name, value)
    names = [line.split()[5] for line in live("history").splitlines()]
    assert names == ["workers.restarts", "workers.lag", "workers.lag"]
    lines = live("history", "workers.lag").splitlines()
    assert [line.partition("workers.lag  ")[2] for line in lines] == ["10 s → 20 s", "default → 10 s"]
    assert live("history", "workers.lag", "-n", "1").splitlines() == lines[:1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["set", "workers.lag", "soon"], "workers.lag cannot be 'soon': it is a number of at least 1 .s."),
        (["set", "workers.lags", "1"], "did you mean workers.lag"),
        (["set", "worker.prices", "off"], "worker.prices off makes workers rest: say why"),
        (["show", "zzz"], "`manage.py live list` shows all"),
        (["reset", "zzz"], "there is no live setting 'zzz'"),
        (["history", "zzz"], "there is no live setting 'zzz'"),
        (["rollback", "999999999"], "there is no change 999999999"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        live(*arguments)
    assert not LiveChange.objects.exists()


def test_a_shell_is_told_by_the_exit_code() -> None:
    done = manage("live", "set", "workers.lag", "soon")
    assert (done.returncode, done.stdout) == (1, "")
    assert "CommandError: workers.lag cannot be 'soon'" in done.stderr


def test_what_the_files_of_workers_declare_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTRA_APPS", "tests.workers.samples")
    done = manage("live", "list")
    assert done.returncode == 0, done.stderr
    assert line_of("flaky.share", done.stdout).startswith("flaky.share ")
