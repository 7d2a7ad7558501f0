"""Market data of DeFi from off-chain sources: chains, protocols, pools, contract mappings, daily snapshots."""
