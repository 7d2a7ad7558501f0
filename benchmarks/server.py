"""The PostgreSQL that benchmarks use where DATABASE_URL names none: their own, set as docs/operations.md says for much
data. It stops with the last benchmark; what these leave in it with --keep stays."""

import os

from indexer.embedded.places import state_dir
from indexer.embedded.postgres import EmbeddedPostgres

DATABASE = "footprint"
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
"""Of this machine, in MB."""
SETTINGS = {
    "shared_buffers": f"{MEMORY // 4}MB",
    "effective_cache_size": f"{MEMORY // 2}MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
}


def use_server() -> None:
    """Have DATABASE_URL name a server, and keep it running until this process ends."""
    if os.environ.get("DATABASE_URL"):
        return
    server = EmbeddedPostgres(state_dir() / "benchmarks", SETTINGS)
    server.hold()
    server.create_database(DATABASE)
    os.environ["DATABASE_URL"] = server.dsn(DATABASE)
