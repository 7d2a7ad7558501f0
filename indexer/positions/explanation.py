"""A proof as people read it: the verdict in a sentence, and what it rests on as a table."""

from collections.abc import Iterator

from indexer.chains.columns import justify
from indexer.positions.proof import Missing, NeverTouched, NotKnown, Proof, ProofJob, ProofRange, Touched

HEADINGS = ("blocks", "level", "endpoints", "logs", "digest")
SHOWN_MISSING = 10
"""Ranges that a sentence names."""


def explain(proof: Proof) -> Iterator[str]:
    """The lines of one proof."""
    yield f"{proof.chain} {proof.contract}: {tell(proof)}"
    for job in proof.jobs:
        yield f"  job {job.job} ({name_event(job)}) from block {job.floor:,}{tell_state(job)}"
        yield from write_table([HEADINGS, *map(show_range, job.ranges)])


def tell(proof: Proof) -> str:
    match proof.verdict:
        case Touched() as touched:
            return f"touched first at block {touched.first_block:,}{tell_touch(touched)}"
        case NeverTouched(from_=first, up_to=last):
            return f"never touched from block {first:,} up to block {last:,}, {proof.weakest} at least"
        case NotKnown() as unknown:
            return f"not known: {'; '.join(tell_gaps(unknown))}"


def tell_touch(touched: Touched) -> str:
    place = ""
    if touched.log_index is not None:
        place = f" (transaction {touched.transaction or 'not named'}, log index {touched.log_index}, {touched.level})"
    elif touched.why is not None:
        place = f" (transaction not known: {touched.why})"
    return place if touched.exact else f"{place}; an earlier touch is not excluded"


def tell_gaps(unknown: NotKnown) -> Iterator[str]:
    if unknown.missing:
        named = ", ".join(map(show_missing, unknown.missing[:SHOWN_MISSING]))
        more = f" and {len(unknown.missing) - SHOWN_MISSING:,} more" if unknown.missing[SHOWN_MISSING:] else ""
        yield f"blocks {named}{more} are missing"
    if unknown.unreadable:
        yield f"{unknown.unreadable:,} logs could not be read"
    if unknown.disabled:
        yield f"{unknown.disabled:,} of its jobs are disabled"


def show_missing(missing: Missing) -> str:
    return f"{missing.from_:,} and later" if missing.to is None else f"{missing.from_:,}-{missing.to:,}"


def name_event(job: ProofJob) -> str:
    event = job.event
    if isinstance(event, str):
        return event
    return str(event.abi or f"{event.topic0}, topic {event.user_topic}")


def tell_state(job: ProofJob) -> str:
    disabled = "" if job.enabled else ", disabled"
    return f"{disabled}, {job.unreadable:,} unreadable logs" if job.unreadable else disabled


def show_range(found: ProofRange) -> tuple[str, ...]:
    return (
        f"{found.from_:,}-{found.to:,}",
        found.level,
        ", ".join(found.endpoints) or "not kept",
        "" if found.log_count is None else f"{found.log_count:,}",
        found.digest or "",
    )


def write_table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    for cells in justify(rows):
        yield f"    {'  '.join(cells)}".rstrip()
