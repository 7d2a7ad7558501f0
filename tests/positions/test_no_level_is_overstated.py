"""What is said of a block is the weakest that holds for any of its jobs, and it is said at once."""

from indexer.chains.connections import Connection
from indexer.positions.protocol.head import Base, HeadBlock, Settlement, commit_blocks, start_chain
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.protocol.ledger import Provenance
from indexer.positions.protocol.segments import claim_segment
from indexer.positions.protocol.takeup import BlockReading, commit_take_up, find_waiting
from indexer.positions.watch import Matches
from indexer.positions.watchlist import read_watch_list
from indexer.rpc import Header, Level
from tests.positions.committing import commit_range
from tests.positions.world import A, watch

NOTHING = Matches([], [])


def header(number: int) -> Header:
    return Header(number, bytes([number]) * 32, bytes([number - 1]) * 32, timestamp=number)


def take_up_one_block(connection: Connection, read: Level, taken: Level) -> None:
    """Block 11 is read at one level, and then for a new job at another."""
    start_chain(connection, header(10))
    base = Base(10, header(10).hash, 0)
    how = Provenance(read, ("node-1",))
    stored = commit_blocks(connection, base, [HeadBlock(header(11), NOTHING, how)], Settlement(10, 0), settled=False)
    assert stored is not None
    import_watch_list(connection, read_watch_list(watch({A: "Transfer"})), source="test", chain_floor=0, prune=False)
    waiting = find_waiting(connection)
    assert waiting is not None
    reading = BlockReading(11, NOTHING, Provenance(taken, ("node-2",)))
    assert commit_take_up(connection, waiting, [reading]) is not None


def test_a_take_up_makes_no_level_stronger(connection: Connection) -> None:
    take_up_one_block(connection, Level.CLAIMED, Level.PROVED)
    said = connection.execute("SELECT level, endpoints FROM blocks WHERE number = 11").fetchone()
    assert said == (Level.CLAIMED, ["node-1", "node-2"])


def test_a_take_up_makes_a_level_weaker(connection: Connection) -> None:
    take_up_one_block(connection, Level.PROVED, Level.AGREED)
    assert connection.execute("SELECT level FROM blocks WHERE number = 11").fetchone() == (Level.AGREED,)


def test_a_weaker_level_of_the_past_is_said_with_its_first_range(connection: Connection) -> None:
    take_up_one_block(connection, Level.PROVED, Level.PROVED)
    claim = claim_segment(connection, "test")
    assert claim is not None
    moved = commit_range(connection, "test", claim, claim.cursor, NOTHING, Provenance(Level.AGREED, ("node-1",)))
    assert moved is not None
    (levels,) = connection.execute("SELECT value FROM settings WHERE key = 'levels'").fetchone() or ({},)
    assert levels == {"proved": 1, "agreed": 1}
