import { onchainTable, primaryKey } from "ponder";

export const position = onchainTable(
  "position",
  (t) => ({ address: t.hex().notNull(), pool: t.hex().notNull(), block: t.bigint().notNull() }),
  (table) => ({ pk: primaryKey({ columns: [table.address, table.pool] }) }),
);
