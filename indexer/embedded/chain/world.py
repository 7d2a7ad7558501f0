"""What is deployed on a local chain: tokens, pools and wallets, the same for the same seed, and their watch list."""

import itertools
import json
import random
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from .compile import compile_contracts
from .node import Node, NodeError, encode_call
from .packages import install

SYMBOLS = ("WETH", "USDC", "DAI", "WBTC", "LINK")
PAIRS = 6
ETHER = 10**18
SUPPLY_EACH = 1_000_000 * ETHER
DEPLOY_GAS = 8_000_000
CALL_GAS = 1_000_000


@dataclass(frozen=True)
class World:
    """The deployed chain. Addresses are EIP-55 text; `pairs` and `tokens` are keyed by their names."""

    url: str
    chain_id: int
    seed: int
    admin: str
    wallets: list[str]
    tokens: dict[str, str]
    pairs: dict[str, str]
    factory: str
    router: str
    vault: str
    market: str
    deposits: str
    positions: str

    @property
    def names(self) -> dict[str, str]:
        """What to call every contract and wallet on a screen."""
        return {
            **{address: f"{name} token" for name, address in self.tokens.items()},
            **{address: f"{name} pair" for name, address in self.pairs.items()},
            self.factory: "pair factory",
            self.router: "router",
            self.vault: "WETH vault",
            self.market: "USDC market",
            self.deposits: "validator deposits",
            self.positions: "position manager",
            **{address: f"wallet {number}" for number, address in enumerate(self.wallets, 1)},
        }

    @property
    def balance_reads(self) -> dict[str, str]:
        """The watched contracts whose position can be read back, and the function (address) -> uint256 that does."""
        held = [*self.pairs.values(), self.vault, self.positions, self.tokens["WETH"]]
        return {**dict.fromkeys(held, "balanceOf(address)"), self.market: "borrowBalance(address)"}

    def watch_list(self, chain: str | None = None) -> dict[str, Any]:
        """Return the watch list of this chain, named `chain`, in the format of a watch list file.

        Every form of event is in it, and an entry without one; the first pair carries two labels, the second is
        watched for senders as well.
        """
        pairs = list(self.pairs.values())
        return {
            "chain": chain or f"local-{self.chain_id}",
            "chain_id": self.chain_id,
            "watches": [
                _watch("uniswap-v2", "pool", "Transfer", *pairs),
                _watch("harvest", "farm", "Transfer", pairs[0]),
                _watch(
                    "uniswap-v2",
                    "sent-liquidity",
                    {"topic0": _topic0("Transfer(address,address,uint256)"), "user_topic": 1},
                    pairs[1],
                ),
                _watch(
                    "uniswap-v2",
                    "trader",
                    {"topic0": _topic0("Swap(address,uint256,uint256,uint256,uint256,address)"), "user_topic": 2},
                    pairs[1],
                    pairs[2],
                ),
                _watch("wrapped-ether", "token", "Transfer", self.tokens["WETH"].lower()),
                _watch("vaults", "share", "Transfer", self.vault),
                _watch(
                    "vaults",
                    "depositor",
                    {"topic0": _topic0("Deposit(address,address,uint256,uint256)"), "user_topic": 2},
                    self.vault,
                ),
                _watch(
                    "vaults",
                    "leaver",
                    {"topic0": _topic0("Withdraw(address,address,address,uint256,uint256)"), "user_topic": 3},
                    self.vault,
                ),
                _watch("vaults", "registry", False, self.factory),
                _watch(
                    "lending",
                    "borrow-market",
                    {
                        "abi": "event Borrow(address borrower, uint borrowAmount, uint accountBorrows, "
                        "uint totalBorrows)",
                        "user": "borrower",
                    },
                    self.market,
                ),
                _watch(
                    "positions",
                    "position",
                    {
                        "abi": "event Transfer(address indexed from, address indexed to, uint256 indexed tokenId)",
                        "user": "to",
                        "metadata": "tokenId",
                    },
                    self.positions,
                ),
                _watch(
                    "validators",
                    "staking",
                    {
                        "abi": "event DepositEvent(bytes pubkey, bytes withdrawal_credentials, bytes amount, "
                        "bytes signature, bytes index)",
                        "user": "withdrawal_credentials",
                        "metadata": "pubkey",
                        "transform": "eth2-withdrawal-credentials",
                    },
                    self.deposits,
                ),
            ],
        }


def deploy(node_url: str, chain_id: int, seed: int, directory: Path, bytecode: dict[str, str] | None = None) -> World:
    """Return the world of the chain at `node_url`, deploying it unless `directory` tells of one that is there.

    On a new chain the same seed gives the same addresses. `bytecode` is what `compile_contracts` returns, and is
    asked of it where not given. Raises NodeError, PackagesError, CompileError.
    """
    node, file = Node(node_url), directory / "world.json"
    known = _load(file, node_url)
    if known and (known.chain_id, known.seed) == (chain_id, seed) and _is_there(node, known):
        return known
    bytecode = bytecode or compile_contracts(install())
    world = _Deployment(node, bytecode, random.Random(seed)).run(chain_id, seed)
    directory.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({**asdict(world), "url": ""}, indent=1))
    fresh.replace(file)
    return world


