"""What is found in columns of logs is what looking at one after the other finds."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.positions import matching
from indexer.positions.definition import Definition
from indexer.positions.digest import MODULUS, log_digest
from indexer.positions.matching import Matcher
from indexer.positions.watch import Matches, WatchIndex
from indexer.rpc import Log, choose, to_columns
from tests.positions.logs import ALICE, BOB, DEPOSIT_ABI, TRANSFER, TRANSFER_ABI, text, word

CONTRACTS = [bytes([number]) * 20 for number in range(1, 6)] + [bytes(19) + b"\x07", bytes(20)]
EVENTS: list[object] = [
    "Transfer",
    {"topic0": TRANSFER, "user_topic": 1},
    {"topic0": TRANSFER, "user_topic": 3},
    {"topic0": "0x" + "11" * 32, "user_topic": 2},
    {"abi": TRANSFER_ABI, "user": "to", "metadata": "tokenId"},
    {"abi": "event Transfer(address from, address indexed to, uint indexed id)", "user": "from", "metadata": "id"},
    {"abi": DEPOSIT_ABI, "user": "withdrawal_credentials", "metadata": "pubkey"}
    | {"transform": "eth2-withdrawal-credentials"},
]
DEFINITIONS = [
    definition
    for contract, event in itertools.product(CONTRACTS, EVENTS)
    if (definition := Definition.from_event(contract, event))
]
JOBS = st.lists(st.sampled_from(DEFINITIONS), max_size=12, unique=True).map(lambda chosen: list(enumerate(chosen, 3)))

WORDS = st.sampled_from([word(ALICE), word(BOB), word(0), word(2**160), word(2**256 - 1), word(5)])
LOGS = st.lists(
    st.builds(
        Log,
        address=st.sampled_from([*map(text, CONTRACTS), "0x" + "99" * 20]),
        topics=st.lists(WORDS, max_size=3).flatmap(
            lambda rest: st.one_of(
                st.sampled_from([TRANSFER, "0x" + "11" * 32, word(1)]).map(lambda first: [first, *rest]), st.just([])
            )
        ),
        data=st.lists(WORDS, max_size=3).map(lambda words: "0x" + "".join(part[2:] for part in words)),
        block_number_hex=st.integers(0, 20).map(hex),
        block_hash=st.binary(min_size=32, max_size=32).map(text),
        log_index_hex=st.integers(0, 2**31 - 1).map(hex),
    ),
    max_size=25,
)


def pairs(matches: Matches) -> dict[tuple[bytes, int], int]:
    """First block by address and job, wherever the matches have it."""
    found: dict[tuple[bytes, int], int] = {}
    columns = zip(*(column.tolist() for column in matches.found[1:]), strict=True)
    told = [(bytes(address), *each) for address, each in zip(matches.found.addresses, columns, strict=True)]
    for address, job, block in [*((touch.address, touch.job, touch.block) for touch in matches.touches), *told]:
        found[address, job] = min(block, found.get((address, job), block))
    return found


@settings(max_examples=300, deadline=None)
@given(JOBS, LOGS)
def test_any_logs_are_matched_as_one_by_one(jobs: list[tuple[int, Definition]], logs: list[Log]) -> None:
    expected = WatchIndex(jobs).match(sorted(logs, key=lambda log: (log.block_number, log.log_index)), log_digest)
    matcher = Matcher(jobs)
    found = matcher.match(to_columns(logs))
    seen, watched = choose(to_columns(logs), matcher.is_watched)
    assert seen == len(logs)
    assert matcher.match(watched).digest == found.digest
    assert (found.logs, found.pairs, found.digest) == (expected.logs, expected.pairs, expected.digest)
    assert len(watched) == expected.logs
    assert pairs(found) == pairs(expected)
    assert {touch for touch in found.touches if touch.key} == {touch for touch in expected.touches if touch.key}
    assert found.unreadable == expected.unreadable
    assert len(set(zip(map(bytes, found.found.addresses), found.found.jobs.tolist(), strict=True))) == found.found.size


def test_events_made_to_look_alike_are_told_apart() -> None:
    """Whoever chooses an address and a topic0 by the factors that everybody knows gets a number of their own."""
    of_address, *_, of_topic0, _ = matching.MIX.tolist()
    events = [
        (bytes(20), bytes(32)),
        (
            of_topic0.to_bytes(8, "little") + bytes(12),
            bytes(20) + (-of_address % 2**64).to_bytes(8, "little") + bytes(4),
        ),
    ]
    jobs = [(number, Definition(*event, 2, None, None, None, None)) for number, event in enumerate(events)]
    logs = [
        Log(
            address=text(contract),
            topics=[text(topic0), word(BOB), word(ALICE)],
            data="0x",
            block_number_hex="0x1",
            block_hash="0x" + "aa" * 32,
            log_index_hex=hex(number),
        )
        for number, (contract, topic0) in enumerate(events)
    ]
    columns = to_columns(logs)
    assert len(set((matching.words_of(columns.addresses, columns.topics[:, 0]) @ matching.MIX).tolist())) == 1
    assert set(pairs(Matcher(jobs).match(columns))) == {(ALICE, 0), (ALICE, 1)}


def test_the_digest_of_columns_is_the_sum_of_the_logs() -> None:
    log = Log(
        address="0x" + "ab" * 20,
        topics=[TRANSFER],
        data="0xABCD",
        block_number_hex="0x1",
        block_hash="0x" + "aa" * 32,
        log_index_hex="0x0",
    )
    definition = Definition(b"\xab" * 20, bytes.fromhex(TRANSFER[2:]), 2, None, None, None, None)
    logs = [msgspec.structs.replace(log, log_index_hex=hex(10**digits - add)) for digits in range(9) for add in (0, 1)]
    # Two jobs of one event count every log twice.
    matches = Matcher([(1, definition), (2, definition)]).match(to_columns(logs))
    assert matches.digest == 2 * sum(map(log_digest, logs)) % MODULUS
