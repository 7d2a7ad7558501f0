"""Taking an answer in: what is new or different of it is written, with what it rejects and when, in one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.functions import TransactionNow
from django.db import transaction

from indexer.market.models import Document
from indexer.market.reading import Reading, Rejected, read, text_of
from indexer.market.rejecting import keep_rejected, take_out_spikes
from indexer.market.shapes import Shape
from indexer.market.source import Answer, Source, document_name
from indexer.market.upsert import Target, analyze, staged, upsert, vanish
from indexer.market.wholeness import find_unsaid, remedy, stop_at_lost_rows, stop_at_lost_values
from indexer.tasks.declaring import Counts, Run

MANY = 1000
"""Rows written at once that make another table of one."""


@dataclass(frozen=True)
class Taking:
    """How the answer of a path becomes the rows of a table.

    `prepare` is called once the answer is there and returns what makes of a row the values of the target's columns.
    `link` joins what is stored to the rest, also where the answer is unchanged. `spikes`: numbers that jump wait.
    """

    task: str
    path: str
    shape: Shape
    target: Target
    prepare: Callable[[], Callable[[Any], Sequence[Any]]]
    link: Callable[[], None]
    spikes: bool = False


def take(run: Run, source: Source, taking: Taking, *, accept: bool = False) -> Counts:
    """Ask for the answer and take it in, if it is another one than the last. Raises what `fetch` and `read` raise.

    Drift, too, where much of what the answer before it had is gone, unless that is accepted.
    """
    answer = source.fetch(run, taking.path)
    if answer is None:
        return take_nothing(run, taking)
    held = Document.objects.filter(name=answer.name).first()
    since = held.taken_at if held else None
    unsaid = taking.shape.known if accept else find_unsaid(taking.target, taking.shape.row)
    reading = read(answer.body, taking.shape, unsaid=unsaid, remedy=remedy(taking.task))
    # An earlier attempt of this very run may have stored all of it. It came in full once more, for rows of it wait.
    before = taken_before(run, answer)
    with transaction.atomic():
        counts = write(run, taking, reading, answer, since, accept=accept, again=before is not None)
        if before is not None:
            counts = add_up(Counts(*before["counts"]), counts)
        run.save({"counts": counts, "digest": answer.digest.hex()})
    return counts


def taken_before(run: Run, answer: Answer) -> Any:
    """The cursor of an earlier attempt of this very run that has taken this very answer; None: there was none."""
    return run.cursor if run.cursor and run.cursor.get("digest") == answer.digest.hex() else None


def add_up(before: Counts, now: Counts) -> Counts:
    """What two takings of one answer come to: each of its rows is created, changed, unchanged or rejected once."""
    done = before.created + before.changed
    return Counts(
        before.created + now.created,
        before.changed + now.changed,
        max(0, now.unchanged - done),
        before.vanished + now.vanished,
        now.rejected,
    )


def take_nothing(run: Run, taking: Taking) -> Counts:
    """The answer is the one that was taken. If that was by an earlier attempt of this very run, its counts stand."""
    with transaction.atomic():
        taking.link()
        known = Document.objects.filter(name=document_name(taking.path))
        known.update(taken_at=TransactionNow())
        counts = Counts(*run.cursor["counts"]) if run.cursor else Counts(unchanged=known.get().rows)
        run.save({"counts": counts, "digest": None})
    return counts


def write(
    run: Run,
    taking: Taking,
    reading: Reading[Any],
    answer: Answer,
    since: datetime | None,
    *,
    accept: bool,
    again: bool,
) -> Counts:
    """`since`: when the answer before this one was taken. `again`: this run has taken this very answer before."""
    rejected = list(reading.rejected)
    with staged(taking.target, run, reading.rows, taking.prepare()):
        if not accept:
            stop_at_lost_rows(taking.target, {each.key for each in rejected}, taking.task)
            stop_at_lost_values(taking.target, taking.shape.row, taking.task)
        waiting = take_out_spikes(taking.task, since) if taking.spikes else {}
        rejected += spiking(reading, waiting)
        upserted = upsert(taking.target)
        vanished = vanish_others(run, taking.target, rejected)
    if upserted.created + upserted.changed > MANY:
        analyze(taking.target)
    taking.link()
    keep_rejected(taking.task, rejected, since, again=again)
    remember(answer, len(reading.rows) + len(reading.rejected), again=bool(waiting))
    return Counts(*upserted, vanished, len(rejected))


def spiking(reading: Reading[Any], waiting: dict[str, str]) -> list[Rejected]:
    return [
        Rejected(row.key, "spike", waiting[row.key], text_of(raw))
        for row, raw in zip(reading.rows, reading.raws, strict=True)
        if waiting and row.key in waiting
    ]


def vanish_others(run: Run, target: Target, rejected: Sequence[Rejected]) -> int:
    """Mark what the answer does not have; a row that was rejected is there. Nothing where nobody knows which it was."""
    if nameless := [each.key for each in rejected if each.key.startswith("row ")]:
        run.log.warning("%s has no key that can be read: what is not in the answer does not vanish yet", nameless[0])
        return 0
    return vanish(target, {each.key for each in rejected})


def remember(answer: Answer, rows: int, *, again: bool) -> None:
    """That it was taken in. `again`: to be asked for in full the next time, even if it has not changed."""
    # The transaction's time, as rejected rows have it: one of the last answer is as old as that.
    known = {"etag": answer.etag, "last_modified": answer.last_modified, "digest": answer.digest}
    Document.objects.update_or_create(
        name=answer.name,
        defaults={
            **(dict.fromkeys(known) if again else known),
            "rows": rows,
            "taken_at": TransactionNow(),
            "read_at": TransactionNow(),
        },
    )
