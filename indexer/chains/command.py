"""The base of Footprint's commands: what is expected to go wrong is one sentence, not a traceback."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError as DjangoOperationalError
from psycopg import OperationalError

from indexer.chains.endpoints import EndpointsError
from indexer.chains.registry import ChainError
from indexer.rpc import RpcError


class FootprintCommand(BaseCommand):
    """Turns errors that name the thing and the remedy into CommandError; others stay tracebacks."""

    expected: tuple[type[Exception], ...] = (ChainError, EndpointsError, RpcError)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except self.expected as error:
            raise CommandError(str(error)) from error
        except (OperationalError, DjangoOperationalError) as error:
            raise CommandError(f"the database cannot be used: {str(error).strip()}; check DATABASE_URL") from error
