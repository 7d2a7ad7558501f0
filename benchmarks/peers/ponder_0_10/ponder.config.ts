import { createConfig } from "ponder";
import { http, parseAbi } from "viem";

export default createConfig({
  database: { kind: "postgres", connectionString: process.env.DATABASE_URL },
  networks: {
    // The limiter is opened: the node bears whatever comes.
    mainnet: { chainId: 1, transport: http(process.env.RPC_URL), maxRequestsPerSecond: 100_000 },
  },
  contracts: {
    Token: {
      abi: parseAbi(["event Transfer(address indexed from, address indexed to, uint256 value)"]),
      network: "mainnet",
      startBlock: Number(process.env.FIRST_BLOCK),
      endBlock: Number(process.env.LAST_BLOCK),
    },
  },
});
