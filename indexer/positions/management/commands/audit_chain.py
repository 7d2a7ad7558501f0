"""Read finished ranges again, compare, and put right what differs."""

import signal
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event
from types import FrameType
from typing import Any

from django.core.management.base import CommandError

from indexer.access.audit import recorded, shell_actor
from indexer.chains.command import FootprintCommand
from indexer.chains.connections import Connection, connect
from indexer.chains.endpoints import open_pool
from indexer.chains.learned import load_limits
from indexer.chains.models import Chain
from indexer.chains.profiles import profile_of
from indexer.chains.registry import find_chain
from indexer.positions.audit import Auditor
from indexer.positions.progress import Progress
from indexer.positions.protocol.audits import choose_readings, cut_long_readings
from indexer.positions.protocol.state import NotStarted
from indexer.positions.verdict import Finding, Verdict
from indexer.rpc import EndpointPool, Level, RpcError
from indexer.rpc.trust import Trust

FAILURES = 3
"""Readings in a row that no endpoint answers for, after which the others are left."""
INTERRUPTED = 130


class Interrupted(Exception):
    """Told to stop while waiting for an endpoint."""


class Stop:
    """Set by SIGINT and SIGTERM; a second one ends the process as it would without this."""

    def __init__(self) -> None:
        self.event = Event()

    def pause(self, seconds: float) -> None:
        if self.event.wait(seconds):
            raise Interrupted

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def stop(number: int, frame: FrameType | None) -> None:
            self.event.set()
            signal.signal(number, before[signal.Signals(number)])

        for number in before:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def share(text: str) -> float:
    """A part of all: 1% or 0.01."""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise ArgumentTypeError(f"{text!r} is no share: 1% and 0.01 are, up to 100%")
    return value


class Command(FootprintCommand):
    expected = (*FootprintCommand.expected, NotStarted)
    help = (
        "Read a share of the final blocks again that were read before, compare, and put right what differs, while the "
        "chain's worker goes on. What nobody has audited yet comes first, and what is known least about. Exit codes: 0 "
        "all agrees or was put right, 1 something does not, or could not be compared, 130 interrupted: what is done "
        "stays done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the chain")
        parser.add_argument("--from", type=int, default=0, dest="first", help="the first block (default 0)")
        parser.add_argument("--to", type=int, dest="last", help="the last block (default: the final one)")
        parser.add_argument(
            "--sample",
            type=share,
            default=0.01,
            metavar="SHARE",
            help="how much of it: 1%% (the default) to 100%%, in whole readings, at least one",
        )
        parser.add_argument(
            "--level",
            choices=[Level.AGREED.word, Level.PROVED.word],
            default=Level.AGREED.word,
            help="agreed: compare with another endpoint (the default); proved: with the headers, block by block, which "
            "takes a request or more for each",
        )
        parser.add_argument("--no-repair", action="store_false", dest="repair", help="only say what differs")

    def handle(self, *args: Any, **options: Any) -> None:
        chain = find_chain(options["slug"])
        first, last = options["first"], options["last"]
        if first < 0 or (last is not None and last < first):
            raise CommandError("--from and --to are block numbers, the first not after the last")
        stop = Stop()
        target = f"blocks {first:,}-{'' if last is None else f'{last:,}'}, {options['sample']:.4g} of them"
        with stop.on_signals(), connect(chain) as connection, closing(open_audit_pool(chain, connection, stop)) as pool:
            level = Level.of(options["level"])
            auditor = Auditor(str(chain), connection, pool, level=level, repair=options["repair"])
            with recorded(shell_actor(), "audit chain", chain=chain.slug, target=target) as recording:
                cut_long_readings(connection)
                chosen = choose_readings(connection, first, last, options["sample"])
                if not chosen:
                    recording.outcome = "nothing was read there"
                    raise CommandError(f"{chain}: no final blocks were read there yet, so there is nothing to audit")
                self.counts: Counter[Finding | None] = Counter()
                self.run(auditor, chosen, stop)
                recording.outcome = self.describe()
        self.report(chain, auditor)
        if stop.event.is_set():
            raise CommandError(f"interrupted after {self.counts.total():,} readings", returncode=INTERRUPTED)
        if any(finding is None or not finding.good for finding in self.counts):
            raise CommandError(f"{chain}: not all is well: {recording.outcome}")

    def run(self, auditor: Auditor, chosen: list[tuple[int, int]], stop: Stop) -> None:
        """Audit these readings until told to stop; one that no endpoint answers for is left out."""
        progress = Progress(self.stderr.write)
        total, done, failures = sum(blocks for _, blocks in chosen), 0, 0
        self.stdout.write(f"{auditor.chain}: {len(chosen):,} readings to audit, {total:,} blocks")
        for reading, blocks in chosen:
            try:
                verdict = self.audit(auditor, reading, stop)
            except Interrupted:
                return
            except RpcError as error:
                self.stdout.write(f"{auditor.chain}: reading {reading} could not be audited: {error}")
                self.counts[None] += 1
                failures += 1
                if failures == FAILURES:
                    self.stdout.write(f"{auditor.chain}: the rest is left, since no endpoint answers")
                    return
                continue
            if stop.event.is_set() and verdict is None:
                return
            failures = 0
            done += blocks
            progress.say(f"{auditor.chain}: {done:,} of {total:,} blocks audited")
            if verdict is not None:
                self.counts[verdict.finding] += 1
                if verdict.finding is not Finding.AGREES:
                    self.stdout.write(verdict.sentence(auditor.chain))

    def audit(self, auditor: Auditor, reading: int, stop: Stop) -> Verdict | None:
        """None when there is no such reading any more, or when told to stop."""
        audit = auditor.begin(reading)
        verdict = None
        while audit is not None and verdict is None and not stop.event.is_set():
            verdict = audit.step()
        return verdict

    def describe(self) -> str:
        """How many readings came to what."""
        said = [(finding.value if finding else "no endpoint answered", count) for finding, count in self.counts.items()]
        return ", ".join(f"{count:,} {what}" for what, count in said) or "none audited"

    def report(self, chain: Chain, auditor: Auditor) -> None:
        for endpoint, compared, mismatches in auditor.tally.shares():
            rate = mismatches / compared if compared else 0.0
            self.stdout.write(f"{endpoint}: {compared:,} blocks compared, wrong in {mismatches:,} ({rate:.4%})")
        self.stdout.write(f"{chain}: readings: {self.describe()}")


def open_audit_pool(chain: Chain, connection: Connection, stop: Stop) -> EndpointPool:
    """The chain's endpoints with what was learned of them and of its headers."""
    profile = profile_of(chain.slug, chain.chain_id)
    trust = Trust.of_quirks(profile.quirks, profile.standard_roots, profile.roots_from) if profile else None
    pool = open_pool(chain.slug, chain.chain_id, stop.pause, limits=load_limits(connection, chain), trust=trust)
    return pool.for_purpose("audit")
