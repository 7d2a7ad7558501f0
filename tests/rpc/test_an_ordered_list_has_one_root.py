"""The root of receipts, or of any list, is that of the trie which the trie package builds item by item."""

from __future__ import annotations

import rlp as independent
from hypothesis import given
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from indexer.rpc.proofs import EMPTY_ROOT, keccak256, ordered_root

# Short items are kept inside the node above, long ones by hash.
item_lists = st.lists(st.binary(min_size=1, max_size=40), max_size=20)
SIZES = (1, 2, 16, 17, 127, 128, 129, 255, 256, 257)


def independent_root(items: list[bytes]) -> bytes:
    trie = HexaryTrie({})
    for index, item in enumerate(items):
        trie[independent.encode(index)] = item
    return bytes(trie.root_hash)


def test_nothing_has_the_root_that_is_known_for_it() -> None:
    known = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
    assert ordered_root([]).hex() == EMPTY_ROOT.hex() == known


def test_keccak_is_the_one_of_ethereum_and_not_the_standard_sha3() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_lists_of_every_length_at_which_the_keys_grow() -> None:
    for size in SIZES:
        for width in (1, 28, 29, 30, 33):  # nodes of 32 bytes are the first that are kept by hash
            items = [bytes([index % 251 + 1]) * width for index in range(size)]
            assert ordered_root(items) == independent_root(items), (size, width)


@given(item_lists)
def test_any_list_has_the_root_of_the_trie_package(items: list[bytes]) -> None:
    assert ordered_root(items) == independent_root(items)


@given(item_lists.filter(bool), st.data())
def test_another_list_has_another_root(items: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(items) - 1))
    others = [
        items[:at] + items[at + 1 :],
        [*items[:at], items[at], *items[at:]],
        [*items[:at], items[at] + b"\x00", *items[at + 1 :]],
        items[1:] + items[:1],
        items[::-1],
    ]
    for other in others:
        assert (ordered_root(other) == ordered_root(items)) == (other == items)
