"""EIP-55 for many addresses at once: Keccak-256 over columns of NumPy.

One address at a time costs some 20 microseconds, most of them on the way to the hash function; a thousand at once cost
three each. `address.checksum_once` is the slow and obvious version.

The state of Keccak-f[1600] is 25 lanes of 64 bits, here 25 columns with one row for each address. What EIP-55 hashes,
40 hex digits, fits into one block of 136 bytes, so that there is one permutation for each.
"""

import numpy as np
from numpy.typing import NDArray

Lanes = NDArray[np.uint64]

DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
ROUNDS = 24


def round_constants() -> list[np.uint64]:
    """Of the step iota: bits of the linear feedback shift register of FIPS 202, 3.2.5."""
    register, constants = 1, []
    for _ in range(ROUNDS):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(np.uint64(constant))
    return constants


def lane_moves() -> tuple[list[int], Lanes]:
    """From which lane each one comes, and turned by how many bits: the steps rho and pi."""
    sources, turns, x, y = [0] * 25, [0] * 25, 1, 0
    for step in range(24):
        target = y + 5 * ((2 * x + 3 * y) % 5)
        sources[target], turns[target] = x + 5 * y, (step + 1) * (step + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return sources, np.array(turns, np.uint64).reshape(25, 1)


CONSTANTS = round_constants()
SOURCES, LEFT = lane_moves()
# Turned by none, a lane is itself: a shift by 64 bits would be undefined.
RIGHT = (np.uint64(64) - LEFT) % np.uint64(64)
ONE, REST = np.uint64(1), np.uint64(63)
NEXT, OVERNEXT, PREVIOUS = [1, 2, 3, 4, 0], [2, 3, 4, 0, 1], [4, 0, 1, 2, 3]


def checksum_many(addresses: NDArray[np.uint8]) -> list[bytes]:
    """Addresses, (n, 20), as EIP-55 text, 42 bytes each."""
    count = len(addresses)
    texts = np.empty((count, 42), np.uint8)
    texts[:, 0], texts[:, 1] = ord("0"), ord("x")
    digits = texts[:, 2:]
    digits[:, 0::2], digits[:, 1::2] = DIGITS[addresses >> 4], DIGITS[addresses & 15]
    hashes = hash_digits(digits)
    # A letter is upper case where the hash's digit at its place is 8 or more; letters lie above digits.
    marks = np.empty_like(digits)
    marks[:, 0::2], marks[:, 1::2] = hashes >> 7, hashes >> 3 & 1
    digits -= 32 * (marks & (digits >= ord("a")))
    whole = texts.tobytes()
    return [whole[begin : begin + 42] for begin in range(0, 42 * count, 42)]


def hash_digits(digits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The first 20 bytes of the Keccak-256 of 40 bytes, (n, 40)."""
    lanes = np.zeros((25, len(digits)), np.uint64)
    lanes[:5] = np.ascontiguousarray(digits).view("<u8").T
    # The padding of Keccak, which is not that of SHA-3: a bit after the text, and one at the block's end.
    lanes[5], lanes[16] = 1, 1 << 63
    permute(lanes)
    return np.ascontiguousarray(lanes[:3].T).astype("<u8", copy=False).view(np.uint8)[:, :20]


def permute(lanes: Lanes) -> None:
    """Keccak-f[1600] in place, each column by itself; as few and as large operations as can be."""
    rows = lanes.reshape(5, 5, -1)
    left, right = np.empty_like(lanes), np.empty_like(lanes)
    for constant in CONSTANTS:
        parity = np.bitwise_xor.reduce(rows, axis=0)
        rows ^= parity[PREVIOUS] ^ (parity << ONE | parity >> REST)[NEXT]
        np.take(lanes, SOURCES, axis=0, out=left)
        np.right_shift(left, RIGHT, out=right)
        np.left_shift(left, LEFT, out=left)
        np.bitwise_or(left, right, out=left)
        moved = left.reshape(5, 5, -1)
        np.invert(moved[:, NEXT], out=rows)
        np.bitwise_and(rows, moved[:, OVERNEXT], out=rows)
        np.bitwise_xor(rows, moved, out=rows)
        lanes[0] ^= constant
