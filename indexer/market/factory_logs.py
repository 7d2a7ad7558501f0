"""Which contracts factories have made for which tokens, by our own logs of them.

A factory is watched like any contract, by jobs whose label is the protocol as the source's `project` writes it: one
whose user is token0 and whose metadata is the pool, one of token1 with the same, and, where its event has a fee, one
whose user is the pool and whose metadata is the fee. All three are read by index, whatever the factory has made.
"""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from indexer.chains.connections import Connection, connect
from indexer.chains.models import Chain
from indexer.market.candidates import PoolFacts
from indexer.market.identity import claim, read_fee_tiers, show_fee
from indexer.market.mappings import columns
from indexer.market.score import Evidence, EvidenceKind
from indexer.positions.abi import parse_event

OWN_LOGS = "own logs"
"""The source of evidence of this kind."""


class FactoryEvent(NamedTuple):
    """By which a factory tells of a new pool: its first two arguments are the tokens, and these places the others.

    `receipt`: whether such a pool has a token that its users are sent.
    """

    signature: str
    pool: int
    fee: int | None
    receipt: bool


EVENTS = (
    FactoryEvent("PairCreated(address,address,address,uint256)", 2, None, True),  # Uniswap V2 and those after it
    FactoryEvent("PairCreated(address,address,bool,address,uint256)", 3, None, True),  # Solidly
    FactoryEvent("PoolCreated(address,address,bool,address,uint256)", 3, None, True),  # Velodrome V2, Aerodrome
    FactoryEvent("PoolCreated(address,address,uint24,int24,address)", 4, 2, False),  # Uniswap V3
    FactoryEvent("PoolCreated(address,address,int24,address)", 3, None, False),  # Slipstream
    FactoryEvent("Pool(address,address,address)", 2, None, False),  # Algebra
)
BY_TOPIC: Mapping[bytes, FactoryEvent] = {parse_event(each.signature).topic0: each for each in EVENTS}

JOBS = """
SELECT DISTINCT protocol, contract_address, topic0, jobs.id, abi, user_argument, metadata_argument
  FROM jobs JOIN job_labels ON job_labels.job_id = jobs.id
 WHERE topic0 = ANY(%s) AND metadata_argument IS NOT NULL AND transform IS NULL AND enabled AND NOT retired
"""
SIZES = """
SELECT sides.token, sides.job, (SELECT count(*) FROM (
           SELECT FROM log_metadata WHERE (address, job_id) = (sides.token, sides.job) LIMIT %s) AS first)
  FROM unnest(%s::bytea[], %s::int[]) AS sides (token, job)
"""
MANY = 10_000
"""Pools of one token from which on it is not counted how many there are."""
# Which pools two tokens have in common, and the fee of each. The first token of each question has to be the one with
# fewer pools: wrapped coins have some 300,000. LIMIT keeps to that order, which the planner knows nothing of. EXPLAIN:
# index scans of log_metadata's key alone; 500 pools of 400,000 in about a second.
MADE = """
SELECT wanted.place, few.value, greatest(few.first_block, many.first_block), fee.value
  FROM unnest(%s::int[], %s::bytea[], %s::int[], %s::text[], %s::bytea[], %s::int[], %s::text[], %s::int[])
       AS wanted (place, few, few_job, few_key, many, many_job, many_key, fee_job)
  JOIN log_metadata AS few ON (few.address, few.job_id, few.key) = (wanted.few, wanted.few_job, wanted.few_key)
 CROSS JOIN LATERAL (
       SELECT first_block FROM log_metadata
        WHERE (address, job_id, key, value_sha256)
            = (wanted.many, wanted.many_job, wanted.many_key, few.value_sha256) LIMIT 1) AS many
  LEFT JOIN LATERAL (
       SELECT value FROM log_metadata
        WHERE (address, job_id) = (decode(substr(few.value, 3), 'hex'), wanted.fee_job) LIMIT 1) AS fee ON true
"""


class Job(NamedTuple):
    """`key` is the name of what its metadata is."""

    id: int
    key: str


class Factory(NamedTuple):
    """One that is watched, with the jobs that tell of its pools by token0, of them by token1, and of their fees."""

    address: str
    event: FactoryEvent
    token0: Job
    token1: Job
    fee: Job | None


class Made(NamedTuple):
    """A contract that a factory has made of a pool's tokens. `fee` is in the factory's units, None where not known."""

    factory: Factory
    address: str
    block: int
    fee: int | None


class Side(NamedTuple):
    """A token of a pool, and the job that has the pools of a factory by it."""

    token: bytes
    job: Job


class Question(NamedTuple):
    """Which pools a factory has made of two tokens."""

    factory: Factory
    sides: tuple[Side, Side]


Factories = Mapping[str, Sequence[Factory]]
"""By protocol."""


