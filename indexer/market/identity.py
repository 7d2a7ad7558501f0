"""What a contract must answer to be a pool of these tokens, and what its answers say. Pure.

Three rounds: what the contract says of itself; what others say of it, its factory, its lending pool or its Balancer
vault; and what its tokens say of themselves, those that the pool is not said to hold. Function selectors: ERC-4626
(EIP-4626), Aave's IAToken and IPool of V2 and V3, Balancer V2's IBasePool and IVault, Curve's pools, Uniswap V2 and V3.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from indexer.market.calls import Answers, Call, call, read_address, read_number, read_word, show
from indexer.market.candidates import NATIVE, PoolFacts, normal
from indexer.market.score import Evidence, EvidenceKind
from indexer.market.wrapping import ask_inside, stand_for

PAIR, VAULT, ATOKEN, BALANCER, CURVE = "pair", "ERC-4626 vault", "aToken", "Balancer pool", "Curve pool"
"""The forms."""
OF_COINS = frozenset({PAIR, BALANCER, CURVE})
"""Those that are traded against each other in the pool."""
CHAIN = "chain"
"""The source of evidence of this kind."""
STANDING = "standing"
"""The name, in its detail, of that the tokens only stand for the pool's."""
FIRST_COINS, MOST_COINS = 4, 8
"""Of a Curve pool: few have more than the first, and none has more than the second (StableSwap-NG, MAX_COINS)."""
NOBODYS = "whatNoContractHas()"
"""A function that nobody has: who answers it answers everything, and his other answers say nothing."""
SUPPLY, ASSETS = "totalSupply()", "totalAssets()"
HELD = "getPoolTokens(id)"
RESERVE = "getReserveData(asset)"
MOVING = frozenset({SUPPLY, ASSETS, HELD, RESERVE})
"""Calls whose answers have amounts, which move with every trade: what they say besides is kept under another name."""
ATOKEN_PLACES: Mapping[int, int] = MappingProxyType({12: 7, 15: 8})
"""The place of the aToken in what getReserveData answers, by the number of words: in Aave V2 and V3. Behind it stand
the debt tokens."""
FEE_TIER = re.compile(r"(?<![\d.])(\d{1,2}(?:\.\d{1,4})?)\s*%")
WRAPPED: Mapping[int, str] = MappingProxyType(
    {
        1: "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
        10: "0x4200000000000000000000000000000000000006",
        56: "0xbb4cdb9cbd36b01bd1cbaebf2de08d9173bc095c",
        100: "0xe91d153e0b41518a2ce8dd3d7944fa863463a97d",
        137: "0x0d500b1d8e8ef31e21c99d1db9a6444d3adf1270",
        8453: "0x4200000000000000000000000000000000000006",
        42161: "0x82af49447d8a07e3bd95bd0d56f35241523fbab1",
        43114: "0xb31f66aa3c1e785363f0875a1b74e27b85fd66c7",
    }
)
"""By chain id, the token that stands for the chain's own coin: pools hold that one."""
BY_FEE = "getPool("
OF_FACTORY = ("getPair(", BY_FEE)
"""The beginnings of the names of calls by which a factory is asked which contract it has."""
FEE_UNITS = 10_000
"""Of Uniswap V3's fee() in a per cent."""
MOST_FEE = 5 * FEE_UNITS
"""No pool takes more of a trade: a higher per cent is something else, such as the width of a range."""


class Claim(NamedTuple):
    """A contract that may be a pool. `wanted` are the pool's tokens, in lower case, the chain's own coin as `coin`, the
    token that wraps it; None: nobody says what the pool holds, or how its coin is wrapped."""

    address: str
    wanted: frozenset[str] | None
    coin: str | None
    meta: str | None


def claim(pool: PoolFacts, address: str) -> Claim:
    """That this contract is the pool."""
    coin = WRAPPED.get(pool.chain_id or 0)
    held = {coin if raw.lower() in NATIVE else normal(pool.namespace, raw) for raw in pool.underlying}
    known = frozenset(each for each in held if each is not None)
    return Claim(address, known if known and None not in held else None, coin, pool.meta)


def ask_itself(claim: Claim) -> list[Call]:
    plain = (
        "token0()",
        "token1()",
        "fee()",
        "factory()",
        "asset()",
        ASSETS,
        "UNDERLYING_ASSET_ADDRESS()",
        "POOL()",
        "getPoolId()",
        "getVault()",
        SUPPLY,
        NOBODYS,
    )
    return [call(claim.address, signature) for signature in plain] + ask_coins(claim, range(FIRST_COINS))


def ask_coins(claim: Claim, places: Iterable[int]) -> list[Call]:
    return [call(claim.address, "coins(uint256)", ["uint256"], [place]) for place in places]


