// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// An ERC-20 whose whole supply is handed out when it is deployed.
contract Token is ERC20 {
    constructor(string memory name, string memory symbol, address[] memory holders, uint256 amount)
        ERC20(name, symbol)
    {
        for (uint256 i = 0; i < holders.length; i++) {
            _mint(holders[i], amount);
        }
    }
}
