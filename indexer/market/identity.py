"""What a contract must answer to be a pool of these tokens, and what its answers say. Pure.

Two rounds: what the contract says of itself, then what others say of it: its factory, or its Balancer vault. Function
selectors: ERC-4626 (EIP-4626), Aave's IAToken, Balancer V2's IBasePool and IVault, Curve's pools, Uniswap V2 and V3.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from indexer.market.candidates import NATIVE, PoolFacts, normal
from indexer.market.score import Evidence, EvidenceKind

CHAIN = "chain"
"""The source of evidence of this kind."""
MOST_COINS = 4
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
OF_FACTORY = ("getPair(", "getPool(")
"""The beginnings of the names of calls by which a factory is asked which contract it has."""
FEE_UNITS = 10_000
"""Of Uniswap V3's fee() in a per cent."""


class Call(NamedTuple):
    """A question to a contract: its name for people, whom, and the data; addresses and data as 0x hex."""

    name: str
    to: str
    data: str


class Claim(NamedTuple):
    """A contract that may be a pool. `wanted` are the pool's tokens, in lower case, the chain's own coin as `coin`, the
    token that wraps it; None: nobody says what the pool holds, or how its coin is wrapped."""

    address: str
    wanted: frozenset[str] | None
    coin: str | None
    meta: str | None


Answers = Mapping[str, bytes | None]
"""By a call's name; None where it was refused."""


def selector(signature: str) -> str:
    return "0x" + keccak(text=signature)[:4].hex()


def call(to: str, signature: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> Call:
    """`signature` as in getPair(address,address)."""
    shown = f"{signature.partition('(')[0]}({','.join(map(str, values))})"
    return Call(shown, to, selector(signature) + encode(types, values).hex())


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
        "totalAssets()",
        "UNDERLYING_ASSET_ADDRESS()",
        "getPoolId()",
        "getVault()",
        "totalSupply()",
    )
    coins = [call(claim.address, "coins(uint256)", ["uint256"], [place]) for place in range(MOST_COINS)]
    return [call(claim.address, signature) for signature in plain] + coins


def ask_others(answers: Answers) -> list[Call]:
    """Whom the first answers name, and what to ask them."""
    calls = []
    pair, factory = (
        [read_address(answers, name) for name in ("token0()", "token1()")],
        read_address(answers, "factory()"),
    )
    if factory and all(pair):
        fee = read_number(answers, "fee()")
        if fee is None:
            calls.append(call(factory, "getPair(address,address)", ["address", "address"], pair))
        elif fee < 1 << 24:
            calls.append(
                call(factory, "getPool(address,address,uint24)", ["address", "address", "uint24"], [*pair, fee])
            )
    vault, pool_id = read_address(answers, "getVault()"), read_word(answers, "getPoolId()")
    if vault and pool_id:
        asked = call(vault, "getPoolTokens(bytes32)", ["bytes32"], [pool_id])
        calls.append(asked._replace(name="getPoolTokens(id)"))
    return calls


def judge(claim: Claim, own: Answers, others: Answers, *, has_code: bool, block: int) -> Evidence | None:
    """What the chain says of the claim; None where it says neither yes nor no."""
    if not has_code:
        return Evidence(EvidenceKind.CONTRADICTION, CHAIN, {"words": "there is no contract at this address"}, block)
    if claim.wanted is None:
        return None
    read = {form: of(claim, own, others) for form, of in FORMS.items()}
    forms = {form: with_coin(claim, held) for form, held in read.items() if held is not None}
    if not forms:
        return None
    # A contract may answer as several: a vault over a pair knows the pair's tokens.
    form = next((form for form, held in forms.items() if held == claim.wanted), next(iter(forms)))
    held = forms[form]
    detail: dict[str, Any] = {
        "form": form,
        "tokens": sorted(held),
        "answers": {name: show(raw) for name, raw in {**own, **others}.items() if raw},
        "receipt": read_word(own, "totalSupply()") is not None,
    }
    if form == "pair":
        detail["named_by"] = read_address(own, "factory()") if is_named(others) else None
    problem = find_problem(claim, form, held, own, others)
    if problem is not None:
        return Evidence(EvidenceKind.CONTRADICTION, CHAIN, {**detail, "words": problem}, block)
    return Evidence(EvidenceKind.IDENTITY, CHAIN, {**detail, "words": f"a {form} of the pool's tokens"}, block)