def ask_others(claim: Claim, answers: Answers) -> list[Call]:
    """Whom the first answers name, and what to ask them; and the contract itself for the rest of many coins."""
    calls = []
    pair, factory = (
        [read_address(answers, name) for name in ("token0()", "token1()")],
        read_address(answers, "factory()"),
    )
    if factory and all(pair):
        calls.append(call(factory, "getPair(address,address)", ["address", "address"], pair))
        fee = read_number(answers, "fee()")
        # Of some pairs it is no part of the key, but what they take, in units of their own.
        if fee is not None and fee < 1 << 24:
            calls.append(
                call(factory, "getPool(address,address,uint24)", ["address", "address", "uint24"], [*pair, fee])
            )
    pool, underlying = read_address(answers, "POOL()"), read_address(answers, "UNDERLYING_ASSET_ADDRESS()")
    if pool and underlying:
        asked = call(pool, "getReserveData(address)", ["address"], [underlying])
        calls.append(asked._replace(name=RESERVE))
    vault, pool_id = read_address(answers, "getVault()"), read_word(answers, "getPoolId()")
    if vault and pool_id:
        asked = call(vault, "getPoolTokens(bytes32)", ["bytes32"], [pool_id])
        calls.append(asked._replace(name=HELD))
    if read_address(answers, f"coins({FIRST_COINS - 1})"):
        calls += ask_coins(claim, range(FIRST_COINS, MOST_COINS + 1))
    return calls


def ask_tokens(claim: Claim, answers: Answers) -> list[Call]:
    """The tokens that it holds and the pool is not said to, whether they stand for those that it is said to hold."""
    if claim.wanted is None:
        return []
    forms = read_forms(claim, answers).values()
    return [] if claim.wanted in forms else ask_inside(frozenset().union(*forms) - claim.wanted)


def judge(claim: Claim, answers: Answers, *, has_code: bool, block: int) -> Evidence | None:
    """What the chain says of the claim, by all that was answered; None where it says neither yes nor no."""
    if not has_code:
        return Evidence(EvidenceKind.CONTRADICTION, CHAIN, {"words": "there is no contract at this address"}, block)
    if claim.wanted is None or answers.get(NOBODYS):
        return None
    forms = read_forms(claim, answers)
    if not forms:
        return None
    form, held = choose_form(claim.wanted, forms, answers)
    unwrapped = held != claim.wanted and stand_for(held, answers, claim.wanted)
    # A vault of another pool's shares may be this pool, or somebody's on top of it.
    if (unwrapped and form not in OF_COINS) or (form == CURVE and may_be_unwrapped(held, claim.wanted)):
        return None
    detail: dict[str, Any] = {
        "form": form,
        "tokens": sorted(held),
        "answers": {name: show(raw) for name, raw in answers.items() if raw and name not in MOVING},
        "receipt": read_word(answers, SUPPLY) is not None,
        "named_by": find_namer(claim, form, answers),
        **({STANDING: True} if unwrapped else {}),
    }
    problem = find_problem(claim, form, claim.wanted if unwrapped else held, answers)
    if problem is not None:
        return Evidence(EvidenceKind.CONTRADICTION, CHAIN, {**detail, "words": problem}, block)
    article = "an" if form[0] in "aE" else "a"
    tokens = "tokens that stand for the pool's" if unwrapped else "the pool's tokens"
    return Evidence(EvidenceKind.IDENTITY, CHAIN, {**detail, "words": f"{article} {form} of {tokens}"}, block)


def read_forms(claim: Claim, answers: Answers) -> dict[str, frozenset[str]]:
    """The forms that the contract has, with the tokens that it holds as such. It may answer as several: a vault over a
    pair knows the pair's tokens."""
    read = {form: of(claim, answers) for form, of in FORMS.items()}
    return {form: with_coin(claim, held) for form, held in read.items() if held is not None}


def choose_form(
    wanted: frozenset[str], forms: Mapping[str, frozenset[str]], answers: Answers
) -> tuple[str, frozenset[str]]:
    """The one that holds the pool's tokens, or what stands for them; else the first."""
    as_named = (each for each in forms.items() if each[1] == wanted)
    wrapped = (each for each in forms.items() if stand_for(each[1], answers, wanted))
    return next(as_named, None) or next(wrapped, None) or next(iter(forms.items()))


def find_namer(claim: Claim, form: str, answers: Answers) -> str | None:
    """Who else names the contract: its factory, lending pool or vault; None where nobody was found to."""
    if form == PAIR:
        return read_address(answers, "factory()") if claim.address in read_named(answers).values() else None
    return read_address(answers, {ATOKEN: "POOL()", BALANCER: "getVault()"}.get(form, ""))


def find_problem(claim: Claim, form: str, held: frozenset[str], answers: Answers) -> str | None:
    """Why a contract of this form that holds these tokens is not the pool; None where it may be."""
    if held != claim.wanted:
        return f"it holds {', '.join(sorted(held)) or 'nothing'}, and the pool {', '.join(sorted(claim.wanted or ()))}"
    if form == ATOKEN and (reserve := read_reserve(answers)) and reserve[0] != claim.address:
        return f"its lending pool has {reserve[0]} as the aToken, and it as a debt"
    return find_problem_of_pair(claim, answers) if form == PAIR else None


