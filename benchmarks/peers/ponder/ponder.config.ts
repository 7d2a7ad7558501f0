import { createConfig } from "ponder";
import { parseAbi } from "viem";

export default createConfig({
  database: { kind: "postgres", connectionString: process.env.DATABASE_URL },
  chains: {
    mainnet: {
      id: 1,
      rpc: process.env.RPC_URL,
      // The limiter is opened where it is named: the node bears whatever comes.
      ...(process.env.MOST_REQUESTS && { maxRequestsPerSecond: Number(process.env.MOST_REQUESTS) }),
    },
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
