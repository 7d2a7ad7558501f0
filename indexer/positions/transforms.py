"""How an event's argument that is not an address becomes one."""

from __future__ import annotations

from collections.abc import Callable

from indexer.positions.abi import Undecodable

Transform = Callable[[object], bytes | None]
"""A decoded argument (bytes, or int of a uint) to 20 bytes; None where it names no address, which is no error.

Raises Undecodable for a value of any other shape."""


def read_withdrawal_credentials(value: object) -> bytes | None:
    """Take the withdrawal address out of a validator's 32 bytes of credentials.

    The first byte says what they are (consensus specs, phase 0, capella, electra): 0x01 an execution address and 0x02
    one of a compounding validator, both in the last 20 bytes after 11 zero bytes; 0x00 the hash of a BLS key, which
    names no address.
    """
    if isinstance(value, int) and 0 <= value < 1 << 256:
        value = value.to_bytes(32, "big")
    if not isinstance(value, bytes) or len(value) != 32:
        raise Undecodable("withdrawal credentials are not 32 bytes")
    prefix, padding, address = value[0], value[1:12], value[12:]
    if prefix == 0x00:
        return None
    if prefix not in (0x01, 0x02):
        raise Undecodable(f"withdrawal credentials of unknown kind 0x{prefix:02x}")
    if any(padding):
        raise Undecodable("withdrawal credentials: bytes 1 to 11 are not zero")
    return address


TRANSFORMS: dict[str, Transform] = {
    "eth2-withdrawal-credentials": read_withdrawal_credentials,
}
