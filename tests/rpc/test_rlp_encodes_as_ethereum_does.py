"""Our encoding is that of the Ethereum wiki's examples, and of the rlp package for whatever else there is."""

from __future__ import annotations

import pytest
import rlp as independent
from hypothesis import given
from hypothesis import strategies as st

from indexer.rpc.proofs import rlp
from indexer.rpc.proofs.rlp import Item

LOREM = b"Lorem ipsum dolor sit amet, consectetur adipisicing elit"

items = st.recursive(
    st.binary(max_size=70) | st.binary(min_size=250, max_size=300) | st.integers(0, 2**256),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("item", "encoded"),
    [
        (b"dog", b"\x83dog"),
        ([b"cat", b"dog"], b"\xc8\x83cat\x83dog"),
        (b"", b"\x80"),
        ([], b"\xc0"),
        (0, b"\x80"),
        (b"\x00", b"\x00"),
        (15, b"\x0f"),
        (1024, b"\x82\x04\x00"),
        ([[], [[]], [[], [[]]]], b"\xc7\xc0\xc1\xc0\xc3\xc0\xc1\xc0"),  # the set-theoretical three
        (LOREM, b"\xb8\x38" + LOREM),  # 56 bytes: the first length that does not fit the prefix
        (LOREM[:55], b"\xb7" + LOREM[:55]),
        (b"\x7f", b"\x7f"),
        (b"\x80", b"\x81\x80"),
        (bytes(1024), b"\xb9\x04\x00" + bytes(1024)),
        ([bytes(300)], b"\xf9\x01\x2f\xb9\x01\x2c" + bytes(300)),
    ],
)
def test_the_examples_of_the_wiki(item: Item, encoded: bytes) -> None:
    assert rlp.encode(item) == encoded


@given(items)
def test_any_item_is_encoded_as_the_rlp_package_does(item: Item) -> None:
    assert rlp.encode(item) == independent.encode(item)


@given(st.lists(items, max_size=5))
def test_a_list_of_encoded_items_is_the_list_of_the_items(elements: list[Item]) -> None:
    assert rlp.encode_list(map(rlp.encode, elements)) == rlp.encode(elements)
