"""Rows of every table that the admin shows, so that pages have something to show and to count."""

from django.db import connection as django_connection
from django.utils.timezone import now

from indexer.access.keys import make_key
from indexer.access.models import AuditEntry
from indexer.access.scopes import READ
from indexer.chains.connections import Connection
from indexer.chains.models import Chain, EndpointLimits, TaughtRule, UnknownText
from indexer.positions.protocol.ledger import Run, note_run
from indexer.rpc import Level
from tests.positions.lookup_rows import USER, add_job, add_log, contract, refresh, start

PATHS = (
    "/admin/",
    "/admin/chains/chain/",
    "/admin/chains/endpointlimits/",
    "/admin/lookup/",
    "/admin/positions/",
    "/admin/positions/job/",
    "/admin/positions/job/?state=complete&protocol=aave&trouble=unreadable",
    "/admin/positions/job/?q=0x0000000000000000000000000000000000000007",
    "/admin/positions/job/import/",
    "/admin/positions/setting/",
    "/admin/positions/scan/",
    "/admin/positions/segment/",
    "/admin/positions/segment/?state=put+aside",
    "/admin/positions/reading/",
    "/admin/positions/reading/?level=claimed&loop=historic&endpoint=local-1&q=20,017",
    "/admin/chains/unknowntext/",
    "/admin/chains/taughtrule/",
    "/admin/chains/taughtrule/add/?pattern=the+moon+is+full&meaning=Throttled",
    "/admin/workers/workerrow/",
    "/admin/workers/workerrow/now/",
    "/admin/workers/livevalue/",
    "/admin/workers/livevalue/workers.lag/change/",
    "/admin/market/pool/",
    "/admin/market/pool/?contract=sure&listed=yes",
    "/admin/market/protocol/",
    "/admin/market/contractmapping/",
    "/admin/market/watchproposal/",
    "/admin/market/rejectedrow/",
    "/admin/market/document/",
    "/admin/access/apikey/",
    "/admin/access/apikey/add/",
    "/admin/access/auditentry/",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/auth/group/",
    "/admin/password_change/",
)
"""Pages with fixed addresses, all of them open to an administrator."""


def fill(connection: Connection, rows: int = 50) -> list[int]:
    """`rows` of each kind on the connection's chain and in the shared tables; the jobs' numbers."""
    start(connection, final=1_000_090, cursor=1_000_100, head=1_000_102)
    jobs = []
    for number in range(rows):
        protocol = ("uniswap", "aave", "curve")[number % 3]
        jobs.append(
            add_job(
                connection,
                contract(number + 1),
                labels=(("list", protocol, f"product-{number % 5}"),),
                covered=number % 4 != 0,
                enabled=number % 7 != 6,
                retired=number == 49,
                unreadable=3 if number % 10 == 5 else 0,
            )
        )
    connection.execute(
        "UPDATE jobs SET error = 'local-1: the answer is too large for this range', attempts = 2,"
        " next_attempt = now() + interval '1 hour' WHERE id % 9 = 1"
    )
    connection.execute("UPDATE jobs SET live_from = 900000, covered = '{[0,300000),[500000,900000)}' WHERE id % 5 = 2")
    connection.execute(
        "INSERT INTO unreadable_logs (job_id, block_number, count, reason)"
        " SELECT id, 17, 3, 'topic 2 is no address' FROM jobs WHERE unreadable > 0"
    )
    fill_the_past(connection, jobs, rows)
    for job in jobs[:20]:
        add_log(connection, job, 1000 + job)
    refresh(connection)
    chain = Chain.objects.get(slug="hilltop")
    for number in range(rows):
        AuditEntry.objects.create(
            actor="somebody", action="disable jobs", chain="hilltop", target=f"job {number}", outcome="1 disabled"
        )
        limits = {"rate": 12.5, "blocks": 10_000, "range_size": {"by topic": 500}}
        EndpointLimits.objects.create(chain=chain, label=f"alchemy-{number}", limits=limits)
        make_key(f"program {number}", [READ], created_by="somebody", requests_per_minute=number + 1)
        TaughtRule.objects.create(pattern=f"no service for planet {number}", meaning="Throttled", created_by="somebody")
        UnknownText.objects.create(
            chain=Chain.objects.get(slug="hilltop"),
            label=f"local-{number}",
            method="eth_getLogs",
            text="the moon is full",
            first_seen=now(),
            last_seen=now(),
            count=number + 1,
        )
    use_a_key()
    return jobs


def fill_the_past(connection: Connection, jobs: list[int], rows: int) -> None:
    """Finished scans of one segment each, and an unfinished one with segments in every state."""
    scan = 0
    for number in range(rows):
        row = connection.execute(
            "INSERT INTO scans (created_at, finished_at) VALUES (now(), CASE WHEN %s THEN NULL ELSE now() END)"
            " RETURNING id",
            [number == rows - 1],
        ).fetchone()
        assert row is not None
        scan = row[0]
        first = number * 20_000
        connection.execute(
            "INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, level, attempts)"
            " VALUES (%s, %s, %s, %s, 5, %s, 0)",
            [scan, first, first + 9_999, first + 10_000, number % 2],
        )
        run = Run(first, first + 9_999, Level(number % 2), ("local-1", "quicknode-2")[: 1 + number % 2], 5, 2**100 + 7)
        with connection.cursor() as cur:
            note_run(cur, run, scan)
            note_run(cur, Run(1_000_000 + number, 1_000_000 + number, Level.PROVED, ("local-1",), 3, 5, number))
    connection.execute(
        "INSERT INTO segments (scan_id, from_block, to_block, cursor, log_count, attempts, error, next_attempt)"
        " VALUES (%(scan)s, 990000, 992499, 990000, 0, 3, 'local-1 answered nothing for 30 s',"
        "         now() + interval '20 minutes'),"
        "        (%(scan)s, 992500, 994999, 993500, 11, 0, NULL, NULL)",
        {"scan": scan},
    )
    connection.execute(
        "INSERT INTO segments (scan_id, from_block, to_block, cursor, owner, lease_until, log_count, attempts)"
        " VALUES (%s, 995000, 999999, 997100, 'host-1/4711', now() + interval '30 seconds', 812, 0)",
        [scan],
    )
    connection.execute(
        "INSERT INTO scan_jobs (scan_id, job_id, need)"
        " SELECT %s, id, '{[900000,1000091)}' FROM jobs WHERE id = ANY(%s)",
        [scan, jobs[:10]],
    )


def use_a_key() -> None:
    with django_connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO api_key_uses (key_id, spent_until, refused, last_used)"
            " SELECT id, now(), false, now() FROM api_keys ORDER BY id LIMIT 5"
        )


__all__ = ["PATHS", "USER", "fill"]
