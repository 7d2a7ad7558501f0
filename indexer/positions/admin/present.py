"""How the pages write what the database holds: addresses in EIP-55, events as watch lists do, blocks as ranges."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from indexer.access.labels import show
from indexer.positions.address import checksum
from indexer.positions.admin.states import LEVELS
from indexer.positions.definition import TRANSFER, Definition
from indexer.positions.models import Job, JobLabel
from indexer.rpc import Level

SHOWN_RANGES = 20
Ranges = list[tuple[int, int]]
"""Block numbers as half-open ranges, in order."""


def definition_of(job: Job) -> Definition:
    return Definition(
        bytes(job.contract_address),
        bytes(job.topic0),
        job.user_topic,
        job.abi,
        job.user_argument,
        job.metadata_argument,
        job.transform,
    )


def event_of(definition: Definition) -> Any:
    """The event as a watch list would write it."""
    if definition.abi is None:
        if (definition.topic0, definition.user_topic) == (TRANSFER, 2):
            return "Transfer"
        return {"topic0": f"0x{definition.topic0.hex()}", "user_topic": definition.user_topic}
    event = {"abi": definition.abi, "user": definition.user_argument}
    optional = {"metadata": definition.metadata_argument, "transform": definition.transform}
    return event | {key: value for key, value in optional.items() if value is not None}


def event_text(definition: Definition) -> str:
    """The event in one line."""
    event = event_of(definition)
    if isinstance(event, str):
        return event
    return str(event.get("abi") or f"topic0 {event['topic0'][:10]}…, user in topic {event['user_topic']}")


def watch_of(job: Job, labels: Iterable[JobLabel]) -> str:
    """The job as a watch list's entries would write it, one for each label."""
    definition = definition_of(job)
    contract = {"address": checksum(definition.contract), "start_block": job.floor}
    named = sorted({(label.protocol, label.product) for label in labels}) or [("", "")]
    watches = [
        {"protocol": protocol, "product": product, "event": event_of(definition), "contracts": [contract]}
        for protocol, product in named
    ]
    return json.dumps(watches[0] if len(watches) == 1 else watches, indent=2, ensure_ascii=False)


def contract_html(contract: bytes) -> SafeString:
    return format_html('<span class="fp-mono">{}</span>', checksum(contract))


def labels_text(labels: Iterable[JobLabel]) -> str:
    return ", ".join(sorted({f"{label.protocol}/{label.product}" for label in labels}))


def progress_html(read: int, total: int) -> SafeString:
    """A bar with its share; everything is read where there was nothing to read."""
    share = 100 * read / total if total else 100.0
    # Rounding up would say 100 % while something is missing.
    text = "100 %" if share >= 100 else f"{int(share * 10) / 10} %"
    return format_html(
        '<span class="fp-share"><span class="fp-progress" title="{} of {} blocks">'
        '<span style="width: {}%"></span></span> {}</span>',
        f"{read:,}",
        f"{total:,}",
        f"{min(share, 100):.1f}",
        text,
    )


def level_html(level: int | None) -> SafeString | str:
    """A level as the database keeps it."""
    return "–" if level is None else show(Level(level).word, LEVELS)


def levels_html(levels: Mapping[Level, int]) -> SafeString:
    """Blocks by level, each with its share, a line each."""
    if not levels:
        return format_html('<span class="fp-muted">{}</span>', "nothing yet")
    whole = sum(levels.values())
    return format_html_join(
        "",
        '<div class="fp-line">{} {}, {}</div>',
        (
            (level_html(level), f"{blocks:,} block{'s' * (blocks != 1)}", share_text(blocks, whole))
            for level, blocks in levels.items()
        ),
    )


def levels_text(levels: Mapping[Level, int]) -> str:
    """Blocks by level, in one line."""
    return ", ".join(f"{level.word} {blocks:,}" for level, blocks in levels.items())


def share_text(part: int, whole: int) -> str:
    """A percentage that says neither all nor nothing of what is not."""
    share = 100 * part / whole
    if part == whole:
        return "100 %"
    return "< 0.1 %" if share < 0.1 else f"{int(share * 10) / 10} %"


def checked_by_html(level: int | None, labels: Iterable[str]) -> SafeString:
    """A level, and the labels of the endpoints that it rests on, a line each."""
    lines = format_html_join("", '<div class="fp-share fp-muted">{}</div>', ((label,) for label in labels))
    return format_html("<div>{}{}</div>", level_html(level), lines)


def two_lines_html(first: object, second: object) -> SafeString:
    """Something, and below it what is less important."""
    return format_html('<div class="fp-share">{}</div><div class="fp-share fp-muted">{}</div>', first, second)


def moment_html(moment: datetime | None) -> SafeString | str:
    """A day and a time, UTC."""
    return "–" if moment is None else two_lines_html(f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}")


class Part(NamedTuple):
    """A coloured part of a drawn bar, in percent of it."""

    kind: str
    left: str
    width: str
    title: str


def draw(floor: int, end: int, parts: Sequence[tuple[str, Ranges]]) -> list[Part]:
    """Ranges of blocks on a bar from the floor to `end` (the first block that is not on it)."""
    whole = max(1, end - floor)
    drawn = []
    for kind, ranges in parts:
        for first, behind in ranges:
            first, behind = max(first, floor), min(behind, end)
            if first < behind:
                left, width = 100 * (first - floor) / whole, 100 * (behind - first) / whole
                drawn.append(Part(kind, f"{left:.2f}", f"{max(width, 0.3):.2f}", f"{kind} {first:,}–{behind - 1:,}"))
    return drawn


def ranges_html(ranges: Ranges) -> SafeString:
    """The ranges with both ends in, the first twenty of them."""
    if not ranges:
        return format_html('<span class="fp-muted">{}</span>', "nothing yet")
    more = len(ranges) - SHOWN_RANGES
    lines = [f"{first:,} – {behind - 1:,}" for first, behind in ranges[:SHOWN_RANGES]]
    return format_html_join("", "<div>{}</div>", ((line,) for line in lines + ([f"and {more} more"] * (more > 0))))