def find_problem_of_pair(claim: Claim, answers: Answers) -> str | None:
    named = read_named(answers)
    if named and claim.address not in named.values():
        return f"its factory has {next(filter(None, named.values()), 'none')} for these tokens"
    fee, tiers = read_number(answers, "fee()"), read_fee_tiers(claim.meta)
    # Where the factory does not know the pool by its fee, that may change, and is in whatever units.
    of_fee = any(name.startswith(BY_FEE) and pool == claim.address for name, pool in named.items())
    if of_fee and tiers and fee is not None and fee not in tiers:
        return f"its fee is {show_fee(fee)}, and the pool's {' or '.join(map(show_fee, sorted(tiers)))}"
    return None


def read_named(answers: Answers) -> dict[str, str | None]:
    """Which contract the factory says it has, by the call; some, of other designs, have no such function."""
    asked = [name for name in answers if name.startswith(OF_FACTORY)]
    return {name: read_address(answers, name) for name in asked if read_word(answers, name) is not None}


def read_fee_tiers(meta: str | None) -> frozenset[int]:
    """The per cents in a poolMeta that may be its fee, in the units of fee(): of "Range 10%, 0.3%" the last one."""
    named = (round(float(each) * FEE_UNITS) for each in FEE_TIER.findall(meta or ""))
    return frozenset(each for each in named if each <= MOST_FEE)


def show_fee(fee: int) -> str:
    return f"{fee / FEE_UNITS:g}%"


def may_be_unwrapped(held: frozenset[str], wanted: frozenset[str]) -> bool:
    """Whether the pool is said to hold, for one of two coins, several that this coin may be a share of: a metapool."""
    return len(held) == 2 and len(held & wanted) == 1 and len(wanted - held) > 1


def with_coin(claim: Claim, held: frozenset[str]) -> frozenset[str]:
    """Some pools hold the chain's own coin under a placeholder."""
    return frozenset(claim.coin if claim.coin is not None and each in NATIVE else each for each in held)


def read_pair(claim: Claim, answers: Answers) -> frozenset[str] | None:
    pair = [read_address(answers, "token0()"), read_address(answers, "token1()")]
    return frozenset(each for each in pair if each) if all(pair) and pair[0] != pair[1] else None


def read_vault(claim: Claim, answers: Answers) -> frozenset[str] | None:
    """asset() alone may be of anything: ERC-4626 says as well how many there are, and has shares."""
    asset = read_address(answers, "asset()")
    whole = all(read_word(answers, name) for name in (ASSETS, SUPPLY))
    return frozenset({asset}) if asset and whole else None


def read_receipt(claim: Claim, answers: Answers) -> frozenset[str] | None:
    """Debt tokens have an underlying, too: the lending pool, if one is named, has to know it as one or the other."""
    underlying = read_address(answers, "UNDERLYING_ASSET_ADDRESS()")
    known = read_address(answers, "POOL()") is None or claim.address in read_reserve(answers)
    return frozenset({underlying}) if underlying and known else None


def read_reserve(answers: Answers) -> list[str]:
    """The aToken and the debt tokens that the lending pool has for the asset; none where it answers otherwise."""
    raw = answers.get(RESERVE) or b""
    place = ATOKEN_PLACES.get(len(raw) // 32) if len(raw) % 32 == 0 else None
    if place is None:
        return []
    return ["0x" + raw[start + 12 : start + 32].hex() for start in range(place * 32, (place + 3) * 32, 32)]


def read_balancer(claim: Claim, answers: Answers) -> frozenset[str] | None:
    """The id begins with the pool's address; the vault lists its tokens, with the pool's own one among them."""
    pool_id = read_word(answers, "getPoolId()")
    if pool_id is None or "0x" + pool_id[:20].hex() != claim.address:
        return None
    try:
        tokens, _, _ = decode(["address[]", "uint256[]", "uint256"], answers.get(HELD) or b"")
    except DecodingError:
        return None
    return frozenset(token.lower() for token in tokens) - {claim.address}


def read_curve(claim: Claim, answers: Answers) -> frozenset[str] | None:
    """All of its coins: where there may be more than were asked for, that is none that is known."""
    coins = [read_address(answers, f"coins({place})") for place in range(MOST_COINS + 1)]
    held = frozenset(coin for coin in coins if coin)
    return held if len(held) > 1 and coins[MOST_COINS] is None else None


FORMS = {
    PAIR: read_pair,
    VAULT: read_vault,
    ATOKEN: read_receipt,
    BALANCER: read_balancer,
    CURVE: read_curve,
}
"""The forms that are known, each with how the tokens are read that a contract of that form holds; None: it is none."""
