"""How far the demo's chains are, read from their schemas, as a table or a line."""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.console import Group
from rich.table import Table
from rich.text import Text

from indexer.chains.connections import Connection

# The tables of a local chain are small: counting them every second costs nothing.
READ = """
SELECT (SELECT jsonb_object_agg(key, value) FROM settings),
       (SELECT coalesce(sum(cursor - from_block), 0) FROM segments),
       (SELECT count(*) FILTER (WHERE complete) FROM jobs WHERE enabled AND NOT retired),
       (SELECT count(*) FROM jobs WHERE enabled AND NOT retired),
       (SELECT count(*) FROM logs) + (SELECT count(*) FROM log_metadata)
"""
NEAR_HEAD = 3
WINDOW_SECONDS = 10.0

# state -> colour
STATES = {"starting": "yellow", "catching up": "yellow", "reading the past": "cyan", "complete": "green"}


class Progress(NamedTuple):
    """One reading of a chain. `read`: blocks that both loops have read so far; `reorgs`: those the worker undid."""

    head: int
    indexed_to: int | None
    final: int | None
    read: int
    jobs_complete: int
    jobs: int
    rows: int
    reorgs: int
    complete: bool

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.indexed_to is None:
            return "starting"
        if self.head - self.indexed_to > NEAR_HEAD:
            return "catching up"
        return "complete" if self.complete else "reading the past"


class Line(NamedTuple):
    slug: str
    progress: Progress
    blocks_per_second: float


class Rate:
    """Blocks a second over the last WINDOW_SECONDS."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, seconds: float, blocks: int) -> float:
        """Take a reading of a clock and a count; give the rate. A count that fell, after a reorg, counts as none."""
        self._samples.append((seconds, blocks))
        while len(self._samples) > 2 and seconds - self._samples[1][0] >= WINDOW_SECONDS:
            self._samples.popleft()
        began, before = self._samples[0]
        return max(0.0, (blocks - before) / (seconds - began)) if seconds > began else 0.0


def read_progress(connection: Connection, head: int) -> Progress:
    """The progress of the chain whose schema this is; `head` is its node's newest block."""
    row = connection.execute(READ).fetchone()
    assert row is not None
    settings, scanned, jobs_complete, jobs, rows = row
    return summarize(head, settings, int(scanned), jobs_complete, jobs, rows)


def summarize(head: int, settings: dict[str, Any], scanned: int, jobs_complete: int, jobs: int, rows: int) -> Progress:
    indexed_to = settings["latest_block_processed"]
    return Progress(
        head=head,
        indexed_to=indexed_to,
        final=settings["final_block"],
        read=(indexed_to or 0) + scanned,
        jobs_complete=jobs_complete,
        jobs=jobs,
        rows=rows,
        reorgs=settings["rewind"]["count"],
        complete=settings["coverage"]["complete"],
    )


def make_table(lines: Sequence[Line]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("chain")
    for heading in ("head", "indexed to", "final", "blocks/s", "jobs complete", "rows", "reorgs"):
        table.add_column(heading, justify="right")
    table.add_column("state", no_wrap=True)
    for slug, progress, rate in lines:
        table.add_row(
            slug,
            f"{progress.head:,}",
            show(progress.indexed_to),
            show(progress.final),
            f"{rate:.1f}",
            f"{progress.jobs_complete} / {progress.jobs}",
            f"{progress.rows:,}",
            f"{progress.reorgs:,}",
            Text(progress.state, STATES[progress.state]),
        )
    return table


def write_line(lines: Sequence[Line]) -> str:
    """All chains in one line of plain text."""
    return "; ".join(
        f"{slug}: head {progress.head:,}, indexed to {show(progress.indexed_to)}, final {show(progress.final)}, "
        f"{rate:.1f} blocks/s, jobs complete {progress.jobs_complete}/{progress.jobs}, rows {progress.rows:,}, "
        f"reorgs {progress.reorgs:,}, {progress.state}"
        for slug, progress, rate in lines
    )


def show(block: int | None) -> str:
    return "-" if block is None else f"{block:,}"


def name_links(base_url: str, addresses: Sequence[str], logs: object) -> list[str]:
    """What to open and where to look, below the table."""
    return [
        "Which pools has this address touched?",
        *(f"  {base_url}/api/v1/addresses/{address}" for address in addresses),
        f"API      {base_url}/api/v1/docs",
        f"Admin    {base_url}/admin/ (manage.py createsuperuser makes a login)",
        f"Health   {base_url}/health/ready",
        f"Metrics  {base_url}/metrics",
        f"Logs     {logs}",
        "Ctrl-C stops everything; the next start goes on from here.",
    ]


def make_screen(lines: Sequence[Line], links: Sequence[str]) -> Group:
    return Group(make_table(lines), "", *(Text(link, no_wrap=True, overflow="ignore") for link in links))
