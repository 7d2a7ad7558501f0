"""How fast lookups are over HTTP: one address and a thousand, on one core and on two, warm and cold.

    python -m benchmarks.lookups [--chains 10] [--rows 10000000 …] [--seconds 5] [--rounds 3] [--keep] [--explain]

It makes a database of its own beside the configured one (DATABASE_URL, or the benchmarks' own server's), fills it
(lookup_rows: a minute for ten million rows, seven for a hundred, which take 13 GB), measures, and removes it, or keeps
it for the next run with --keep.

The server is gunicorn by config/gunicorn.py. "On one core" is one process of it and its sessions' backends at
PostgreSQL on the same core; who asks has the other one. "On two" leaves all of them to the kernel, and who asks takes
its part, which the figures' notes say, as they say the CPU that a request takes: other work on the machine adds to
times, not to that. Of the addresses asked for, three quarters are drawn from all users, a twentieth are users drawn by
their rows, for who has more asks more, and a fifth are unknown. Warm is after as many requests as fill the caches; cold
after the files of the database have left the system's cache (what shared_buffers hold stays).

--explain prints the plans instead: EXPLAIN (ANALYZE, BUFFERS) of one chain's part of both statements.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.figures import Figure, add_json_option, report
from benchmarks.lookup_load import WARMING, Load, Server, get, load, post, serve
from benchmarks.lookup_rows import Numbers, addresses_of, new_database, pools_of, users_for

ONE, MANY, COMPATIBLE = "/api/v1/addresses/", "/api/v1/addresses/lookup", "/user-pools/"
BATCH = 1000
ASKED = 20_000
CONNECTIONS = 4


def draw(users: int, count: int, chance: np.random.Generator) -> list[str]:
    """Addresses to ask for; see above."""
    some = chance.integers(0, users, min(users, 200_000)).astype(np.uint64)
    rows = np.sum([pools_of(some, chain) for chain in range(10)], axis=0)
    kinds = chance.random(count)
    numbers: Numbers = np.where(
        kinds < 0.75,
        chance.integers(0, users, count),
        np.where(
            kinds < 0.8, chance.choice(some, count, p=rows / rows.sum()), chance.integers(users, 2 * users, count)
        ),
    ).astype(np.uint64)
    return ["0x" + bytes(address).hex() for address in addresses_of(numbers)]


class Requests(NamedTuple):
    """Of one address, of a batch, of a batch on one chain, and of one address in the compatible shape."""

    one: list[bytes]
    many: list[bytes]
    on_one_chain: list[bytes]
    compatible: list[bytes]


def make_requests(users: int, chain: str) -> Requests:
    chance = np.random.default_rng(1)
    asked = draw(users, ASKED, chance)
    many = draw(users, 60 * BATCH, chance)
    batches = [many[begin : begin + BATCH] for begin in range(0, len(many), BATCH)]
    return Requests(
        one=[get(ONE + address) for address in asked],
        many=[post(MANY, msgspec.json.encode({"addresses": batch})) for batch in batches],
        on_one_chain=[post(MANY, msgspec.json.encode({"addresses": batch, "chains": [chain]})) for batch in batches],
        compatible=[get(COMPATIBLE + address) for address in asked],
    )


def measure(rows: int, chains: int, seconds: float, rounds: int) -> Iterator[Figure]:
    from indexer.chains.models import Chain

    asked = make_requests(users_for(rows), Chain.objects.order_by("pk")[0].slug)
    of_chains = f"batch, {chains} chains"

    def repeat(server: Server, requests: Sequence[bytes], connections: int, warming: int = WARMING) -> list[Load]:
        return [load(server, requests, seconds, connections=connections, warming=warming) for _ in range(rounds)]

    def say(loads: Sequence[Load], where: str) -> str:
        asking = sum(each.asking for each in loads) / sum(each.whole for each in loads)
        cost = median(each.cost for each in loads)
        return f"{where}; {cost:.2f} ms of CPU each; who asks took {asking:.0%} of a core"

    def figure(name: str, unit: str, values: Sequence[float], note: str, *, at_most: bool = False) -> Figure:
        full = f"{name}, {rows:,} rows"
        return Figure(name=full, unit=unit, values=list(values), at_most=at_most, note=note, series=name, x=float(rows))

    def latency(name: str, loads: Sequence[Load], note: str) -> Iterator[Figure]:
        """p50 and p99 of each round."""
        cuts = [quantiles(one.taken, n=100) for one in loads]
        for word, cut in (("p50", 49), ("p99", 98)):
            yield figure(f"{name}, {word}", "ms", [of[cut] * 1000 for of in cuts], note, at_most=True)

    with serve(1, {min(os.sched_getaffinity(0))}) as server:
        where = "one process and its sessions on one core, one connection"
        load(server, asked.one, seconds, connections=2)
        server.keep_sessions()
        loads = repeat(server, asked.one, 1)
        yield from latency("lookup, one core", loads, say(loads, where))
        loads = repeat(server, asked.compatible, 1)
        yield from latency("/user-pools, one core", loads, say(loads, where))
        loads = repeat(server, asked.many, 1, warming=2)
        yield figure(f"{of_chains}, one core", "addresses/s", rates(loads), say(loads, where))
    with serve(2) as server:
        where = f"two processes, {CONNECTIONS} connections, on two cores with who asks"
        load(server, asked.many, seconds, connections=CONNECTIONS, warming=5)
        loads = repeat(server, asked.one, CONNECTIONS)
        yield figure("lookups, two cores", "requests/s", [each.rate for each in loads], say(loads, where))
        loads = repeat(server, asked.many, CONNECTIONS, warming=2)
        yield figure(f"{of_chains}, two cores", "addresses/s", rates(loads), say(loads, where))
        loads = repeat(server, asked.on_one_chain, CONNECTIONS)
        yield figure("batch, one chain, two cores", "addresses/s", rates(loads), say(loads, where))
        if drop_caches():
            loads = [load(server, asked.one[::-1], seconds, connections=1, warming=0)]
            yield from latency("lookup, cold", loads, say(loads, "one connection, no file of the database cached"))


def rates(loads: Sequence[Load]) -> list[float]:
    return [each.rate * BATCH for each in loads]


def drop_caches() -> bool:
    """Have the system forget the database's files; False where they are not here or cannot be read."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database WHERE datname = current_database()"
        )
        (folder, oid) = cursor.fetchone() or ("", 0)
    files = Path(folder) / "base" / str(oid)
    if not os.access(files, os.R_OK | os.X_OK):
        return False
    for file in files.iterdir():
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def explain(rows: int) -> None:
    from django.db import connection

    from indexer.chains.models import Chain
    from indexer.positions.answers import TOUCHES_OF_MANY, TOUCHES_OF_ONE, memory
    from indexer.positions.union import make_cursor, schemas_of, unite

    chains = list(Chain.objects.all())[:1]
    keep = memory.of(chains)[0].with_metadata
    addresses = [bytes.fromhex(text[2:]) for text in draw(users_for(rows), BATCH, np.random.default_rng(2))]
    values = {"address": addresses[0], "addresses": sorted(addresses), "keep0": keep}
    for part in (TOUCHES_OF_ONE, TOUCHES_OF_MANY):
        statement, names = unite(part, schemas_of(chains))
        cursor = make_cursor(connection, binary=False)
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + statement, [values[name] for name, _ in names])
        for (line,) in cursor.fetchall():
            print(line[:160])


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast lookups are.")
    parser.add_argument("--chains", type=int, default=10)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000_000], help="of all chains together")
    parser.add_argument("--seconds", type=float, default=5, help="for each figure's round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--keep", action="store_true", help="leave the database for the next run, which takes it as it is"
    )
    parser.add_argument("--explain", action="store_true", help="print plans and measure nothing")
    add_json_option(parser)
    options = parser.parse_args()
    found: list[Figure] = []
    for rows in options.rows:
        with new_database(options.chains, rows, keep=options.keep):
            if options.explain:
                explain(rows)
            else:
                found += measure(rows, options.chains, options.seconds, options.rounds)
    report(found, options.json)


if __name__ == "__main__":
    main()
