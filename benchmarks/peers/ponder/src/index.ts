import { readFileSync } from "node:fs";
import { ponder } from "ponder:registry";
import { position } from "ponder:schema";

const watched = new Set<string>(JSON.parse(readFileSync(process.env.POOLS!, "utf8")));

ponder.on("Token:Transfer", async ({ event, context }) => {
  const pool = event.log.address.toLowerCase() as `0x${string}`;
  if (!watched.has(pool)) return;
  await context.db
    .insert(position)
    .values({ address: event.args.to, pool, block: event.block.number })
    .onConflictDoNothing();
});
