"""What the demo decides before it starts anything: whether to go on with what it finds, and where to serve."""

import socket
from collections.abc import Iterator

import pytest

from indexer.embedded.demo.stage import FIRST_PORT, choose_port, find_reason_to_discard
from indexer.embedded.demo.steps import DemoError

KEPT = {5: "0xa5", 6: "0xa6", 7: "0xa7"}
OTHER = {5: "0xb5", 6: "0xb6", 7: "0xb7"}


@pytest.mark.parametrize(
    ("kept", "served", "known_seed", "seed"),
    [
        ({}, {}, None, None),  # the first start
        ({}, {}, None, 7),
        (KEPT, KEPT, 1, None),  # left in order
        (KEPT, KEPT, 7, 7),
        (KEPT, {5: "0xa5"}, 1, None),  # killed: the chain has lost its newest blocks
        (KEPT, {5: "0xa5", 6: "0xb6", 7: "0xb7"}, 1, None),  # the same, and it has grown others
        ({}, OTHER, 1, None),  # the database is new, the chain is not: it is read from its beginning
    ],
)
def test_a_chain_goes_on_while_it_has_a_block_that_was_indexed(
    kept: dict[int, str], served: dict[int, str], known_seed: int | None, seed: int | None
) -> None:
    assert find_reason_to_discard(kept, served, known_seed, seed) == ""


@pytest.mark.parametrize(
    ("served", "known_seed", "seed", "words"),
    [
        (OTHER, 1, None, "none of the blocks that were indexed last"),  # another chain
        ({}, 1, None, "none of the blocks that were indexed last"),  # shorter than all that was kept
        (KEPT, 1, 2, "made with seed 1"),
    ],
)
def test_a_chain_that_cannot_be_followed_is_discarded_with_the_reason(
    served: dict[int, str], known_seed: int | None, seed: int | None, words: str
) -> None:
    assert words in find_reason_to_discard(KEPT, served, known_seed, seed)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_in_use_is_refused_with_a_sentence(taken: int) -> None:
    with pytest.raises(DemoError, match=f"port {taken} cannot be used .*choose another by --port"):
        choose_port(taken)


def test_a_free_port_is_taken_as_wished(taken: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert choose_port(free) == free


def test_without_a_wish_the_first_free_port_is_found() -> None:
    first = choose_port(None)
    assert first >= FIRST_PORT
    with socket.create_server(("127.0.0.1", first)):
        assert choose_port(None) > first
