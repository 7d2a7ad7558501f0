// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

interface IPair is IERC20 {
    function token0() external view returns (IERC20);
    function token1() external view returns (IERC20);
    function getReserves() external view returns (uint112 reserve0, uint112 reserve1, uint32 timestamp);
    function mint(address to) external returns (uint256 liquidity);
    function burn(address to) external returns (uint256 amount0, uint256 amount1);
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata data) external;
}

/// One transaction per action on a Uniswap V2 pair; amounts follow from the pair's own reserves.
contract Router {
    /// Pays in up to `amount0` and `amount1` in the pair's present proportion.
    function addLiquidity(IPair pair, uint256 amount0, uint256 amount1, address to) external {
        (uint256 reserve0, uint256 reserve1,) = pair.getReserves();
        if (reserve0 > 0) {
            uint256 matching1 = amount0 * reserve1 / reserve0;
            if (matching1 <= amount1) amount1 = matching1;
            else amount0 = amount1 * reserve0 / reserve1;
        }
        _pull(pair.token0(), pair, amount0);
        _pull(pair.token1(), pair, amount1);
        pair.mint(to);
    }

    /// Takes out `permille` thousandths of the caller's share.
    function removeLiquidity(IPair pair, uint256 permille, address to) external {
        _pull(pair, pair, pair.balanceOf(msg.sender) * permille / 1000);
        pair.burn(to);
    }

    /// Sells `amountIn` of one token for the other, at the pair's fee of 0.3 %.
    function swap(IPair pair, bool sellToken0, uint256 amountIn, address to) external {
        (uint256 reserve0, uint256 reserve1,) = pair.getReserves();
        (uint256 reserveIn, uint256 reserveOut) = sellToken0 ? (reserve0, reserve1) : (reserve1, reserve0);
        uint256 sold = amountIn * 997;
        uint256 amountOut = sold * reserveOut / (reserveIn * 1000 + sold);
        _pull(sellToken0 ? pair.token0() : pair.token1(), pair, amountIn);
        pair.swap(sellToken0 ? 0 : amountOut, sellToken0 ? amountOut : 0, to, "");
    }

    function _pull(IERC20 token, IPair pair, uint256 amount) private {
        require(token.transferFrom(msg.sender, address(pair), amount), "transfer refused");
    }
}
