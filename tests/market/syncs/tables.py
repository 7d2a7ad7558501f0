"""The market's tables: emptied, read, and compared."""

from typing import Any

from django.db import connection

from indexer.market.months import TABLES, drop_month, partitions

MARKET = (
    "market_documents, rejected_rows, market_chains, protocol_aliases, contract_mappings, mapping_evidence, "
    "watch_proposals, pools, protocols, snapshot_days"
)
# What says when differs from one run to the other.
MOMENTS = ("created_at", "first_at", "last_at", "taken_at", "read_at", "vanished_at", "etag", "last_modified", "id")
COMPARED = ("market_chains", "protocols", "protocol_aliases", "pools", "rejected_rows", "market_documents")


def ask(query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [] if cursor.description is None else list(cursor.fetchall())


def one(query: str, *parameters: Any) -> Any:
    return ask(query, *parameters)[0][0]


def empty_market() -> None:
    ask(f"TRUNCATE {MARKET}")


def attached(table: str) -> list[str]:
    """The names of the table's partitions, the oldest first."""
    return [each.name for each in partitions(table)]


def drop_all_months() -> None:
    for table in TABLES:
        for month in attached(table):
            drop_month(month)


def versions(table: str) -> dict[Any, str]:
    """The version of every row, by its key: a row that was written has another one."""
    key = "name" if table == "market_chains" else "id"
    return dict(ask(f"SELECT {key}, xmin::text FROM {table}"))


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """All rows, without the moments at which they were written."""
    return {table: rows_of(table) for table in (*COMPARED, *TABLES)}


def rows_of(table: str) -> list[tuple[Any, ...]]:
    columns = [
        name
        for (name,) in ask("SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY 1", table)
        if name not in MOMENTS or (name == "id" and table in ("protocols", "pools"))
    ]
    return sorted(ask(f"SELECT {', '.join(f'{name}::text' for name in columns)} FROM {table}"), key=repr)


def go_back(hours: float) -> None:
    """Let all that was kept have been kept so many hours earlier."""
    for table, columns in (("market_documents", ("taken_at", "read_at")), ("rejected_rows", ("first_at", "last_at"))):
        moved = ", ".join(f"{name} = {name} - make_interval(secs => {hours * 3600})" for name in columns)
        ask(f"UPDATE {table} SET {moved}")
