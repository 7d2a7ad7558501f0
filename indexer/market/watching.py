"""Which contracts our chains watch."""

from indexer.chains.connections import connect
from indexer.chains.models import Chain


def watched_on(chain: Chain) -> frozenset[str]:
    """The contracts that the chain watches, in lower case, by whatever event."""
    with connect(chain) as beside:
        rows = beside.execute("SELECT DISTINCT contract_address FROM jobs WHERE NOT retired").fetchall()
    return frozenset("0x" + bytes(row[0]).hex() for row in rows)
