"""One reading of one segment, stored by itself."""

from indexer.chains.connections import Connection
from indexer.positions.protocol.ledger import UNKNOWN, Provenance
from indexer.positions.protocol.segments import Batch, Claim, Part, commit_ranges
from indexer.positions.watch import Matches


def commit_range(
    connection: Connection,
    owner: str,
    claim: Claim,
    last: int,
    matches: Matches,
    provenance: Provenance = UNKNOWN,
) -> Claim | None:
    """Store [claim.cursor, last], read after the claim was taken, and give the claim as it stands then."""
    batch = Batch(claim, (Part(claim.cursor, last, matches, provenance),))
    return commit_ranges(connection, owner, [batch]).claims[0]
