"""Tokens that stand for others: sources often name what is inside, and contracts hold the wrapper. Pure.

Aave's aTokens, ERC-4626 vaults, Compound's cTokens, and shares of Uniswap V2's pairs.
"""

from collections.abc import Iterable

from indexer.market.calls import Answers, Call, call, read_address

INSIDE = ("UNDERLYING_ASSET_ADDRESS()", "asset()", "underlying()")
PAIRED = ("token0()", "token1()")


def ask_inside(tokens: Iterable[str]) -> list[Call]:
    """What tells of each token whether it stands for others."""
    asked = [call(token, signature) for token in sorted(tokens) for signature in (*INSIDE, *PAIRED)]
    return [each._replace(name=name_of(each.name, each.to)) for each in asked]


def stand_for(held: frozenset[str], answers: Answers, wanted: frozenset[str]) -> bool:
    """Whether all of them together stand for these: none for what another one is, or stands for."""
    inside = [look_inside(token, answers) or {token} for token in held]
    return frozenset().union(*inside) == wanted and sum(map(len, inside)) == len(wanted)


def look_inside(token: str, answers: Answers) -> frozenset[str]:
    for name in INSIDE:
        if inside := read_address(answers, name_of(name, token)):
            return frozenset({inside})
    pair = [read_address(answers, name_of(name, token)) for name in PAIRED]
    return frozenset(each for each in pair if each) if all(pair) else frozenset()


def name_of(call: str, token: str) -> str:
    return f"{call} of {token}"
