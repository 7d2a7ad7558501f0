"""A real anvil whose contracts log whatever a test wants, and what its receipts say by a reading of the test's own."""

import json
from typing import Any
from urllib.request import Request, urlopen

from indexer.embedded.chain.anvil import Anvil

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"

# Logs a call's first three words as topics and the rest as data.
EMITTER = (
    "0x"
    "60603603" "6060" "6000" "37"  # CALLDATACOPY(0, 0x60, size - 0x60)
    "604035" "602035" "600035"  # the topics, the first one on top
    "60603603" "6000" "a3" "00"  # LOG3(0, size - 0x60, topics), STOP
)  # fmt: skip


class Chain:
    """An anvil of the test's own; blocks are mined only by `mine`."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil = anvil
        self.url = anvil.url
        self.accounts: list[str] = self.ask("eth_accounts")
        self.known: dict[str, list[Any]] = {}
        self.parents: dict[str, tuple[int, str]] = {}

    def ask(self, method: str, *params: object) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = Request(self.url, body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as response:
            answer = json.load(response)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def deploy(self, *contracts: bytes) -> None:
        for contract in contracts:
            self.ask("anvil_setCode", "0x" + contract.hex(), EMITTER)

    def emit(self, contract: bytes, user: bytes, other: bytes = b"", topic0: str = TRANSFER, data: bytes = b"") -> None:
        """Send a transaction that logs (topic0, other, user) with the data; `mine` takes it into a block."""
        self.send(contract, bytes.fromhex(topic0[2:]) + other.rjust(32, b"\0") + user.rjust(32, b"\0") + data)

    def send(self, contract: bytes, call: bytes) -> str:
        transaction = {
            "from": self.accounts[0],
            "to": "0x" + contract.hex(),
            "data": "0x" + call.hex(),
            "gas": hex(200_000 + 100 * len(call)),
            "gasPrice": hex(10**11),
        }
        sent: str = self.ask("eth_sendTransaction", transaction)
        return sent

    def mine(self, blocks: int = 1) -> int:
        self.ask("anvil_mine", hex(blocks))
        return self.head()

    def head(self) -> int:
        return int(self.ask("eth_blockNumber"), 16)

    def reorg(self, depth: int) -> None:
        """Replace the newest blocks by empty ones of other hashes."""
        self.ask("anvil_reorg", depth, [])

    def hash_at(self, block: int) -> bytes:
        return bytes.fromhex(self.ask("eth_getBlockByNumber", hex(block), False)["hash"][2:])

    def touches(
        self, contract: bytes, topic: int = 2, topic0: str = TRANSFER, first: int = 0
    ) -> list[tuple[int, bytes]]:
        """(block, user) for every log of the contract from block `first` on, by reading every receipt there is.

        Nobody is the zero address.
        """
        found = []
        for number, logs in enumerate(self.logs(first), first):
            for log in logs:
                user = bytes.fromhex(log["topics"][topic][26:])
                if log["address"] == "0x" + contract.hex() and log["topics"][0] == topic0 and any(user):
                    found.append((number, user))
        return found

    def logs(self, first: int) -> list[list[Any]]:
        """The logs of every block from `first` on, from its receipts; asked once for each block hash."""
        hashes = self.hashes(first)
        for hash_ in hashes:
            if hash_ not in self.known:
                receipts = self.ask("eth_getBlockReceipts", hash_)
                self.known[hash_] = [log for receipt in receipts for log in receipt["logs"]]
        return [self.known[hash_] for hash_ in hashes]

    def hashes(self, first: int) -> list[str]:
        """Walked down from the newest block by parent links; those below a known block are known."""
        hashes: list[str] = []
        hash_ = self.ask("eth_getBlockByNumber", "latest", False)["hash"]
        while True:
            if hash_ not in self.parents:
                block = self.ask("eth_getBlockByHash", hash_, False)
                self.parents[hash_] = (int(block["number"], 16), block["parentHash"])
            number, parent = self.parents[hash_]
            if number < first:
                return hashes[::-1]
            hashes.append(hash_)
            if number == 0:
                return hashes[::-1]
            hash_ = parent
