"""What one answer of the web server's /metrics costs, with 12 chains and 100,000 jobs on one of them.

    python -m benchmarks.scrapes

It makes the chains benchmark_1 to benchmark_12 in the database (DATABASE_URL, or the benchmarks' own) and removes them
at the end; a minute. Times are medians in milliseconds, without the way through a web server's socket.

standings    where all chains stand: one statement
jobs         the jobs of the chain with 100,000 counted by state, as after a change of its coverage
scrape       /metrics, no job having changed since the last one
scrape, new  /metrics, that chain's coverage having changed since
ready        /health/ready
idle share   the part of a processor's time that a scrape every 15 seconds takes
"""

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from django.core.management import call_command
from django.test import Client

from benchmarks.jobs import cover, seconds
from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.chains.registry import add_chain, remove_chain
from indexer.positions.protocol.head import start_chain
from indexer.positions.readiness import ask_default
from indexer.positions.standing import JobCounts, read_standings
from indexer.rpc import Header

CHAINS = 12
JOBS = 100_000
REPEATS = 50
ADD = """
INSERT INTO jobs (contract_address, topic0, user_topic, enabled, retired, floor, live_from, covered, complete,
                  unreadable, attempts)
SELECT decode(lpad(to_hex(n), 40, '0'), 'hex'), decode(repeat('ab', 32), 'hex'), 2, true, false, 0, 1, '{[0,1)}', true,
       0, 0
FROM generate_series(1, %s) AS n
"""


@contextmanager
def new_chains() -> Iterator[list[Chain]]:
    """Chains that have begun, the first with the jobs; removed at the end."""
    chains: list[Chain] = []
    try:
        for number in range(1, CHAINS + 1):
            chain, new = add_chain(f"benchmark_{number}", 999_999_900 + number, None)
            if not new:
                raise SystemExit(f"a chain {chain} is there already: remove it with manage.py remove_chain {chain}")
            chains.append(chain)
            with connect(chain) as connection:
                start_chain(connection, Header(100, bytes(32), bytes(32), 1_700_000_000))
        with connect(chains[0]) as connection:
            connection.execute(ADD, [JOBS])
            connection.execute("ANALYZE jobs")
            cover(connection)
        yield chains
    finally:
        for chain in chains:
            remove_chain(chain)


def main() -> None:
    call_command("migrate_schemas", shared=True, verbosity=0)
    client = Client(headers={"host": "localhost"})

    def scrape() -> None:
        response = client.get("/metrics")
        if b'footprint_chain_jobs{chain="benchmark_1",status="complete"} 100000.0' not in response.content:
            raise RuntimeError("the answer does not tell of the jobs")

    with new_chains() as chains, connect(chains[0]) as connection:
        standings = read_standings(ask_default, chains)
        scrape()
        figures = {
            "standings": median(seconds(lambda: read_standings(ask_default, chains)) for _ in range(REPEATS)),
            "jobs": median(seconds(lambda: JobCounts(ask_default).read(standings[:1])) for _ in range(REPEATS)),
            "scrape": median(seconds(scrape) for _ in range(REPEATS)),
        }
        fresh = []
        for _ in range(10):
            cover(connection)
            fresh.append(seconds(scrape))
        figures["scrape, new"] = median(fresh)
        figures["ready"] = median(seconds(lambda: client.get("/health/ready")) for _ in range(REPEATS))
    for name, took in figures.items():
        print(f"{name:<12}{took * 1000:>10,.2f}")
    print(f"{'idle share':<12}{figures['scrape'] / 15:>10.3%}")


if __name__ == "__main__":
    main()
