"""How the embedded PostgreSQL is set: for development, and for as long as nothing copies it. Pure."""

from collections.abc import Mapping
from pathlib import Path

CONFIGURATION = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    # Parallel queries need more of /dev/shm than a container has by default.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    # Nothing copies this server, so the log need only survive a crash; a commit still waits for the disk.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_buffers": "16MB",
    "synchronous_commit": "on",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
}


def write_configuration(settings: Mapping[str, str], socket_dir: Path) -> str:
    """The text of postgresql.conf: what initdb found out about this machine, then ours."""
    quoted_dir = '"' + str(socket_dir).replace('"', '""') + '"'
    lines = ["include = 'data/postgresql.conf'"]
    for name, value in {**settings, "unix_socket_directories": quoted_dir}.items():
        escaped = value.replace("\\", "\\\\").replace("'", "''")
        lines.append(f"{name} = '{escaped}'")
    return "\n".join(lines) + "\n"
