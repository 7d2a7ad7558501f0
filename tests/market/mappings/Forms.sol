// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// What is asked of the pools of Aave, Balancer V2, Curve and Uniswap V2 and V3, and nothing else of them.

contract AToken {
    address public immutable UNDERLYING_ASSET_ADDRESS;
    uint256 public totalSupply = 1;

    constructor(address underlying) {
        UNDERLYING_ASSET_ADDRESS = underlying;
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

/// Anybody's own: it names whatever it is told as the pair of any tokens.
contract ForgedFactory {
    address public pair;

    function name(address given) external {
        pair = given;
    }

    function getPair(address, address) external view returns (address) {
        return pair;
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
