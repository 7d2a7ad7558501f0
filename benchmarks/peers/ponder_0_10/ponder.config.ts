import { createConfig } from "ponder";
import { parseAbi } from "viem";

export default createConfig({
  database: { kind: "postgres", connectionString: process.env.DATABASE_URL },
  chains: {
    // The limiter is opened: the node bears whatever comes.
    mainnet: { id: 1, rpc: process.env.RPC_URL, maxRequestsPerSecond: 100_000 },
  },
  contracts: {
    Token: {
      abi: parseAbi(["event Transfer(address indexed from, address indexed to, uint256 value)"]),
      chain: "mainnet",
      startBlock: Number(process.env.FIRST_BLOCK),
      endBlock: Number(process.env.LAST_BLOCK),
    },
  },
});
