"""Importing a watch list: one transaction that makes jobs and labels what the file says."""

from typing import NamedTuple

from indexer.chains.connections import Connection
from indexer.positions.definition import Definition
from indexer.positions.protocol.coverage import refresh_coverage
from indexer.positions.protocol.jobs import COLUMNS, disable_in, retire_in
from indexer.positions.protocol.state import Cur, lock_state
from indexer.positions.watchlist import WatchList

SAME_DEFINITION = " AND ".join(
    f"jobs.{column} IS NOT DISTINCT FROM incoming.{column}" if number > 1 else f"jobs.{column} = incoming.{column}"
    for number, column in enumerate(COLUMNS.split(", "))
)

INCOMING = """
CREATE TEMPORARY TABLE incoming (
    contract_address bytea, topic0 bytea, user_topic smallint, abi text, user_argument text, metadata_argument text,
    transform text, protocol text, product text, floor bigint, job_id int
) ON COMMIT DROP
"""
ADD_JOBS = f"""
INSERT INTO jobs ({COLUMNS}, floor, enabled, retired, covered, complete, unreadable, attempts)
SELECT {COLUMNS}, min(floor), true, false, '{{}}', false, 0, 0
FROM incoming WHERE topic0 IS NOT NULL GROUP BY {COLUMNS} ORDER BY {COLUMNS}
ON CONFLICT ({COLUMNS}) WHERE NOT retired DO NOTHING
RETURNING id
"""
NAME_JOBS = f"UPDATE incoming SET job_id = jobs.id FROM jobs WHERE NOT retired AND {SAME_DEFINITION}"
LOWER_FLOORS = """
UPDATE jobs SET floor = lower.floor
FROM (SELECT job_id, min(floor) AS floor FROM incoming GROUP BY job_id) AS lower
WHERE lower.job_id = jobs.id AND lower.floor < jobs.floor
RETURNING jobs.id
"""
# Jobs that an earlier import pruned have no label left; a label brings them back.
REVIVE = """
UPDATE jobs SET enabled = true
WHERE NOT enabled AND id IN (SELECT job_id FROM incoming) AND NOT EXISTS (SELECT FROM job_labels WHERE job_id = jobs.id)
RETURNING id
"""
# What the file says of a contract under a label replaces what its source said before of the same.
DROP_CHANGED = """
DELETE FROM job_labels USING jobs
WHERE jobs.id = job_labels.job_id AND source = %(source)s
  AND EXISTS (SELECT FROM incoming
              WHERE incoming.contract_address = jobs.contract_address AND incoming.protocol = job_labels.protocol
                AND incoming.product = job_labels.product)
  AND NOT EXISTS (SELECT FROM incoming
                  WHERE incoming.job_id = jobs.id AND incoming.protocol = job_labels.protocol
                    AND incoming.product = job_labels.product)
RETURNING job_labels.job_id
"""
DROP_ABSENT = """
DELETE FROM job_labels
WHERE source = %(source)s
  AND NOT EXISTS (SELECT FROM incoming
                  WHERE incoming.job_id = job_labels.job_id AND incoming.protocol = job_labels.protocol
                    AND incoming.product = job_labels.product)
RETURNING job_labels.job_id
"""
ADD_LABELS = """
INSERT INTO job_labels (job_id, source, protocol, product)
SELECT job_id, %(source)s, protocol, product FROM incoming WHERE job_id IS NOT NULL ORDER BY job_id, protocol, product
ON CONFLICT DO NOTHING
"""
CHANGED = f"""
SELECT id, {COLUMNS}, floor,
       ARRAY(SELECT protocol || '/' || product FROM job_labels WHERE job_id = jobs.id ORDER BY protocol, product)
FROM jobs WHERE id = ANY(%s) ORDER BY contract_address, id LIMIT %s
"""
UNLABELLED = "SELECT id FROM jobs WHERE id = ANY(%s) AND NOT EXISTS (SELECT FROM job_labels WHERE job_id = jobs.id)"


SHOWN_CHANGES = 1000
"""Jobs of each kind that a list of changes names."""


class Change(NamedTuple):
    """What an import does to one job. `kind`: added, enabled again, replaced, disabled or floor lowered; `labels` are
    protocol/product, without those that the import takes away."""

    kind: str
    job: int
    definition: Definition
    floor: int
    labels: list[str]


