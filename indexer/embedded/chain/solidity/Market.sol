// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// A lending market without collateral or interest. As in Compound, its events index nothing:
/// the borrower is found in the data of the log only.
contract Market {
    event Borrow(address borrower, uint borrowAmount, uint accountBorrows, uint totalBorrows);
    event RepayBorrow(address payer, address borrower, uint repayAmount, uint accountBorrows, uint totalBorrows);

    IERC20 public immutable asset;
    uint256 public totalBorrows;
    mapping(address => uint256) public borrowBalance;

    constructor(IERC20 asset_) {
        asset = asset_;
    }

    function borrow(uint256 amount) external {
        borrowBalance[msg.sender] += amount;
        totalBorrows += amount;
        require(asset.transfer(msg.sender, amount), "market is empty");
        emit Borrow(msg.sender, amount, borrowBalance[msg.sender], totalBorrows);
    }

    /// Pays back `amount`, or the whole debt where that is less.
    function repay(uint256 amount) external {
        uint256 debt = borrowBalance[msg.sender];
        uint256 paid = amount < debt ? amount : debt;
        borrowBalance[msg.sender] = debt - paid;
        totalBorrows -= paid;
        require(asset.transferFrom(msg.sender, address(this), paid), "payer has too little");
        emit RepayBorrow(msg.sender, msg.sender, paid, borrowBalance[msg.sender], totalBorrows);
    }
}
