"""The JSON of a made-up chain, as geth writes it: all logs in one buffer, and where each of them lies.

Logs are laid out by columns: a row of bytes each, as long as a log can be, in which short quantities leave zeros that
are taken out at the end. Headers keep the rules of a real chain: hash, parent and bloom are what they must be.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.made_chain import FIRST, Bytes, Columns, Numbers, Shape
from indexer.rpc.proofs import rlp
from indexer.rpc.proofs.keccak import keccak256

TRANSFER = keccak256(b"Transfer(address,address,uint256)")
FIRST_TIME = 1_700_000_000
BLOCK_SECONDS = 12
LOGS_PER_TRANSACTION = 2
AT_ONCE = 20_000
"""Logs that are written in one go: their rows take 13 MB."""
ROW = (
    b'{"address":"0x%s","topics":["0x%s","0x%s","0x%s"],"data":"0x%s","blockNumber":"0x%s","transactionHash":"0x%s",'
    b'"transactionIndex":"0x%s","blockHash":"0x%s","blockTimestamp":"0x%s","logIndex":"0x%s","removed":false},'
)
WIDTHS = (40, 64, 64, 64, 64, 7, 64, 3, 64, 8, 3)
"""Hex digits of each field of a row at most."""
PAIRS = np.frombuffer(b"".join(b"%02x" % number for number in range(256)), np.uint8).reshape(256, 2)
QUANTITIES = np.frombuffer(b"".join((b"%x" % number).ljust(3, b"\0") for number in range(4096)), np.uint8)
EMPTY_UNCLES = keccak256(rlp.encode_list([]))
EMPTY_ROOT = keccak256(rlp.encode(b""))
EMPTY_REQUESTS = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


class Logs(NamedTuple):
    """`text` is the JSON of all logs, each with a comma behind it; log n is text[places[n]:places[n + 1] - 1]."""

    text: Bytes
    places: Numbers


class Headers(NamedTuple):
    """The headers of all blocks: their hashes, and each as JSON up to its transactions, which are to be filled in."""

    hashes: list[bytes]
    texts: list[bytes]


def write_headers(shape: Shape, columns: Columns) -> Headers:
    """Make the headers of a chain, each the parent of the next."""
    random = np.random.default_rng([shape.seed, 1])
    roots = random.integers(0, 256, (shape.blocks, 3, 32), np.uint8)
    blooms = make_blooms(columns)
    hashes: list[bytes] = []
    texts: list[bytes] = []
    parent = keccak256(b"the block before the first")
    for block in range(shape.blocks):
        state, transactions, receipts = (root.tobytes() for root in roots[block])
        count = int(columns.starts[block + 1] - columns.starts[block])
        fields: dict[str, bytes | int] = {
            "parentHash": parent,
            "sha3Uncles": EMPTY_UNCLES,
            "miner": bytes(19) + b"\x01",
            "stateRoot": state,
            "transactionsRoot": transactions if count else EMPTY_ROOT,
            "receiptsRoot": receipts if count else EMPTY_ROOT,
            "logsBloom": blooms[block].tobytes(),
            "difficulty": 0,
            "number": FIRST + block,
            "gasLimit": 36_000_000,
            "gasUsed": min(36_000_000, 60_000 * count),
            "timestamp": FIRST_TIME + BLOCK_SECONDS * block,
            "extraData": b"made up",
            "mixHash": state,
            "nonce": bytes(8),
            "baseFeePerGas": 1_000_000_000,
            "withdrawalsRoot": EMPTY_ROOT,
            "blobGasUsed": 0,
            "excessBlobGas": 0,
            "parentBeaconBlockRoot": state,
            "requestsHash": EMPTY_REQUESTS,
        }
        parent = keccak256(rlp.encode_list(map(rlp.encode, fields.values())))
        hashes.append(parent)
        written = [f'"{name}":"{quantity(value)}"' for name, value in fields.items()]
        rest = f'"hash":"0x{parent.hex()}","size":"0x4d2","uncles":[],"withdrawals":[],"transactions":['
        texts.append(f"{{{','.join(written)},{rest}".encode())
    return Headers(hashes, texts)


def write_logs(shape: Shape, columns: Columns, hashes: list[bytes]) -> Logs:
    """Write the logs of a chain whose blocks have these hashes."""
    random = np.random.default_rng([shape.seed, 2])
    logs = int(columns.starts[-1])
    block_hashes = np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32)
    template, holes = make_template()
    parts: list[Bytes] = []
    lengths = np.zeros(logs + 1, np.int64)
    for start in range(0, logs, AT_ONCE):
        end = min(start + AT_ONCE, logs)
        which = np.arange(start, end)
        block = np.searchsorted(columns.starts, which, side="right") - 1
        index = which - columns.starts[block]
        transaction = index // LOGS_PER_TRANSACTION
        amounts = np.zeros((end - start, 32), np.uint8)
        amounts[:, 22:] = random.integers(0, 256, (end - start, 10), np.uint8)
        rows = np.tile(template, (end - start, 1))
        values = (
            hexadecimal(columns.contracts[columns.contract[which]]),
            np.tile(hexadecimal(np.frombuffer(TRANSFER, np.uint8)[None]), (end - start, 1)),
            hexadecimal(padded(columns.users[columns.sender[which]])),
            hexadecimal(padded(columns.users[columns.receiver[which]])),
            hexadecimal(amounts),
            hexadecimal(big_endian(FIRST + block, 4))[:, 1:],
            hexadecimal(transaction_hashes(shape.seed, block, transaction)),
            QUANTITIES.reshape(-1, 3)[transaction],
            hexadecimal(block_hashes[block]),
            hexadecimal(big_endian(FIRST_TIME + BLOCK_SECONDS * block, 4)),
            QUANTITIES.reshape(-1, 3)[index],
        )
        for hole, width, value in zip(holes, WIDTHS, values, strict=True):
            rows[:, hole : hole + width] = value
        there = rows != 0
        lengths[start + 1 : end + 1] = there.sum(axis=1)
        parts.append(rows[there])
    return Logs(np.concatenate(parts) if parts else np.zeros(0, np.uint8), np.cumsum(lengths))


def make_template() -> tuple[Bytes, list[int]]:
    """A row with nothing filled in, and where each field's digits begin."""
    pieces = ROW.split(b"%s")
    holes, row = [], b""
    for piece, width in zip(pieces, (*WIDTHS, 0), strict=True):
        row += piece
        holes.append(len(row))
        row += bytes(width)
    return np.frombuffer(row, np.uint8), holes[:-1]


