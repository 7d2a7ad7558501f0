"""Jobs as people read them."""

from collections.abc import Iterator
from typing import NamedTuple

from indexer.chains.connections import Connection
from indexer.positions.address import checksum

STATE = """
CASE WHEN retired THEN 'retired' WHEN NOT enabled THEN 'disabled' WHEN error IS NOT NULL THEN 'put aside'
     WHEN live_from IS NULL THEN 'new' WHEN complete THEN 'complete' ELSE 'pending' END
"""
JOBS = f"""
SELECT id, contract_address, topic0, user_topic, abi, user_argument, metadata_argument, transform, floor, {STATE},
       unreadable, error, coalesce(labels, '[]')
FROM jobs LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object('source', source, 'protocol', protocol, 'product', product)
                    ORDER BY source, protocol, product) AS labels
    FROM job_labels WHERE job_id = jobs.id) AS labelled ON true
ORDER BY id
"""


class JobLine(NamedTuple):
    """A job: `contract` in EIP-55, `state` one of new, pending, complete, put aside, disabled, retired."""

    job: int
    contract: str
    topic0: str
    user_topic: int | None
    abi: str | None
    user: str | None
    metadata: str | None
    transform: str | None
    floor: int
    state: str
    unreadable: int
    error: str | None
    labels: list[dict[str, str]]


def list_jobs(connection: Connection) -> Iterator[JobLine]:
    with connection.transaction(), connection.cursor("jobs") as cur:
        for job, contract, topic0, *rest in cur.execute(JOBS):
            yield JobLine(job, checksum(contract), "0x" + topic0.hex(), *rest)
