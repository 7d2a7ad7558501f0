"""Whether the database's schemas are the ones this code was written for."""

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django_tenants.utils import get_public_schema_name, schema_context

from indexer.chains.models import Chain


def unapplied_migrations(chain: Chain | None = None) -> list[str]:
    """Names of migrations that the chain's schema lacks, such as positions.0002_settings; without one, the shared."""
    with schema_context(chain.schema_name if chain else get_public_schema_name()):
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
