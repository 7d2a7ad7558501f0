"""Changing live settings: who, when and why of every change, and the way back.

A reason is required where a change makes workers rest, that is for a flag that is switched off and for maintenance
that is switched on: those are what somebody else stands before and wonders. A rollback brings its reason along.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import QuerySet

from indexer.access.audit import Recording, recorded
from indexer.workers.live import LiveError, Value
from indexer.workers.live_known import known_or_none, known_setting
from indexer.workers.live_values import CHANNEL
from indexer.workers.models import LiveChange, LiveValue

# Held until the commit: changes become visible in the order of their ids, so that no process passes one over.
LOCK = "SELECT pg_advisory_xact_lock(776006)"
NOTIFY = "SELECT pg_notify(%s, %s)"
LONGEST_WHY = 1000
"""Characters of a reason."""


class Outcome(NamedTuple):
    """What a change came to: None where there was nothing to change. `words` say it to whoever asked for it."""

    change: LiveChange | None
    words: str


def set_value(name: str, given: Value, *, actor: str, why: str = "") -> Outcome:
    """Set a live setting to a value of its type, or to what a text says. LiveError where that cannot be."""
    setting = known_setting(name)
    value = setting.parse(given) if isinstance(given, str) else setting.check(given)
    if setting.needs_reason(value) and not why.strip():
        raise LiveError(f"{name} {setting.show(value)} makes workers rest: say why")
    with recording(actor, "set live setting", name, why) as record:
        return store(name, value, actor, why, record)


def reset(name: str, *, actor: str, why: str = "") -> Outcome:
    """Give a live setting its default again. Also one that nobody declares any more, if it still has a value."""
    if not LiveValue.objects.filter(name=name).exists():
        known_setting(name)
    with recording(actor, "reset live setting", name, why) as record:
        return store(name, None, actor, why, record)


def roll_back(change_id: int, *, actor: str, why: str = "") -> Outcome:
    """Give a live setting the value that it had before a change, whatever has become of it since.

    LiveError where there is no such change, and where the value from then is none of the setting any more.
    """
    undone = LiveChange.objects.filter(pk=change_id).first()
    if undone is None:
        raise LiveError(f"there is no change {change_id}; `manage.py live history` shows all")
    value = None if undone.old is None else known_setting(undone.name).check(undone.old)
    why = why.strip() or f"takes back change {undone.pk} of {undone.actor}"
    with recording(actor, "roll back live setting", undone.name, why) as record:
        outcome = store(undone.name, value, actor, why, record, rolls_back=undone)
        if outcome.change is None:
            return outcome
        between = LiveChange.objects.filter(name=undone.name, pk__gt=undone.pk, pk__lt=outcome.change.pk).count()
        also = f"; with it {between} later change{'s are' if between > 1 else ' is'} undone" if between else ""
        return Outcome(outcome.change, f"{outcome.words}, as before change {undone.pk}{also}")


def history(name: str | None = None) -> QuerySet[LiveChange]:
    """The changes of a live setting, or of all, newest first. LiveError for a name that never was one."""
    changes = LiveChange.objects.all()
    if name is None:
        return changes
    of_name = changes.filter(name=name)
    if not of_name.exists():
        known_setting(name)
    return of_name


@contextmanager
def recording(actor: str, action: str, name: str, why: str) -> Iterator[Recording]:
    """The audit's entry, and one transaction in which this is the only change that is made."""
    if len(why) > LONGEST_WHY:
        raise LiveError(f"the reason has {len(why):,} characters, and {LONGEST_WHY:,} is the most")
    with recorded(actor, action, target=name) as record, transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LOCK)
        yield record


def store(
    name: str, value: Value | None, actor: str, why: str, record: Recording, rolls_back: LiveChange | None = None
) -> Outcome:
    """Within `recording`: the value and its change; None for the default. Everybody is told at the commit."""
    held = LiveValue.objects.filter(name=name).first()
    old = None if held is None else held.value
    if (type(old), old) == (type(value), value):
        record.outcome = f"unchanged: {describe(name, value)}"
        return Outcome(None, f"{describe(name, value)} already")
    if value is None:
        LiveValue.objects.filter(name=name).delete()
    else:
        LiveValue.objects.update_or_create(name=name, defaults={"value": value})
    change = LiveChange.objects.create(
        name=name, old=old, new=value, actor=actor, why=why.strip(), rolls_back=rolls_back
    )
    with connection.cursor() as cursor:
        cursor.execute(NOTIFY, [CHANNEL, str(change.pk)])
    words = f"{describe(name, value)}; it was {show_stored(name, old)}"
    record.outcome = f"change {change.pk}: {words}" + (f" ({change.why})" if change.why else "")
    return Outcome(change, words)


def describe(name: str, stored: object) -> str:
    return f"{name} is {show_stored(name, stored)}"


def show_stored(name: str, stored: object) -> str:
    """A stored value as people read it; None is the default."""
    setting = known_or_none(name)
    if stored is None:
        return f"{setting.show(setting.default)}, its default" if setting else "not set"
    try:
        return setting.show(setting.check(stored)) if setting else repr(stored)
    except LiveError:
        return repr(stored)


def show_step(change: LiveChange) -> tuple[str, str]:
    """From what to what; a default as such, since that may be another one by now."""
    old, new = (
        "default" if stored is None else show_stored(change.name, stored) for stored in (change.old, change.new)
    )
    return old, new
