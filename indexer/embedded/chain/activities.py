"""What wallets do on a local chain, drawn from a seed. Pure: no node, no clock."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from .node import encode_call
from .world import ETHER, World

MILLI = ETHER // 1000
STAKE = 32 * ETHER


@dataclass(frozen=True)
class Call:
    """One transaction's content; `value` in wei."""

    sender: str
    to: str
    data: str
    value: int = 0


@dataclass(frozen=True)
class Habits:
    """The pools a wallet takes part in; without habits every wallet would end up in every pool."""

    pairs: list[str]
    activities: list["Activity"]


Activity = Callable[[World, str, Habits, random.Random], Call]


def form_habits(world: World, rng: random.Random) -> dict[str, Habits]:
    """Return what each wallet of `world` does: one to three pairs, and about half of everything else."""
    habits = {}
    for wallet in world.wallets:
        pairs = rng.sample(list(world.pairs.values()), rng.randint(1, 3))
        taken_up = [activity for group in GROUPS if rng.random() < 0.5 for activity in group]
        habits[wallet] = Habits(pairs, [*ON_PAIRS, *taken_up])
    return habits


def draw(world: World, habits: dict[str, Habits], rng: random.Random) -> Call:
    """Return the next transaction of some wallet. It may fail when it is mined, as real ones do."""
    wallet = rng.choice(world.wallets)
    return rng.choice(habits[wallet].activities)(world, wallet, habits[wallet], rng)


def swap(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    values = rng.choice(habits.pairs), rng.random() < 0.5, rng.randint(100, 50_000) * MILLI, wallet
    return Call(wallet, world.router, encode_call("swap(address,bool,uint256,address)", *values))


def add_liquidity(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    amounts = [rng.randint(1_000, 100_000) * MILLI for _ in range(2)]
    data = encode_call("addLiquidity(address,uint256,uint256,address)", rng.choice(habits.pairs), *amounts, wallet)
    return Call(wallet, world.router, data)


def remove_liquidity(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    values = rng.choice(habits.pairs), rng.choice((100, 500, 1000)), wallet
    return Call(wallet, world.router, encode_call("removeLiquidity(address,uint256,address)", *values))


def send_liquidity(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    amount = rng.choice((0, rng.randint(1, 1_000) * MILLI))
    data = encode_call("transfer(address,uint256)", _someone(world, rng), amount)
    return Call(wallet, rng.choice(habits.pairs), data)


def enter_vault(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    receiver = wallet if rng.random() < 0.8 else _someone(world, rng)
    values = rng.randint(10_000, 100_000) * MILLI, receiver
    return Call(wallet, world.vault, encode_call("deposit(uint256,address)", *values))


def leave_vault(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    values = rng.randint(1_000, 20_000) * MILLI, wallet, wallet
    return Call(wallet, world.vault, encode_call("withdraw(uint256,address,address)", *values))


def borrow(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    return Call(wallet, world.market, encode_call("borrow(uint256)", rng.randint(1_000, 50_000) * MILLI))


def repay(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    return Call(wallet, world.market, encode_call("repay(uint256)", rng.randint(10_000, 200_000) * MILLI))


def open_position(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    return Call(wallet, world.positions, encode_call("open(address)", wallet))


def give_position(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    return Call(wallet, world.positions, encode_call("give(address)", _someone(world, rng)))


def close_position(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    return Call(wallet, world.positions, encode_call("close()"))


def stake(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    """Deposit for a validator: credentials of an address (0x01, 0x02) or of a BLS key (0x00)."""
    kind = rng.choice((0, 1, 1, 2))
    tail = rng.randbytes(31) if kind == 0 else bytes(11) + bytes.fromhex(wallet[2:])
    data = encode_call("deposit(bytes,bytes,bytes)", rng.randbytes(48), bytes([kind]) + tail, rng.randbytes(96))
    return Call(wallet, world.deposits, data, STAKE)


def send_ether_token(world: World, wallet: str, habits: Habits, rng: random.Random) -> Call:
    data = encode_call("transfer(address,uint256)", _someone(world, rng), rng.randint(0, 5_000) * MILLI)
    return Call(wallet, world.tokens["WETH"], data)


def _someone(world: World, rng: random.Random) -> str:
    """A wallet, or now and then an address nobody has seen before."""
    if rng.random() < 0.1:
        return to_checksum_address(rng.randbytes(20))
    return rng.choice(world.wallets)


# What every wallet does, repeated by how often; then what it does or leaves alone as a whole.
ON_PAIRS: tuple[Activity, ...] = (swap, swap, swap, add_liquidity, add_liquidity, remove_liquidity, send_liquidity)
GROUPS: tuple[tuple[Activity, ...], ...] = (
    (enter_vault, enter_vault, leave_vault),
    (borrow, borrow, repay),
    (open_position, open_position, give_position, close_position),
    (stake,),
    (send_ether_token,),
)
