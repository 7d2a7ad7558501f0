"""Nothing that a log can hold raises, and each watched log is a touch, nobody, or counted."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.positions.definition import Definition
from indexer.positions.watch import NOBODY, WatchIndex
from tests.positions.logs import ALICE, DEPOSIT_ABI, POOL, TRANSFER, TRANSFER_ABI, RawLog, text, word

EVENTS: list[object] = [
    "Transfer",
    {"topic0": TRANSFER, "user_topic": 3},
    {"abi": TRANSFER_ABI, "user": "to", "metadata": "tokenId"},
    {"abi": "event Transfer(address from, address indexed to, uint indexed id)", "user": "from", "metadata": "id"},
    {"abi": "event T(address who, string note)", "user": "who", "metadata": "note"},
    {"abi": "event T(address indexed who, bool[3] x, bytes note)", "user": "who", "metadata": "note"},
    {"abi": "event T((uint, uint[2])[2] x, int16 b, address who)", "user": "who", "metadata": "b"},
    {
        "abi": DEPOSIT_ABI,
        "user": "withdrawal_credentials",
        "metadata": "pubkey",
        "transform": "eth2-withdrawal-credentials",
    },
]
DEFINITIONS = [definition for event in EVENTS if (definition := Definition.from_event(POOL, event))]
JOBS = list(enumerate(DEFINITIONS))
INDEX = WatchIndex(JOBS)

SMALL = st.sampled_from([0, 1, 2, 31, 32, 33, 64, 96, 128, 160, 192, 224, 256, 2**63, 2**64, 2**255, 2**256 - 1])
WORDS = SMALL.map(word) | st.just(word(ALICE)) | st.binary(min_size=32, max_size=32).map(text)
TOPICS = WORDS | st.text(max_size=70) | st.binary(max_size=40).map(text)
DATA = st.lists(WORDS, max_size=12).map(lambda words: "0x" + "".join(part[2:] for part in words))
LOGS = st.builds(
    RawLog,
    address=st.just(text(POOL)),
    topics=st.builds(
        lambda first, rest: [first, *rest],
        st.sampled_from([text(definition.topic0) for definition in DEFINITIONS]),
        st.lists(TOPICS, max_size=4),
    ),
    data=DATA | st.binary(max_size=300).map(text) | st.text(max_size=40),
    block_number=st.integers(0, 2**63 - 1),
)


@settings(max_examples=500, deadline=None)
@given(LOGS)
def test_a_log_of_any_content_is_read_or_counted(log: RawLog) -> None:
    matches = INDEX.match([log])
    for touch in matches.touches:
        assert touch.block == log.block_number
        assert len(touch.address) == 20
        assert touch.address != NOBODY
        assert (touch.key is None) == (touch.value is None)
        assert "\0" not in (touch.value or "")
        assert (touch.value or "").encode() is not None
    for row in matches.unreadable:
        assert row.count == 1
        assert "\0" not in row.reason
    watching = {job for job, definition in JOBS if text(definition.topic0) == log.topics[0]}
    assert {touch.job for touch in matches.touches} | {row.job for row in matches.unreadable} <= watching


@settings(deadline=None)
@given(st.lists(LOGS, max_size=8))
def test_logs_are_read_alike_alone_and_together(logs: list[RawLog]) -> None:
    together = INDEX.match(logs)
    alone = [INDEX.match([log]) for log in logs]
    assert together.touches == list(dict.fromkeys(touch for matches in alone for touch in matches.touches))
    counts: dict[tuple[int, int], int] = {}
    for matches in alone:
        for row in matches.unreadable:
            counts[row.job, row.block] = counts.get((row.job, row.block), 0) + row.count
    assert {(row.job, row.block): row.count for row in together.unreadable} == counts
