"""The base of Footprint's commands: what is expected to go wrong is one sentence, not a traceback."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError as DjangoOperationalError
from django.db import ProgrammingError
from psycopg import OperationalError
from psycopg.errors import UndefinedColumn, UndefinedTable

from indexer.chains.checks import CHAINS
from indexer.chains.endpoints import EndpointsError
from indexer.chains.registry import ChainError
from indexer.rpc import RpcError


class FootprintCommand(BaseCommand):
    """Turns errors that name the thing and the remedy into CommandError; others stay tracebacks."""

    # Those of pages and routes load what only the web server needs, and are `manage.py check`'s.
    requires_system_checks = (CHAINS,)
    expected: tuple[type[Exception], ...] = (ChainError, EndpointsError, RpcError)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except self.expected as error:
            raise CommandError(str(error)) from error
        except (ProgrammingError, UndefinedTable, UndefinedColumn) as error:
            if isinstance(error.__cause__ or error, UndefinedTable | UndefinedColumn):
                said = str(error).splitlines()[0]
                raise CommandError(f"this code needs migrations ({said}): run manage.py migrate_schemas") from error
            raise
        except (OperationalError, DjangoOperationalError) as error:
            raise CommandError(f"the database cannot be used: {str(error).strip()}; check DATABASE_URL") from error
