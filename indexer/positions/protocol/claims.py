"""Which jobs say of which final blocks that these are read for them."""

from collections.abc import Sequence

from indexer.positions.definition import Definition
from indexer.positions.differences import Claimed
from indexer.positions.protocol.coverage import READ
from indexer.positions.protocol.jobs import COLUMNS
from indexer.positions.protocol.state import CURSOR, Cur

# Disabled jobs, too: what they have read stays and is never read again when they are enabled.
CLAIMS = f"""
WITH {READ}, claimed AS (
    SELECT jobs.*, int8multirange(int8range(%(first)s, %(last)s, '[]'))
           * (covered + coalesce(scanned.blocks, '{{}}')
              + CASE WHEN live_from IS NULL THEN '{{}}'
                     ELSE int8multirange(int8range(live_from, greatest(live_from, live.cursor + 1))) END) AS blocks
    FROM jobs LEFT JOIN scanned ON scanned.job_id = jobs.id,
         (SELECT (value #>> '{{}}')::bigint AS cursor FROM settings WHERE key = '{CURSOR}') AS live
    WHERE NOT retired AND (%(jobs)s::int[] IS NULL OR id = ANY(%(jobs)s))
)
SELECT id, {COLUMNS}, blocks FROM claimed WHERE NOT isempty(blocks) ORDER BY id
"""


def read_claims(cur: Cur, first: int, last: int, jobs: Sequence[int] | None = None) -> dict[int, Claimed]:
    """What jobs (these, or all) claim of blocks `first` to `last`, by job."""
    asked = {"first": first, "last": last, "jobs": None if jobs is None else list(jobs)}
    return {
        job: Claimed(
            job,
            Definition(bytes(contract), bytes(topic0), *rest),
            tuple((part.lower, part.upper - 1) for part in blocks),
        )
        for job, contract, topic0, *rest, blocks in cur.execute(CLAIMS, asked)
    }
