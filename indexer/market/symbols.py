"""Whether a token is called as a pool is. Pure.

Sources write a pool's symbol as the symbols of its tokens, in capitals, with dashes between. The token of a share in it
has them within its own, after what its makers put before: aEthUSDC, yvUSDC, B-80BAL-20WETH.
"""

import re

WORD = re.compile(r"[0-9A-Za-z₮]+")


def agree(pool: str, token: str) -> bool:
    """Whether all of the pool's symbols stand in the token's; ETH stands in stETH, and not in WETH."""
    if pool.strip().casefold() == token.strip().casefold():
        return bool(pool.strip())
    wanted = WORD.findall(pool)
    own = {word.casefold() for word in WORD.findall(token)}
    return bool(wanted) and all(word.casefold() in own or stands_in(word.upper(), token) for word in wanted)


def stands_in(word: str, token: str) -> bool:
    """As a word of capitals: not as a part of a longer one. What is short stands in too many."""
    return len(word) > 2 and re.search(rf"(?<![A-Z]){re.escape(word)}(?![A-Z])", token) is not None
