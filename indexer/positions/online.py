"""Changes of a chain's tables while its worker writes to them."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations.operations import AddIndex
from django.db.migrations.state import ProjectState

# A CREATE INDEX CONCURRENTLY that is interrupted leaves an index behind that is not valid; one whose client was killed
# goes on to its end, and nobody notes in django_migrations that it is done.
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(quote_ident(%s))"


class AddIndexOnline(AddIndexConcurrently):
    """An index that is built beside running writers, in a migration that is not atomic; started again, it keeps what is
    whole and builds anew what is not.

    The schema of a new chain is made in one transaction, in which nothing can be built concurrently; nobody writes to
    it either.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.connection.in_atomic_block:
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(IS_VALID, [self.index.name])
            found = cursor.fetchone()
            if found == (True,):
                return
            if found is not None:
                cursor.execute(f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(self.index.name)}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)
