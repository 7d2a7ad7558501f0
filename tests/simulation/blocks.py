"""One block of a generated chain, as an honest node would answer it: header, receipts and logs that fit each other."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from eth_hash.auto import keccak

from tests.simulation.events import Deed
from tests.simulation.seal import FORKS, HEADER, bits, header_hash, ordered_root, receipt_item

Answer = dict[str, Any]

ZERO_HASH = "0x" + "00" * 32
SYSTEM = "0x" + "00" * 18 + "8001"


@dataclass(frozen=True)
class Oddities:
    """How a chain departs from the rules of Ethereum; each is a quirk of chains.toml.

    `bloom`: "true", "zero", "full" (EIP-7668) or "absent". `async_execution`: newest blocks whose logs are not there
    yet. With `zero_transaction_hash` some blocks hold a receipt that is not in the receipts root, with `state_sync` one
    that is not in the bloom either.
    """

    bloom: str = "true"
    receipts_root: bool = True
    foreign_header_hash: bool = False
    state_sync: bool = False
    zero_transaction_hash: bool = False
    log_index_gaps: bool = False
    null_rounds: bool = False
    async_execution: int = 0
    fork: str = "cancun"

    @property
    def quirks(self) -> tuple[str, ...]:
        """As config/chains.toml says it."""
        named = {
            "no-bloom": self.bloom != "true",
            "no-receipts-root": not self.receipts_root,
            "foreign-header-hash": self.foreign_header_hash,
            "state-sync-logs": self.state_sync,
            "zero-transaction-hash": self.zero_transaction_hash,
            "log-index-gaps": self.log_index_gaps,
            "null-rounds": self.null_rounds,
            "async-execution": bool(self.async_execution),
        }
        return tuple(quirk for quirk, holds in named.items() if holds)


@dataclass(eq=False)
class Block:
    """`header`, `receipts` and `logs` are what eth_getBlockByNumber, eth_getBlockReceipts and eth_getLogs answer;
    `deeds` are the logs' meanings, in the same order. None of it is changed once made."""

    number: int
    hash: str
    parent: "Block | None"
    header: Answer
    receipts: list[Answer]
    logs: list[Answer]
    deeds: list[Deed]

    def __repr__(self) -> str:
        return f"<Block {self.number} {self.hash[:10]}>"

    @cached_property
    def watched(self) -> dict[tuple[bytes, bytes], list[Deed]]:
        """The deeds by contract and topic0."""
        found: defaultdict[tuple[bytes, bytes], list[Deed]] = defaultdict(list)
        for deed in self.deeds:
            if deed.topics:
                found[deed.contract, deed.topics[0]].append(deed)
        return dict(found)


def make_block(
    random: Random, parent: Block | None, number: int, transactions: Sequence[Sequence[Deed]], oddities: Oddities
) -> Block:
    """The block with these transactions, each the logs it makes."""
    made = [
        _Transaction("0x" + random.randbytes(32).hex(), random.choice((0, 1, 2, 2, 2)), list(deeds))
        for deeds in transactions
    ]
    outside = _outside(random, made, oddities)
    rooted = [each for each in made if each is not outside]
    gas = 0
    items = []
    for transaction in rooted:
        gas += 21_000 + 1_900 * len(transaction.deeds)
        transaction.gas, transaction.bloom = gas, _bloom(transaction.deeds)
        logs = [(deed.contract, deed.topics, deed.data) for deed in transaction.deeds]
        items.append(receipt_item(transaction.kind, 1, gas, transaction.bloom, logs))
    bloom = 0
    for each in made if oddities.zero_transaction_hash else rooted:
        bloom |= _bloom(each.deeds)
    header = _header(random, parent, number, [each.hash for each in rooted], gas, oddities)
    header["receiptsRoot"] = ordered_root(items) if oddities.receipts_root else ZERO_HASH
    header["logsBloom"] = _hex_bloom({"zero": 0, "full": (1 << 2048) - 1}.get(oddities.bloom, bloom))
    header["hash"] = "0x" + random.randbytes(32).hex() if oddities.foreign_header_hash else header_hash(header)
    if oddities.bloom == "absent":
        del header["logsBloom"]
    block = Block(number, header["hash"], parent, header, [], [], [])
    _fill(random, block, made, oddities)
    return block


