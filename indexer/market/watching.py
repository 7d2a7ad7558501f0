"""Which contracts our chains watch."""

from collections.abc import Iterable

from indexer.chains.connections import connect
from indexer.chains.models import Chain

SOURCE = "market"
"""The source of the labels of jobs that mappings have proposed."""
CHOSEN = """
SELECT DISTINCT contract_address FROM jobs
 WHERE NOT retired
   AND (EXISTS (SELECT FROM job_labels WHERE job_id = jobs.id AND source <> %s)
        OR NOT EXISTS (SELECT FROM job_labels WHERE job_id = jobs.id))
"""


def watched_on(chain: Chain) -> frozenset[str]:
    """The contracts that the chain watches, in lower case, by whatever event."""
    with connect(chain) as beside:
        rows = beside.execute("SELECT DISTINCT contract_address FROM jobs WHERE NOT retired").fetchall()
    return addresses(rows)


def chosen_on(chain: Chain) -> frozenset[str]:
    """Those of them that people have chosen by themselves: what was proposed may be a stranger's."""
    with connect(chain) as beside:
        rows = beside.execute(CHOSEN, [SOURCE]).fetchall()
    return addresses(rows)


def addresses(rows: Iterable[tuple[bytes]]) -> frozenset[str]:
    return frozenset("0x" + bytes(address).hex() for (address,) in rows)
