// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// What is asked of the pools of Aave, Balancer V2, Curve and Uniswap V2 and V3, and nothing else of them.

contract AToken {
    address public immutable POOL;
    address public immutable UNDERLYING_ASSET_ADDRESS;
    uint256 public totalSupply = 1;

    constructor(address pool, address underlying) {
        (POOL, UNDERLYING_ASSET_ADDRESS) = (pool, underlying);
    }
}

/// As an aToken, but that nobody can be sent it.
contract DebtToken is AToken {
    constructor(address pool, address underlying) AToken(pool, underlying) {}

    function transfer(address, uint256) external pure returns (bool) {
        revert("TRANSFER_NOT_SUPPORTED");
    }
}

contract LendingPool {
    mapping(address => address) internal atokens;
    mapping(address => address) internal debts;

    function list(address underlying, address atoken, address debt) external {
        (atokens[underlying], debts[underlying]) = (atoken, debt);
    }
}

contract LendingPoolV2 is LendingPool {
    function getReserveData(address underlying) external view returns (uint256[12] memory data) {
        data[6] = block.timestamp;
        (data[7], data[9]) = (uint160(atokens[underlying]), uint160(debts[underlying]));
    }
}

contract LendingPoolV3 is LendingPool {
    function getReserveData(address underlying) external view returns (uint256[15] memory data) {
        data[6] = block.timestamp;
        (data[8], data[10]) = (uint160(atokens[underlying]), uint160(debts[underlying]));
    }
}

/// Of a design that nobody knows.
contract LendingPoolV9 is LendingPool {
    function getReserveData(address underlying) external view returns (address) {
        return atokens[underlying];
    }
}

/// Anybody's own, of nothing.
contract EmptyVault {
    address public immutable asset;
    uint256 public totalAssets;
    uint256 public totalSupply;

    constructor(address given) {
        asset = given;
    }
}

/// A vault that is used.
contract GrowingVault is EmptyVault {
    constructor(address given) EmptyVault(given) {}

    function grow() external {
        (totalAssets, totalSupply) = (totalAssets + 2, totalSupply + 1);
    }
}

/// Answers whatever it is asked with a token's address.
contract YesMan {
    uint256 private immutable token;

    constructor(address given) {
        token = uint160(given);
    }

    fallback(bytes calldata) external returns (bytes memory) {
        return abi.encode(token);
    }
}

contract BalancerVault {
    mapping(bytes32 => address[]) private held;

    /// A composable pool's own token is among its tokens.
    function register(bytes32 id, address[] calldata tokens) external {
        held[id] = tokens;
        held[id].push(msg.sender);
    }

    function getPoolTokens(bytes32 id)
        external
        view
        returns (address[] memory tokens, uint256[] memory balances, uint256 lastChangeBlock)
    {
        tokens = held[id];
        require(tokens.length > 0, "BAL#500");
        balances = new uint256[](tokens.length);
        lastChangeBlock = block.number;
    }
}

contract BalancerPool {
    bytes32 public immutable getPoolId;
    address public immutable getVault;
    uint256 public totalSupply = 1;

    constructor(BalancerVault vault, address[] memory tokens) {
        getPoolId = bytes32(uint256(uint160(address(this))) << 96);
        getVault = address(vault);
        vault.register(getPoolId, tokens);
    }
}

/// Says that it is a pool which another contract is.
contract BalancerCopy {
    bytes32 public immutable getPoolId;
    address public immutable getVault;
    uint256 public totalSupply = 1;

    constructor(BalancerPool original) {
        getPoolId = original.getPoolId();
        getVault = original.getVault();
    }
}

contract CurvePool {
    address[] public coins;

    constructor(address[] memory given) {
        coins = given;
    }
}

contract CurvePoolWithShares is CurvePool {
    uint256 public totalSupply = 1;

    constructor(address[] memory given) CurvePool(given) {}
}

contract ConcentratedPool {
    address public immutable factory;
    address public immutable token0;
    address public immutable token1;
    uint24 public immutable fee;

    constructor(address maker, address first, address second, uint24 rate) {
        (factory, token0, token1, fee) = (maker, first, second, rate);
    }
}

contract ConcentratedFactory {
    mapping(address => mapping(address => mapping(uint24 => address))) public getPool;

    event PoolCreated(
        address indexed token0, address indexed token1, uint24 indexed fee, int24 tickSpacing, address pool
    );

    function createPool(address first, address second, uint24 rate) external {
        address pool = address(new ConcentratedPool(address(this), first, second, rate));
        getPool[first][second][rate] = pool;
        getPool[second][first][rate] = pool;
        (address token0, address token1) = first < second ? (first, second) : (second, first);
        emit PoolCreated(token0, token1, rate, 60, pool);
    }
}

/// Anybody's own: it names whatever it is told as the pair of its tokens.
contract ForgedFactory {
    mapping(address => mapping(address => address)) public getPair;

    function name(ForgedPair given) external {
        getPair[given.token0()][given.token1()] = address(given);
    }
}

contract ForgedPair {
    uint256 public totalSupply = 1;
    address public immutable factory;
    address public immutable token0;
    address public immutable token1;

    constructor(address maker, address first, address second) {
        (factory, token0, token1) = (maker, first, second);
    }
}

/// A pair that takes a fee, in basis points.
contract PairWithFee is ForgedPair {
    uint256 public constant fee = 30;

    constructor(address maker, address first, address second) ForgedPair(maker, first, second) {}
}

/// A cToken.
contract CToken {
    address public immutable underlying;

    constructor(address given) {
        underlying = given;
    }
}

/// Uses up whatever gas it is given.
contract Bottomless {
    function token0() external pure {
        while (true) {}
    }
}

/// Answers at great length.
contract Talkative {
    fallback() external {
        assembly {
            return(0, 2000000)
        }
    }
}
