"""Making API keys, and admitting requests that show one."""

import secrets
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from django.db import connection

from indexer.access.models import ApiKey

MARK = "fp_"

# One statement finds the key, counts the request and notes the time, so that a limit holds over all processes. A key's
# requests each use up their share of a minute: one is refused when a whole minute ahead is used up already.
ADMIT = """
WITH key AS (
    SELECT id, name, scopes, coalesce(60.0 / requests_per_minute, 0) * interval '1 second' AS share
    FROM api_keys WHERE sha256 = %(sha256)s AND enabled AND (expires_at IS NULL OR expires_at > now())
), used AS (
    INSERT INTO api_key_uses AS use (key_id, spent_until, refused, last_used)
    SELECT id, now() + share, false, now() FROM key
    ON CONFLICT (key_id) DO UPDATE SET
        spent_until = CASE
            WHEN greatest(use.spent_until, now()) - now() + (SELECT share FROM key) > interval '1 minute'
            THEN use.spent_until ELSE greatest(use.spent_until, now()) + (SELECT share FROM key) END,
        refused = greatest(use.spent_until, now()) - now() + (SELECT share FROM key) > interval '1 minute',
        last_used = now()
    RETURNING refused, spent_until
)
SELECT name, scopes, refused, extract(epoch FROM spent_until - now() + share)::float - 60 FROM key, used
"""


class NewKey(NamedTuple):
    """`text` is the only copy of what the key's user must show."""

    key: ApiKey
    text: str


class Admission(NamedTuple):
    """A known key's answer. `retry_after` is the seconds until a refused request would be admitted."""

    name: str
    scopes: frozenset[str]
    refused: bool
    retry_after: float


def make_key(
    name: str,
    scopes: list[str],
    *,
    created_by: str,
    requests_per_minute: int | None = None,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make and store a key. Raises ValidationError naming what is wrong."""
    prefix = MARK + secrets.token_hex(4)
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey(
        name=name,
        prefix=prefix,
        sha256=digest(text),
        scopes=scopes,
        requests_per_minute=requests_per_minute,
        expires_at=expires_at,
        created_by=created_by,
    )
    key.full_clean()
    key.save()
    return NewKey(key, text)


def may_do(key: ApiKey) -> str:
    """In words, for the audit."""
    said = [*key.scopes]
    said += [f"{key.requests_per_minute:,} a minute"] if key.requests_per_minute else []
    said += [f"until {key.expires_at:%Y-%m-%d %H:%M} UTC"] if key.expires_at else []
    return ", ".join(said + ([] if key.enabled else ["disabled"]))


def digest(text: str) -> bytes:
    """Keys have 256 random bits, so a plain hash cannot be guessed back."""
    return sha256(text.encode()).digest()


def admit(text: str) -> Admission | None:
    """Count a request that shows this key; None when the key is unknown, disabled or expired."""
    with connection.cursor() as cursor:
        cursor.execute(ADMIT, {"sha256": digest(text)})
        row = cursor.fetchone()
    if row is None:
        return None
    name, scopes, refused, retry_after = row
    return Admission(name, frozenset(scopes), refused, max(0.0, retry_after) if refused else 0.0)
