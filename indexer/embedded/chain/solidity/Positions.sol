// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC721, ERC721Enumerable} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Enumerable.sol";

/// A position manager: every position is an ERC-721 token. The caller names no token id,
/// so that a sender need not know which ids a reorg has left to it.
contract Positions is ERC721Enumerable {
    uint256 private _lastId;

    constructor(string memory name, string memory symbol) ERC721(name, symbol) {}

    function open(address to) external {
        _mint(to, ++_lastId);
    }

    function give(address to) external {
        _transfer(msg.sender, to, tokenOfOwnerByIndex(msg.sender, 0));
    }

    function close() external {
        _burn(tokenOfOwnerByIndex(msg.sender, 0));
    }
}
