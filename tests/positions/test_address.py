from __future__ import annotations

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.positions.address import checksum, parse_address

# The examples of EIP-55 itself.
EIP55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
]


@pytest.mark.parametrize("text", EIP55)
def test_the_examples_of_eip_55_are_written_and_read(text: str) -> None:
    assert checksum(bytes.fromhex(text[2:])) == text
    assert parse_address(text, strict=True).hex() == text[2:].lower()


@settings(deadline=None)
@given(st.binary(min_size=20, max_size=20))
def test_checksums_are_those_of_eth_utils(address: bytes) -> None:
    assert checksum(address) == to_checksum_address(address)


@settings(deadline=None)
@given(st.binary(min_size=20, max_size=20))
def test_all_lower_and_all_upper_addresses_carry_no_checksum(address: bytes) -> None:
    digits = address.hex()
    for text in (f"0x{digits}", f"0x{digits.upper()}", f"0X{digits.upper()}"):
        assert parse_address(text, strict=True) == address


def test_a_wrong_checksum_is_refused_only_when_strict() -> None:
    wrong = "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    with pytest.raises(ValueError, match="0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed is the right spelling"):
        parse_address(wrong, strict=True)
    assert parse_address(wrong, strict=False).hex() == wrong[2:].lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "de709f2102306220921060314715629080e2fb77",  # no 0x
        "0xde709f2102306220921060314715629080e2fb7",  # 39 digits
        "0xde709f2102306220921060314715629080e2fb7700",  # 21 bytes
        "0xde709f2102306220921060314715629080e2fb7g",  # not a digit
        "0xde709f2102306220921060314715629080e2fb77\n",  # a line end
        "0x\u0661e709f2102306220921060314715629080e2fb77",  # a digit of another script
        "vitalik.eth",
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_other_text_is_no_address(text: str, strict: bool) -> None:
    with pytest.raises(ValueError, match="40 hex digits"):
        parse_address(text, strict=strict)


def test_other_lengths_have_no_checksum() -> None:
    with pytest.raises(ValueError, match="20 bytes, not 19"):
        checksum(bytes(19))
