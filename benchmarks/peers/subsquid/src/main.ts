import { readFileSync } from "node:fs";
import { EvmBatchProcessor } from "@subsquid/evm-processor";
import { TypeormDatabase } from "@subsquid/typeorm-store";
import { In } from "typeorm";
import { Position } from "./model";

const TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
const watched = new Set<string>(JSON.parse(readFileSync(process.env.POOLS!, "utf8")));

const processor = new EvmBatchProcessor()
  .setRpcEndpoint({ url: process.env.RPC_URL!, capacity: 10, maxBatchCallSize: 100 })
  .setFinalityConfirmation(75)
  .setBlockRange({ from: Number(process.env.FIRST_BLOCK), to: Number(process.env.LAST_BLOCK) })
  .setFields({ log: { topics: true } })
  .addLog({ topic0: [TRANSFER] });

processor.run(new TypeormDatabase({ supportHotBlocks: false }), async (ctx) => {
  const found = new Map<string, Position>();
  for (const { header, logs } of ctx.blocks) {
    for (const log of logs) {
      if (!watched.has(log.address)) continue;
      const address = "0x" + log.topics[2].slice(26);
      const id = `${address}-${log.address}`;
      if (!found.has(id)) found.set(id, new Position({ id, address, pool: log.address, block: header.height }));
    }
  }
  for (const known of await ctx.store.findBy(Position, { id: In([...found.keys()]) })) found.delete(known.id);
  await ctx.store.insert([...found.values()]);
});
