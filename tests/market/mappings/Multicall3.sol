// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// aggregate3 as Multicall3 has it, for local chains, which have no Multicall3 of their own.
contract Multicall3 {
    struct Call3 {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory results) {
        results = new Result[](calls.length);
        for (uint256 place = 0; place < calls.length; place++) {
            (bool success, bytes memory data) = calls[place].target.call(calls[place].callData);
            require(success || calls[place].allowFailure, "Multicall3: call failed");
            results[place] = Result(success, data);
        }
    }
}