@dataclass(eq=False)
class _Transaction:
    hash: str
    kind: int
    deeds: list[Deed]
    gas: int = 0
    bloom: int = 0


def _outside(random: Random, made: list[_Transaction], oddities: Oddities) -> _Transaction | None:
    """The transaction that bloom and receipts root know nothing of, if this block has one."""
    if not made or random.random() > 0.4:
        return None
    if oddities.zero_transaction_hash:
        made[0].hash, made[0].kind = ZERO_HASH, 0
        return made[0]
    if oddities.state_sync:
        made[-1].hash, made[-1].kind = "0x" + keccak(b"matic-bor-receipt-" + random.randbytes(32)).hex(), 0
        return made[-1]
    return None


def _header(
    random: Random, parent: Block | None, number: int, hashes: list[str], gas: int, oddities: Oddities
) -> Answer:
    values: Answer = {
        "parentHash": parent.hash if parent else ZERO_HASH,
        "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
        "miner": "0x" + "95" * 20,
        "stateRoot": "0x" + random.randbytes(32).hex(),
        "transactionsRoot": "0x" + random.randbytes(32).hex(),
        "receiptsRoot": ZERO_HASH,
        "logsBloom": "0x",
        "difficulty": "0x0",
        "number": hex(number),
        "gasLimit": hex(30_000_000),
        "gasUsed": hex(gas),
        "timestamp": hex(int(parent.header["timestamp"], 16) + 12 if parent else 1_700_000_000),
        "extraData": "0x" + random.randbytes(random.randrange(4)).hex(),
        "mixHash": "0x" + random.randbytes(32).hex(),
        "nonce": "0x0000000000000000",
        "baseFeePerGas": hex(random.randrange(7, 10**10)),
        "withdrawalsRoot": "0x" + random.randbytes(32).hex(),
        "blobGasUsed": hex(131_072 * random.randrange(7)),
        "excessBlobGas": "0x0",
        "parentBeaconBlockRoot": "0x" + random.randbytes(32).hex(),
        "requestsHash": "0x" + random.randbytes(32).hex(),
    }
    known = {name: values[name] for name in HEADER[: FORKS[oddities.fork]]}
    return known | {"transactions": hashes, "uncles": [], "size": hex(700 + gas % 997)}


def _fill(random: Random, block: Block, made: list[_Transaction], oddities: Oddities) -> None:
    """Receipts and logs, numbered through the block."""
    where = {"blockHash": block.hash, "blockNumber": hex(block.number)}
    place, gas_before = 0, 0
    for index, transaction in enumerate(made):
        of = where | {"transactionHash": transaction.hash, "transactionIndex": hex(index)}
        logs = []
        for deed in transaction.deeds:
            place += random.randrange(1, 4) if oddities.log_index_gaps else 0
            logs.append(
                of
                | {
                    "address": "0x" + deed.contract.hex(),
                    "topics": ["0x" + topic.hex() for topic in deed.topics],
                    "data": "0x" + deed.data.hex(),
                    "logIndex": hex(place),
                    "removed": False,
                }
            )
            place += 1
        block.logs += logs
        block.deeds += transaction.deeds
        block.receipts.append(
            of
            | {
                "type": hex(transaction.kind),
                "status": "0x1",
                "cumulativeGasUsed": hex(transaction.gas),
                "gasUsed": hex(max(0, transaction.gas - gas_before)),
                "effectiveGasPrice": "0x7",
                "from": "0x" + "11" * 20,
                "to": SYSTEM,
                "contractAddress": None,
                "logsBloom": _hex_bloom(transaction.bloom),
                "logs": logs,
            }
        )
        gas_before = max(gas_before, transaction.gas)


def _bloom(deeds: Iterable[Deed]) -> int:
    found = 0
    for deed in deeds:
        found |= bits(deed.contract)
        for topic in deed.topics:
            found |= bits(topic)
    return found


def _hex_bloom(bloom: int) -> str:
    return f"0x{bloom:0512x}"
