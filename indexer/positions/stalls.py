"""Whether a chain gets on, and if not: which stall it is, since when, and what to do. No clock, no database of its own.

Two levels. *unhealthy*: something of ours stands still, and somebody must act. *degraded*: all of ours work, yet
answers are not what they could be: the chain itself shows no new block, or its past is not read on.
"""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from indexer.chains.profiles import block_time_of
from indexer.positions.standing import REFUSALS, Standing

SLOW_CHAIN = 20
"""Blocks that a chain may be late by before it counts as standing still, where STALLED_AFTER is less than that."""
FRESH = timedelta(minutes=3)
"""How old the words of a worker may be that cannot go on: it says them every minute."""

Level = Literal["unhealthy", "degraded"]


class Stall(NamedTuple):
    """`since` is None where nobody knows. `why` names no chain, `remedy` does."""

    level: Level
    since: datetime | None
    why: str
    remedy: str


def find_stall(standing: Standing, stalled_after: timedelta) -> Stall | None:
    """What is not as it should be, the gravest first; None where the chain gets on, or may yet: a worker that has just
    been restarted, a chain just added and a slow chain get their time."""
    if standing.now - standing.processed_at > patience(standing, stalled_after):
        return find_stall_of_head(standing)
    return find_stall_of_past(standing, stalled_after)


def is_healthy(standing: Standing, stalled_after: timedelta) -> bool:
    stall = find_stall(standing, stalled_after)
    return stall is None or stall.level != "unhealthy"


def patience(standing: Standing, stalled_after: timedelta) -> timedelta:
    block_time = block_time_of(str(standing.chain.slug), standing.chain.chain_id)
    return max(stalled_after, timedelta(seconds=SLOW_CHAIN * block_time))


def find_stall_of_head(standing: Standing) -> Stall:
    slug, since = str(standing.chain.slug), standing.processed_at
    for_long = describe(standing.now - since)
    run = f"run manage.py run_chain_worker {slug}"
    check = f"manage.py check_chains --chain {slug} asks its endpoints"
    lag = f", {standing.lag_blocks:,} blocks behind the head" if standing.lag_blocks else ""
    why = (
        f"it was added {for_long} ago and no block of it has ever been processed"
        if standing.cursor is None
        else f"no block has been processed for {for_long}{lag}"
    )
    trouble = standing.trouble
    if trouble is not None and standing.now - trouble.said_at <= FRESH:
        why = (
            f"{why}: its worker runs, but no endpoint has answered as it should since {trouble.since}: {trouble.words}"
        )
        return Stall("unhealthy", since, why, f"{check}; name another one in RPC_URLS_{slug.upper()}")
    if standing.has_worker is False:
        return Stall("unhealthy", since, f"{why}: no worker is at its head", f"{run}; {check}")
    if standing.cursor is not None and not standing.lag_blocks:
        why = f"no endpoint has shown a new block for {for_long}: answers are true for block {standing.cursor:,}"
        other = f"name another endpoint in RPC_URLS_{slug.upper()}"
        return Stall("degraded", since, why, f"see elsewhere whether {slug} itself stands still; if not, {other}")
    runs = ", though its worker runs" if standing.has_worker else ""
    return Stall("unhealthy", since, f"{why}{runs}", f"{run}, or see in its log what it waits for; {check}")


def find_stall_of_past(standing: Standing, stalled_after: timedelta) -> Stall | None:
    """A past that is not read on: the head is fine, and what is not covered yet stays so."""
    past = standing.reading
    if past.segments == 0:
        return None
    slug, left = str(standing.chain.slug), f"{standing.past_left:,} blocks of the past are to be read"
    if past.refused == past.segments:
        why = f"{left}, and each range of them has been refused {REFUSALS} times or more: {past.error}"
        remedy = f"see the log of {slug}'s worker; a node that has pruned them cannot give them: name an archive node"
        return Stall("degraded", None, why, remedy)
    # A restart takes both loops away for a moment; one without the other is how it is run.
    is_old = past.opened_at is not None and standing.now - past.opened_at > stalled_after
    if is_old and standing.has_worker and standing.has_reader is False:
        remedy = f"run manage.py run_chain_worker {slug} --only historic"
        return Stall("degraded", past.opened_at, f"{left}, and nobody reads them", remedy)
    return None


def describe(time: timedelta) -> str:
    """A length of time in the two greatest of its units."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s"
