"""Whether a chain's schema is the one this code was written for."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django_tenants.utils import tenant_context

from indexer.chains.models import Chain


def unapplied_migrations(chain: Chain) -> list[str]:
    """Names of migrations that the chain's schema lacks, such as positions.0002_settings."""
    with tenant_context(chain):
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
