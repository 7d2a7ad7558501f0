// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// Takes validator deposits and tells of them as Ethereum's deposit contract does:
/// five byte strings, nothing indexed, numbers in little-endian order.
contract Deposits {
    event DepositEvent(bytes pubkey, bytes withdrawal_credentials, bytes amount, bytes signature, bytes index);

    uint64 public count;

    function deposit(bytes calldata pubkey, bytes calldata withdrawalCredentials, bytes calldata signature)
        external
        payable
    {
        require(pubkey.length == 48 && withdrawalCredentials.length == 32 && signature.length == 96, "wrong length");
        require(msg.value >= 1 ether && msg.value % 1 gwei == 0, "wrong amount");
        bytes memory amount = _littleEndian(uint64(msg.value / 1 gwei));
        emit DepositEvent(pubkey, withdrawalCredentials, amount, signature, _littleEndian(count));
        count++;
    }

    function _littleEndian(uint64 value) private pure returns (bytes memory text) {
        text = new bytes(8);
        for (uint256 i = 0; i < 8; i++) {
            text[i] = bytes1(uint8(value >> (8 * i)));
        }
    }
}
