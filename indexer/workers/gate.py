"""Whether a worker is to work: its flag and maintenance, with who decided that, when and why."""

from indexer.chains.connections import Connection
from indexer.workers.live import MAINTENANCE, LiveSetting, flag_of
from indexer.workers.live_values import LiveValues

NEWEST = """
SELECT actor, why, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM public.live_changes
WHERE name = %s ORDER BY id DESC LIMIT 1
"""


def read_reason_to_rest(connection: Connection, live: LiveValues, worker: str) -> str:
    """Why the worker is to take no work, in words; empty where it is to work. Raises psycopg.Error."""
    if not live.flag(worker):
        return describe_change(connection, flag_of(worker), "its flag was switched off")
    if live.switch(MAINTENANCE):
        return describe_change(connection, MAINTENANCE, "maintenance was switched on")
    return ""


def describe_change(connection: Connection, setting: LiveSetting, what: str) -> str:
    """Such as: its flag was switched off by anna at 2026-11-27 08:00:00 UTC: the source is being moved."""
    row = connection.execute(NEWEST, [setting.name]).fetchone()
    if row is None:
        return what
    actor, why, at = row
    return f"{what} by {actor} at {at} UTC{f': {why}' if why else ''}"