def transaction_hashes(seed: int, block: Numbers, transaction: Numbers) -> Bytes:
    """32 bytes for each, which look like hashes and can be made again for one block: multiplied and mixed words."""
    words = np.empty((len(block), 4), np.uint64)
    with np.errstate(over="ignore"):
        for word in range(4):
            mixed = (block.astype(np.uint64) << np.uint64(20)) + transaction.astype(np.uint64)
            mixed = (mixed + np.uint64(seed * 4 + word + 1)) * np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
            words[:, word] = mixed ^ (mixed >> np.uint64(32))
    return words.view(np.uint8).reshape(-1, 32)


def write_transactions(shape: Shape, columns: Columns, block: int, block_hash: bytes, *, full: bool) -> bytes:
    """What stands between the brackets of a block's transactions: their hashes, or each in full."""
    logs = int(columns.starts[block + 1] - columns.starts[block])
    count = -(-logs // LOGS_PER_TRANSACTION)
    hashes = transaction_hashes(shape.seed, np.full(count, block), np.arange(count))
    if not full:
        return b",".join(b'"0x%s"' % each.tobytes().hex().encode() for each in hashes)
    return b",".join(
        (
            f'{{"blockHash":"0x{block_hash.hex()}","blockNumber":"{hex(FIRST + block)}","from":"0x{"11" * 20}",'
            f'"gas":"0x5208","gasPrice":"0x3b9aca00","maxFeePerGas":"0x77359400","maxPriorityFeePerGas":"0x1",'
            f'"hash":"0x{each.tobytes().hex()}","input":"0xa9059cbb{"00" * 64}","nonce":"0x1","to":"0x{"22" * 20}",'
            f'"transactionIndex":"{hex(index)}","value":"0x0","type":"0x2","accessList":[],"chainId":"0x1",'
            f'"v":"0x1","r":"0x{"33" * 32}","s":"0x{"44" * 32}","yParity":"0x1"}}'
        ).encode()
        for index, each in enumerate(hashes)
    )


def make_blooms(columns: Columns) -> Bytes:
    """The blooms of all blocks, 256 bytes each."""
    blocks = len(columns.starts) - 1
    contracts = np.array([bits_of(each.tobytes()) for each in columns.contracts]).reshape(-1, 3)
    users = np.array([bits_of(each.tobytes()) for each in padded(columns.users)]).reshape(-1, 3)
    block = np.repeat(np.arange(blocks), np.diff(columns.starts))
    # Bit 0 of a bloom is the last bit of its last byte.
    bits = np.zeros((blocks, 2048), np.bool_)
    bits[np.diff(columns.starts) > 0] |= np.isin(np.arange(2048), bits_of(TRANSFER))
    for values, rows in ((contracts, columns.contract), (users, columns.sender), (users, columns.receiver)):
        for bit in range(3):
            bits[block, values[rows, bit]] = True
    return np.packbits(bits[:, ::-1], axis=1)


def bits_of(value: bytes) -> list[int]:
    """The three bits that an address or a topic sets (Yellow Paper, 4.3.1)."""
    digest = keccak256(value)
    return [int.from_bytes(digest[at : at + 2], "big") % 2048 for at in (0, 2, 4)]


def hexadecimal(values: Bytes) -> Bytes:
    """Rows of bytes as rows of hex digits."""
    return PAIRS[values].reshape(len(values), -1)


def padded(addresses: Bytes) -> Bytes:
    """Addresses as topics: 32 bytes."""
    return np.pad(addresses, ((0, 0), (12, 0)))


def big_endian(numbers: Numbers, size: int) -> Bytes:
    return numbers.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 8 - size :]


def quantity(value: bytes | int) -> str:
    return hex(value) if isinstance(value, int) else f"0x{value.hex()}"