def is_named(others: Answers) -> bool:
    """Whether the factory said which contract it has; some, of other designs, have no such function: they refuse."""
    return any(raw is not None for name, raw in others.items() if name.startswith(OF_FACTORY))


def find_problem(claim: Claim, form: str, held: frozenset[str], own: Answers, others: Answers) -> str | None:
    """Why a contract of this form that holds these tokens is not the pool; None where it may be."""
    if held != claim.wanted:
        return f"it holds {', '.join(sorted(held))}, and the pool {', '.join(sorted(claim.wanted or ()))}"
    for name in others:
        if name.startswith(OF_FACTORY):
            known = read_address(others, name)
            if others[name] is not None and known != claim.address:
                return f"its factory has {known or 'none'} for these tokens"
    fee, tier = read_number(own, "fee()"), read_fee_tier(claim.meta)
    if form == "pair" and fee is not None and tier is not None and tier != fee:
        return f"its fee is {fee / FEE_UNITS:g}%, and the pool's {tier / FEE_UNITS:g}%"
    return None


def read_fee_tier(meta: str | None) -> int | None:
    """The fee that a poolMeta names, such as "0.3%", in the units of fee()."""
    named = FEE_TIER.search(meta or "")
    return round(float(named[1]) * FEE_UNITS) if named else None


def with_coin(claim: Claim, held: frozenset[str]) -> frozenset[str]:
    """Some pools hold the chain's own coin under a placeholder."""
    return frozenset(claim.coin if claim.coin is not None and each in NATIVE else each for each in held)


def read_pair(claim: Claim, own: Answers, others: Answers) -> frozenset[str] | None:
    pair = [read_address(own, "token0()"), read_address(own, "token1()")]
    return frozenset(each for each in pair if each) if all(pair) else None


def read_vault(claim: Claim, own: Answers, others: Answers) -> frozenset[str] | None:
    """asset() alone may be of anything: ERC-4626 says as well how many there are, and has shares."""
    asset = read_address(own, "asset()")
    whole = all(read_word(own, name) for name in ("totalAssets()", "totalSupply()"))
    return frozenset({asset}) if asset and whole else None


def read_receipt(claim: Claim, own: Answers, others: Answers) -> frozenset[str] | None:
    underlying = read_address(own, "UNDERLYING_ASSET_ADDRESS()")
    return frozenset({underlying}) if underlying else None


def read_balancer(claim: Claim, own: Answers, others: Answers) -> frozenset[str] | None:
    """The id begins with the pool's address; the vault lists its tokens, with the pool's own one among them."""
    pool_id = read_word(own, "getPoolId()")
    if pool_id is None or "0x" + pool_id[:20].hex() != claim.address:
        return None
    try:
        tokens, _, _ = decode(["address[]", "uint256[]", "uint256"], others.get("getPoolTokens(id)") or b"")
    except DecodingError:
        return None
    return frozenset(token.lower() for token in tokens) - {claim.address}


def read_curve(claim: Claim, own: Answers, others: Answers) -> frozenset[str] | None:
    coins = [read_address(own, f"coins({place})") for place in range(MOST_COINS)]
    held = frozenset(coin for coin in coins if coin)
    return held if len(held) > 1 else None


FORMS = {
    "pair": read_pair,
    "ERC-4626 vault": read_vault,
    "aToken": read_receipt,
    "Balancer pool": read_balancer,
    "Curve pool": read_curve,
}
"""The forms that are known, each with how the tokens are read that a contract of that form holds; None: it is none."""


def read_word(answers: Answers, name: str) -> bytes | None:
    raw = answers.get(name)
    return raw if raw is not None and len(raw) == 32 else None


def read_number(answers: Answers, name: str) -> int | None:
    word = read_word(answers, name)
    return None if word is None else int.from_bytes(word)


def read_address(answers: Answers, name: str) -> str | None:
    """In lower case; None for none, and for the zero address."""
    word = read_word(answers, name)
    return "0x" + word[12:].hex() if word and not any(word[:12]) and any(word) else None


def show(raw: bytes) -> str:
    """An address as one, all else as hex; the beginning of what is long."""
    if len(raw) == 32 and not any(raw[:12]) and any(raw[12:20]):
        return "0x" + raw[12:].hex()
    return "0x" + raw[:256].hex()