def find_made(chain: Chain, factories: Factories, pools: Sequence[PoolFacts]) -> dict[UUID, tuple[str, Evidence]]:
    """By pool, the one contract that a factory of its protocol has made of its tokens, at its fee if that is named.

    Nothing is said of a pool that several contracts fit, or none. The pools and factories are of this chain.
    """
    pairs = {
        pool.id: wanted
        for pool in pools
        if pool.project in factories and (wanted := claim(pool, "").wanted) and len(wanted) == 2
    }
    if not pairs:
        return {}
    asked = [pool for pool in pools if pool.id in pairs]
    questions = {
        pool.id: [
            Question(factory, sides)
            for factory in factories[pool.project]
            for sides in both_ways(factory, pairs[pool.id])
        ]
        for pool in asked
    }
    with connect(chain) as beside:
        made = read_made(beside, list(dict.fromkeys(itertools.chain.from_iterable(questions.values()))))
    found: dict[UUID, tuple[str, Evidence]] = {}
    for pool in asked:
        tiers = read_fee_tiers(pool.meta)
        fits = [each for question in questions[pool.id] for each in made.get(question, ()) if has_fee(each, tiers)]
        if len({each.address for each in fits}) == 1:
            found[pool.id] = fits[0].address, tell(fits[0], pairs[pool.id])
    return found


def read_factories(chain: Chain) -> Factories:
    """Those that the chain watches and whose pools can be told by their tokens."""
    with connect(chain) as beside:
        rows = beside.execute(JOBS, [list(BY_TOPIC)]).fetchall()
    roles: dict[tuple[str, bytes, bytes], dict[tuple[str, str], Job]] = defaultdict(dict)
    for protocol, contract, topic0, id, abi, user, metadata in rows:
        role = role_of(BY_TOPIC[bytes(topic0)], abi, user), role_of(BY_TOPIC[bytes(topic0)], abi, metadata)
        roles[protocol, bytes(contract), bytes(topic0)][role] = Job(id, metadata)
    factories: dict[str, list[Factory]] = defaultdict(list)
    for (protocol, contract, topic0), jobs in sorted(roles.items()):
        token0, token1 = jobs.get(("token0", "pool")), jobs.get(("token1", "pool"))
        if token0 and token1:
            address, event = "0x" + contract.hex(), BY_TOPIC[topic0]
            factories[protocol].append(Factory(address, event, token0, token1, jobs.get(("pool", "fee"))))
    return factories


def role_of(event: FactoryEvent, abi: str, argument: str) -> str:
    """What the argument of that name, which everybody may choose, is."""
    place = [each.name for each in parse_event(abi).arguments].index(argument)
    return {0: "token0", 1: "token1", event.pool: "pool", event.fee: "fee"}.get(place, "")


def both_ways(factory: Factory, tokens: frozenset[str]) -> Iterator[tuple[Side, Side]]:
    """Not every factory sorts them."""
    one, two = (bytes.fromhex(token[2:]) for token in tokens)
    yield Side(one, factory.token0), Side(two, factory.token1)
    yield Side(two, factory.token0), Side(one, factory.token1)


def read_made(beside: Connection, questions: Sequence[Question]) -> Mapping[Question, Sequence[Made]]:
    """What the factories have made of these tokens."""
    sizes = read_sizes(beside, {side for question in questions for side in question.sides})
    rows = []
    for place, (factory, sides) in enumerate(questions):
        few, many = sorted(sides, key=lambda side: sizes[side])
        if sizes[few]:
            rows.append((place, few.token, *few.job, many.token, *many.job, factory.fee and factory.fee.id))
    made: dict[Question, list[Made]] = defaultdict(list)
    for place, address, block, fee in beside.execute(MADE, columns(rows, 8)) if rows else ():
        question = questions[place]
        made[question].append(Made(question.factory, address.lower(), block, None if fee is None else int(fee)))
    return made


def read_sizes(beside: Connection, sides: Iterable[Side]) -> Mapping[Side, int]:
    """How many pools there are of each, MANY at most."""
    of = {(side.token, side.job.id): side for side in sides}
    rows = beside.execute(SIZES, [MANY, *columns(list(of), 2)]).fetchall()
    return {of[bytes(token), job]: size for token, job, size in rows}


def has_fee(made: Made, tiers: Collection[int]) -> bool:
    """Whether its fee may be one that is named; where the factory has fees and this one's is not known, it may not."""
    return not tiers or made.factory.event.fee is None or made.fee in tiers


def tell(made: Made, tokens: frozenset[str]) -> Evidence:
    detail: dict[str, Any] = {
        "made_by": made.factory.address,
        "event": made.factory.event.signature,
        "tokens": sorted(tokens),
        "receipt": made.factory.event.receipt,
    }
    if made.fee is not None:
        detail["fee"] = show_fee(made.fee)
    return Evidence(EvidenceKind.FACTORY, OWN_LOGS, detail, made.block)
