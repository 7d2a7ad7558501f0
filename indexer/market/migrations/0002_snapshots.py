"""Daily snapshots, a partition for each month, so that old ones go by dropping tables; and the views over all of it."""

from django.db import migrations

SNAPSHOTS = """
CREATE TABLE pool_daily_snapshots (
    day date NOT NULL,
    pool_id uuid NOT NULL,
    tvl double precision,
    apy double precision,
    apy_base double precision,
    apy_reward double precision,
    il_7d double precision,
    volume_1d double precision,
    source varchar(10) NOT NULL,
    PRIMARY KEY (pool_id, day)
) PARTITION BY RANGE (day);
COMMENT ON COLUMN pool_daily_snapshots.source IS 'pools: taken that day; chart: from the source''s own history';
CREATE TABLE protocol_daily_snapshots (
    day date NOT NULL,
    protocol_id varchar(100) NOT NULL,
    tvl double precision,
    mcap double precision,
    pools integer,
    pools_tvl double precision,
    PRIMARY KEY (protocol_id, day)
) PARTITION BY RANGE (day);
COMMENT ON COLUMN protocol_daily_snapshots.pools IS 'null: pools were not taken in on that day';
CREATE TABLE snapshot_days (
    day date PRIMARY KEY,
    complete boolean NOT NULL,
    pools bigint NOT NULL,
    protocols bigint NOT NULL,
    taken_at timestamptz NOT NULL
);
COMMENT ON TABLE snapshot_days IS 'Days of which a snapshot was taken; a complete one is never written over by a partial one';
"""
NO_SNAPSHOTS = "DROP TABLE snapshot_days, protocol_daily_snapshots, pool_daily_snapshots"

# Each joins what was counted beforehand, one row for each: nothing fans out.
VIEWS = """
CREATE VIEW v_sync_status AS
SELECT newest.task, newest.state, newest.why, newest.queued_at, newest.started_at, newest.finished_at,
       newest.finished_at - newest.started_at AS took, newest.attempt, newest.created, newest.changed, newest.unchanged,
       newest.vanished, newest.rejected, newest.error, good.finished_at AS succeeded_at, now() - good.finished_at AS age
  FROM (SELECT DISTINCT ON (task) * FROM task_runs ORDER BY task, id DESC) newest
  LEFT JOIN (SELECT task, max(finished_at) AS finished_at FROM task_runs WHERE state = 'succeeded' GROUP BY task) good
         USING (task);
CREATE VIEW v_top_pools_with_contracts AS
SELECT p.id, p.chain, p.chain_id, p.project, r.name AS protocol, p.symbol, p.tvl, p.apy,
       m.address AS contract, m.namespace, m.confidence, m.contracts
  FROM pools p
  LEFT JOIN protocols r ON r.id = p.protocol_id
  JOIN (SELECT DISTINCT ON (pool_id) pool_id, namespace, address, confidence,
               count(*) OVER (PARTITION BY pool_id) AS contracts
          FROM contract_mappings WHERE kind = 'pool' AND NOT refuted AND confidence > 0
         ORDER BY pool_id, confidence DESC, id) m ON m.pool_id = p.id
 WHERE p.vanished_at IS NULL
 ORDER BY p.tvl DESC NULLS LAST, p.id;
CREATE VIEW v_protocol_summary AS
SELECT r.id, r.slug, r.name, r.category, r.tvl, r.mcap, coalesce(p.pools, 0) AS pools, p.pools_tvl, p.best_apy,
       coalesce(p.chains, 0) AS chains, coalesce(m.mapped, 0) AS mapped_pools
  FROM protocols r
  LEFT JOIN (SELECT protocol_id, count(*) AS pools, sum(tvl) AS pools_tvl, max(apy) AS best_apy,
                    count(DISTINCT chain) AS chains
               FROM pools WHERE vanished_at IS NULL GROUP BY protocol_id) p ON p.protocol_id = r.id
  LEFT JOIN (SELECT q.protocol_id, count(DISTINCT q.id) AS mapped
               FROM contract_mappings c JOIN pools q ON q.id = c.pool_id
              WHERE c.kind = 'pool' AND NOT c.refuted AND c.confidence >= 0.8 AND q.vanished_at IS NULL
              GROUP BY q.protocol_id) m ON m.protocol_id = r.id
 WHERE r.vanished_at IS NULL;
"""
NO_VIEWS = "DROP VIEW v_protocol_summary, v_top_pools_with_contracts, v_sync_status"


class Migration(migrations.Migration):
    dependencies = [("market", "0001_initial"), ("tasks", "0001_initial")]
    operations = [migrations.RunSQL(SNAPSHOTS, NO_SNAPSHOTS), migrations.RunSQL(VIEWS, NO_VIEWS)]