class _Deployment:
    def __init__(self, node: Node, bytecode: dict[str, str], rng: random.Random) -> None:
        self._node = node
        self._bytecode = bytecode
        self._rng = rng
        accounts: list[str] = [to_checksum_address(account) for account in node.call("eth_accounts")]
        self._admin, self._wallets = accounts[0], accounts[1:]
        self._sent: list[str] = []

    def run(self, chain_id: int, seed: int) -> World:
        holders = [self._admin, *self._wallets]
        tokens = {
            symbol: self._create("Token", "string,string,address[],uint256", symbol, symbol, holders, SUPPLY_EACH)
            for symbol in SYMBOLS
        }
        factory = self._create("UniswapV2Factory", "address", self._admin)
        router = self._create("Router", "")
        vault = self._create("Vault", "address,string,string", tokens["WETH"], "WETH vault", "vWETH")
        market = self._create("Market", "address", tokens["USDC"])
        deposits = self._create("Deposits", "")
        positions = self._create("Positions", "string,string", "Positions", "POS")
        pairs = self._create_pairs(factory, tokens)
        self._approve(tokens, pairs, router, vault, market)
        self._send(self._admin, tokens["USDC"], encode_call("transfer(address,uint256)", market, SUPPLY_EACH // 2))
        for pair in pairs.values():
            amounts = [self._rng.randint(1_000, 10_000) * ETHER for _ in range(2)]
            data = encode_call("addLiquidity(address,uint256,uint256,address)", pair, *amounts, self._admin)
            self._send(self._admin, router, data)
        self._mine()
        return World(
            url=self._node.url,
            chain_id=chain_id,
            seed=seed,
            admin=self._admin,
            wallets=self._wallets,
            tokens=tokens,
            pairs=pairs,
            factory=factory,
            router=router,
            vault=vault,
            market=market,
            deposits=deposits,
            positions=positions,
        )

    def _create(self, name: str, types: str, *values: Any) -> str:
        arguments = encode([kind for kind in types.split(",") if kind], values)
        self._send(self._admin, None, self._bytecode[name] + arguments.hex(), DEPLOY_GAS)
        return to_checksum_address(self._mine()[0]["contractAddress"])

    def _create_pairs(self, factory: str, tokens: dict[str, str]) -> dict[str, str]:
        chosen = sorted(self._rng.sample(list(itertools.combinations(SYMBOLS, 2)), PAIRS))
        for first, second in chosen:
            data = encode_call("createPair(address,address)", tokens[first], tokens[second])
            self._send(self._admin, factory, data, DEPLOY_GAS)
        receipts = self._mine()
        # PairCreated(address indexed token0, address indexed token1, address pair, uint): the pair leads the data
        return {
            f"{first}/{second}": to_checksum_address("0x" + receipt["logs"][0]["data"][26:66])
            for (first, second), receipt in zip(chosen, receipts, strict=True)
        }

    def _approve(self, tokens: dict[str, str], pairs: dict[str, str], router: str, vault: str, market: str) -> None:
        grants = [(token, router) for token in (*tokens.values(), *pairs.values())]
        grants += [(tokens["WETH"], vault), (tokens["USDC"], market)]
        for owner in (self._admin, *self._wallets):
            for token, spender in grants:
                self._send(owner, token, encode_call("approve(address,uint256)", spender, 2**256 - 1), CALL_GAS // 10)
        self._mine()

    def _send(self, sender: str, to: str | None, data: str, gas: int = CALL_GAS) -> None:
        request = {"from": sender, "data": data, "gas": hex(gas), **({"to": to} if to else {})}
        self._sent.append(self._node.call("eth_sendTransaction", request))

    def _mine(self) -> list[dict[str, Any]]:
        """Mine what was sent and return its receipts, all of success."""
        self._node.call("evm_mine")
        receipts = self._node.batch([("eth_getTransactionReceipt", sent) for sent in self._sent])
        self._sent = []
        failed = [receipt for receipt in receipts if not receipt or receipt["status"] != "0x1"]
        if failed:
            raise NodeError(f"{len(failed)} transactions of the deployment failed: discard the chain and start again")
        return receipts


def _watch(protocol: str, product: str, event: Any, *contracts: str) -> dict[str, Any]:
    return {"protocol": protocol, "product": product, "event": event, "contracts": list(contracts)}


def _topic0(signature: str) -> str:
    return "0x" + keccak(text=signature).hex()


def _load(file: Path, node_url: str) -> World | None:
    if not file.exists():
        return None
    stored = json.loads(file.read_text())
    if stored.keys() != {field.name for field in fields(World)}:
        return None
    return World(**{**stored, "url": node_url})


def _is_there(node: Node, world: World) -> bool:
    contracts = [*world.tokens.values(), *world.pairs.values(), world.factory, world.router]
    contracts += [world.vault, world.market, world.deposits, world.positions]
    return all(code != "0x" for code in node.batch([("eth_getCode", address, "latest") for address in contracts]))
