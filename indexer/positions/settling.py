"""Two endpoints give different logs for the same blocks: find out who is right, and blame the other."""

import numpy as np

from indexer.positions.pieces import Reading
from indexer.rpc import BlockReader, Inconsistent, Level, Logs, differing_blocks, join, same_logs, to_columns

MOST = 64
"""Blocks in which two answers may differ; more of them are read again in smaller ranges."""


def settle(reader: BlockReader, one: Reading, other: Reading) -> Logs:
    """The true logs of the blocks of both readings.

    Every block in which they differ is read by itself, at the best level there is. Raises Inconsistent where they
    differ in too many, or where nobody but these two can say what is right.
    """
    differing = differing_blocks(one.logs, other.logs)
    names = " and ".join("+".join(reading.provenance.endpoints) for reading in (one, other))
    if len(differing) > MOST:
        raise Inconsistent(f"{names} give different logs in {len(differing)} blocks of {one.first:,}-{one.last:,}")
    logs = [one.logs.take(np.flatnonzero(~np.isin(one.logs.blocks, differing)))]
    for number in differing:
        header = reader.pool.canonical(number)
        truth = None if header is None else reader.read(header)
        if truth is None or truth.level is Level.CLAIMED:
            raise Inconsistent(f"{names} give different logs in block {number:,}, and nobody can say who is right")
        for reading in (one, other):
            if not same_logs(truth.logs, reading.logs.of_blocks([number])):
                for label in reading.provenance.endpoints:
                    reader.pool.blame(label, "logs")
        logs.append(to_columns(truth.logs))
    return join(logs)
