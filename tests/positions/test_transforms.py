from __future__ import annotations

import pytest

from indexer.positions.abi import Undecodable
from indexer.positions.transforms import TRANSFORMS
from tests.positions.logs import ALICE

credentials_to_address = TRANSFORMS["eth2-withdrawal-credentials"]


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (b"\x01" + bytes(11) + ALICE, ALICE),  # an execution address
        (b"\x02" + bytes(11) + ALICE, ALICE),  # one of a compounding validator
        (b"\x00" + b"\xab" * 31, None),  # the hash of a BLS key
        (bytes(32), None),
        (int.from_bytes(b"\x01" + bytes(11) + ALICE, "big"), ALICE),  # the same 32 bytes as a uint256
    ],
)
def test_withdrawal_credentials_give_the_address_they_hold(value: object, address: bytes | None) -> None:
    assert credentials_to_address(value) == address


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x01" + ALICE,  # 21 bytes
        b"\x01" + bytes(12) + ALICE,  # 33 bytes
        b"\x03" + bytes(11) + ALICE,  # a kind that does not exist yet
        b"\x01" + bytes(10) + b"\x01" + ALICE,  # something in the padding
        b"\x02\x01" + bytes(10) + ALICE,
        1 << 256,
        -1,
        "0x01",
        None,
        (),
    ],
)
def test_other_values_are_undecodable(value: object) -> None:
    with pytest.raises(Undecodable):
        credentials_to_address(value)
