"""EIP-55 of many addresses at once is that of each by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.positions.address import checksum_once
from indexer.positions.checksums import checksum_many

# The examples of EIP-55.
EXAMPLES = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


def column(addresses: list[bytes]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.frombuffer(b"".join(addresses), np.uint8).reshape(-1, 20)


def test_the_standards_examples_are_written_as_there() -> None:
    addresses = [bytes.fromhex(text[2:]) for text in EXAMPLES]
    assert [name.decode() for name in checksum_many(column(addresses))] == EXAMPLES


@given(st.lists(st.binary(min_size=20, max_size=20), max_size=70))
def test_every_address_is_written_as_by_itself(addresses: list[bytes]) -> None:
    assert checksum_many(column(addresses)) == [checksum_once(address).encode() for address in addresses]


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_any_number_of_addresses_is_written(count: int) -> None:
    drawn = np.random.default_rng(count).bytes(20 * count)
    addresses = [drawn[begin : begin + 20] for begin in range(0, len(drawn), 20)]
    assert checksum_many(column(addresses)) == [checksum_once(address).encode() for address in addresses]
