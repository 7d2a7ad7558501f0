"""When an off-chain API may be asked: so many milliseconds apart, so many times a day, by all processes together.

A key's row is one reservation after the other, each of one statement in a transaction of its own: on a connection
beside Django's, whose transactions would make everybody wait.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from django.conf import settings

from indexer.chains.connections import Connection
from indexer.tasks.declaring import Wait
from indexer.tasks.hints import read_hold, read_pace, sent_at

PATIENCE = 30.0
"""Seconds that a run waits for its turn itself; whoever must wait longer lets others have the worker meanwhile."""

FARTHEST = 3600.0
"""Seconds until a turn, and the time between two, beyond which nobody has given it out but a clock that was ahead."""

SLOWEST = 10.0
"""Seconds between two requests, however few an answer says are left: several runs have patience for that."""

KEYS = {"defillama": "", "defillama-pro": "DEFILLAMA_API_KEY"}
"""By API, the variable with its key where that is not NAME_API_KEY; empty: it is asked without one."""

# A turn that is farther away than any that is given out is forgotten.
RESERVE = """
INSERT INTO public.api_limits AS known (api, next_at, day, used)
SELECT %(key)s, clock_timestamp(), (clock_timestamp() AT TIME ZONE 'UTC')::date, 1
WHERE %(budget)s::bigint IS NULL OR %(budget)s > 0
ON CONFLICT (api) DO UPDATE SET
    next_at = CASE WHEN known.next_at > clock_timestamp() + %(farthest)s::interval THEN clock_timestamp()
        ELSE greatest(known.next_at + %(gap)s::interval, clock_timestamp()) END,
    used = CASE WHEN known.day = EXCLUDED.day THEN known.used + 1 ELSE 1 END,
    day = EXCLUDED.day
WHERE (known.hold_until IS NULL OR known.hold_until <= clock_timestamp())
  AND NOT known.next_at <@ tstzrange(
        clock_timestamp() + %(patience)s::interval, clock_timestamp() + %(farthest)s::interval, '(]')
  AND (%(budget)s::bigint IS NULL OR known.used < %(budget)s OR known.day IS DISTINCT FROM EXCLUDED.day)
RETURNING greatest(0, extract(epoch FROM next_at - clock_timestamp()))::float
"""
# Which of the reasons it is.
ASK_WHY = """
SELECT greatest(0, extract(epoch FROM hold_until - clock_timestamp()))::float, hold_words,
       greatest(0, extract(epoch FROM next_at - clock_timestamp()))::float,
       CASE day WHEN (clock_timestamp() AT TIME ZONE 'UTC')::date THEN used ELSE 0 END, clock_timestamp()
FROM (VALUES (%s)) AS asked (api) LEFT JOIN public.api_limits USING (api)
"""
HOLD = """
INSERT INTO public.api_limits AS known (api, next_at, hold_until, hold_words)
VALUES (%(key)s, clock_timestamp(), clock_timestamp() + %(length)s::interval, %(words)s)
ON CONFLICT (api) DO UPDATE SET hold_until = EXCLUDED.hold_until, hold_words = EXCLUDED.hold_words
WHERE known.hold_until IS NULL OR known.hold_until < EXCLUDED.hold_until
"""
# The next turn is a gap later. Answers come in any order, and none makes a turn come sooner than another has said.
SLOW_DOWN = """
UPDATE public.api_limits SET next_at = clock_timestamp() + %(before)s::interval
WHERE api = %(key)s AND next_at < clock_timestamp() + %(before)s::interval
"""
GIVE_BACK = """
UPDATE public.api_limits SET used = greatest(used - 1, 0)
WHERE api = %s AND hold_until > clock_timestamp()
"""


class Turn(NamedTuple):
    """Wait so many seconds, and then: ask (`granted`), or reserve again."""

    seconds: float
    granted: bool


def reserve(beside: Connection, api: str) -> Turn:
    """The next turn of this API's key, on a connection in autocommit. Raises Wait where it comes too late."""
    key, budget = key_of(api), settings.API_BUDGETS.get(api)
    gap = timedelta(milliseconds=settings.API_RATE_LIMIT_MS)
    values = {
        "key": key,
        "gap": gap,
        "farthest": timedelta(seconds=FARTHEST) + gap,
        "patience": timedelta(seconds=PATIENCE),
        "budget": budget,
    }
    if (row := beside.execute(RESERVE, values).fetchone()) is not None:
        return Turn(row[0], granted=True)
    [(held, words, queue, used, now)] = beside.execute(ASK_WHY, [key]).fetchall()
    if held:
        reason, seconds = f"{api}: {words}", held
    elif budget is not None and used >= budget:
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        raise Wait(f"{api}: its budget of {budget:,} requests a day is spent", midnight)
    else:
        reason, seconds = f"{api}: others are before", queue
    if seconds > PATIENCE:
        raise Wait(reason, now + timedelta(seconds=seconds))
    return Turn(seconds, granted=False)


def give_back(beside: Connection, api: str) -> bool:
    """Give a turn back that came while the API is to be left alone; False: it is not."""
    return bool(beside.execute(GIVE_BACK, [key_of(api)]).rowcount)


def learn(beside: Connection, api: str, status: int, headers: Mapping[str, str]) -> None:
    """Leave the API alone for as long as its answer says, or ask it no faster than what it says is left allows.

    A budget is of a day, and what is left is for any other time: it changes the pace of all processes, and no budget.
    """
    key, now = key_of(api), sent_at(headers, datetime.now(UTC))
    if (hold := read_hold(status, headers, now)) is not None:
        beside.execute(HOLD, {"key": key, "length": timedelta(seconds=hold.seconds), "words": hold.words})
    elif (pace := read_pace(headers, now)) is not None:
        before = min(pace, SLOWEST) - settings.API_RATE_LIMIT_MS / 1000
        if before > 0:
            beside.execute(SLOW_DOWN, {"key": key, "before": timedelta(seconds=before)})


def key_of(api: str, environ: Mapping[str, str] = os.environ) -> str:
    """The API's name, with a digest of the key that it is asked with, if any: each key has limits of its own."""
    option = KEYS.get(api, f"{api.upper().replace('-', '_')}_API_KEY")
    secret = environ.get(option, "").strip()
    return f"{api}:{sha256(secret.encode()).hexdigest()[:8]}" if secret else api