class Imported(NamedTuple):
    """What an import did, or would do: numbers of jobs, but for `entries` and `labels`.

    `changes`, where they were asked for, are the first of each kind, by contract.
    """

    entries: int
    without_event: int
    added: int
    revived: int
    retired: int
    disabled: int
    lowered: int
    labels: int
    changes: list[Change]

    @property
    def summary(self) -> str:
        """The numbers in a line."""
        parts = [f"{self.entries:,} entries", f"{self.added:,} jobs added", f"{self.labels:,} labels added"]
        parts += [
            f"{count:,} {what}"
            for count, what in (
                (self.retired, "replaced"),
                (self.revived, "enabled again"),
                (self.disabled, "disabled"),
                (self.lowered, "read from an earlier block on"),
                (self.without_event, "without an event"),
            )
            if count
        ]
        return ", ".join(parts)


def import_watch_list(
    connection: Connection,
    watch_list: WatchList,
    *,
    source: str,
    chain_floor: int,
    prune: bool,
    dry_run: bool = False,
    list_changes: bool = False,
) -> Imported:
    """Make the chain watch what the list names. Importing the same list again changes nothing.

    A changed event retires the old job and adds a new one. `prune` disables jobs that this source named before and
    names no more. A floor only ever goes down: what was promised stays promised. `dry_run` does it all and takes it
    back; `list_changes` says which jobs change.
    """
    with connection.transaction(force_rollback=dry_run), connection.cursor() as cur:
        state = lock_state(cur)
        copy_entries(cur, watch_list, chain_floor)
        named = {"source": source}
        added = ids(cur, ADD_JOBS)
        cur.execute(NAME_JOBS)
        lowered = ids(cur, LOWER_FLOORS)
        revived = ids(cur, REVIVE)
        changed = ids(cur, DROP_CHANGED, named)
        absent = ids(cur, DROP_ABSENT, named) if prune else []
        labels = cur.execute(ADD_LABELS, named).rowcount
        retired = unlabelled(cur, changed)
        retire_in(cur, state, retired)
        pruned = sorted(set(unlabelled(cur, absent)) - set(retired))
        disabled = disable_in(cur, state, pruned)
        # Labels are part of answers, too: whoever keeps one must see that it has changed.
        if added or lowered or revived or retired or disabled or labels or changed or absent:
            refresh_coverage(cur)
        if added or labels:
            # Without statistics the joins of the next import would take quadratic time.
            cur.execute("ANALYZE jobs, job_labels")
        kinds = {
            "added": added,
            "enabled again": revived,
            "replaced": retired,
            "disabled": pruned,
            "floor lowered": sorted(set(lowered) - set(added)),
        }
        changes = (
            [change for kind, jobs in kinds.items() for change in describe(cur, kind, jobs)] if list_changes else []
        )
    return Imported(
        entries=len(watch_list.entries),
        without_event=sum(entry.definition is None for entry in watch_list.entries),
        added=len(added),
        revived=len(revived),
        retired=len(retired),
        disabled=disabled,
        lowered=len(kinds["floor lowered"]),
        labels=labels,
        changes=changes,
    )


def ids(cur: Cur, statement: str, parameters: dict[str, str] | None = None) -> list[int]:
    """The job ids that a statement returns."""
    return [row[0] for row in cur.execute(statement, parameters)]


def describe(cur: Cur, kind: str, jobs: list[int]) -> list[Change]:
    rows = cur.execute(CHANGED, [jobs, SHOWN_CHANGES]).fetchall() if jobs else []
    return [
        Change(kind, job, Definition(bytes(contract), bytes(topic0), *rest), floor, labels)
        for job, contract, topic0, *rest, floor, labels in rows
    ]


def copy_entries(cur: Cur, watch_list: WatchList, chain_floor: int) -> None:
    cur.execute(INCOMING)
    columns = f"{COLUMNS}, protocol, product, floor"
    with cur.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
        for entry in watch_list.entries:
            definition = entry.definition
            what = (entry.contract, *[None] * 6) if definition is None else definition.columns
            copy.write_row((*what, entry.protocol, entry.product, max(chain_floor, entry.start_block or 0)))
    cur.execute("ANALYZE incoming")


def unlabelled(cur: Cur, jobs: list[int]) -> list[int]:
    """Those of the jobs that no label names any more, whatever its source."""
    return [row[0] for row in cur.execute(UNLABELLED, [jobs])] if jobs else []
