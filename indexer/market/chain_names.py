"""Chains that the source calls otherwise in its list of chains than in its pools, or without saying their id. Pure.

Source: the display names of yield-server's pools, and the names that DeFiLlama's chains had before they were renamed.
"""

OTHER_NAMES = {
    "Arbitrum": 42161,
    "Avalanche": 43114,
    "Avax": 43114,
    "BSC": 56,
    "Base": 8453,
    "Berachain": 80094,
    "Binance": 56,
    "Blast": 81457,
    "CORE": 1116,
    "Celo": 42220,
    "Cronos": 25,
    "Ethereum": 1,
    "Fantom": 250,
    "Fraxtal": 252,
    "Gnosis": 100,
    "Hyperliquid": 999,
    "Hyperliquid L1": 999,
    "Kaia": 8217,
    "Klaytn": 8217,
    "Linea": 59144,
    "Mantle": 5000,
    "OP Mainnet": 10,
    "Optimism": 10,
    "Polygon": 137,
    "Polygon zkEVM": 1101,
    "RSK": 30,
    "Rootstock": 30,
    "Scroll": 534352,
    "Sei": 1329,
    "Sonic": 146,
    "Unichain": 130,
    "World Chain": 480,
    "Wc": 480,
    "ZKsync Era": 324,
    "xDai": 100,
    "zkSync Era": 324,
}
"""EIP-155 chain ids by name; what the list of chains itself says of a name goes before."""
