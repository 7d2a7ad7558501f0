"""Two chains with rows of every kind, for tests that ask a server for anything."""

from collections.abc import Sequence

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.watchlist import read_watch_list
from tests.positions.lookup_rows import USER, add_job, add_log, add_metadata, contract, start

EVENTS: Sequence[object] = (
    "Transfer",
    {"topic0": "0x" + "ab" * 32, "user_topic": 1},
    {"abi": "event Mint(address minter, uint256 id)", "user": "minter", "metadata": "id"},
)


def fill(chains: Sequence[Chain]) -> None:
    for chain in chains:
        with connect(chain) as connection:
            watches = [
                {"protocol": f"p{number}", "product": "q", "event": event, "contracts": ["0x" + contract(number).hex()]}
                for number, event in enumerate(EVENTS, 1)
            ]
            body = {"chain": chain.slug, "chain_id": chain.chain_id, "watches": watches}
            import_watch_list(connection, read_watch_list(body), source="test", chain_floor=0, prune=False)
            for (job,) in connection.execute("SELECT id FROM jobs").fetchall():
                for number in range(5):
                    add_log(connection, job, number, address=bytes([number]) * 20)
                add_log(connection, job, 7)
                add_metadata(connection, job, "id", "1", "22", address=USER)
            add_job(connection, contract(20), metadata="tokenId", unreadable=2)
            add_job(connection, contract(21), enabled=False)
            add_job(connection, contract(22), enabled=False, retired=True)
            connection.execute("UPDATE jobs SET error = 'too many logs', next_attempt = now() WHERE user_topic = 1")
            start(connection)
