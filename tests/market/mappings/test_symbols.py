"""Whether a token is called as a pool is."""

import pytest

from indexer.market.symbols import agree


@pytest.mark.parametrize(
    ("pool", "token", "agrees"),
    [
        ("USDC", "USDC", True),
        ("WSTETH", "wstETH", True),
        ("USDC", "aEthUSDC", True),
        ("USDC", "yvUSDC-1", True),
        ("BAL-WETH", "B-80BAL-20WETH", True),
        ("WETH-USDC", "vAMM-WETH/USDC", True),
        ("ETH", "stETH", True),
        # another token, whose symbol has the pool's in it
        ("ETH", "WETH", False),
        ("BAL", "BALANCER", False),
        # one of two
        ("WETH-USDC", "USDC", False),
        # the symbol of every pair there is says nothing
        ("WETH-USDC", "UNI-V2", False),
        # too short to be found within another one, though not to be the same
        ("OP", "aOP", False),
        ("OP", "OP", True),
        ("", "USDC", False),
        ("-", "USDC", False),
        ("USDC", "", False),
        ("", "", False),
    ],
)
def test_a_token_is_called_as_the_pool_is(pool: str, token: str, agrees: bool) -> None:
    assert agree(pool, token) is agrees
