"""PostgreSQL as django-prometheus counts it, on a server that this process holds and a database that it creates.

django-tenants finds this module by the setting ORIGINAL_BACKEND, Django by ENGINE.
"""

import shutil
from collections.abc import Iterable
from typing import Any

import psycopg
from django.conf import settings
from django.db.backends.postgresql.client import DatabaseClient as PostgresClient
from django_prometheus.db.backends.postgresql import base

from indexer.embedded.postgres import EmbeddedPostgresError, default_server

# Read once, at import: a test runner puts its own database's name into the settings, and manages that one itself.
DATABASE = settings.DATABASES["default"]["NAME"]


class DatabaseClient(PostgresClient):
    """`manage.py dbshell`, by the machine's psql or else the wheel's."""

    @classmethod
    def settings_to_cmd_args_env(
        cls, settings_dict: dict[str, Any], parameters: Iterable[str]
    ) -> tuple[list[str], dict[str, str] | None]:
        arguments, environment = super().settings_to_cmd_args_env(settings_dict, parameters)
        psql = shutil.which("psql") or str(default_server().program("psql"))
        return [psql, *arguments[1:]], environment

    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.ensure_connection()
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]
    """Holds the server for as long as this process lives, from its first connection on."""

    client_class = DatabaseClient

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        server = default_server()
        try:
            server.hold()
        except EmbeddedPostgresError as error:
            raise psycopg.OperationalError(str(error)) from error
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError as error:
            if conn_params["dbname"] != DATABASE or "does not exist" not in str(error):
                raise
        server.create_database(DATABASE)
        return super().get_new_connection(conn_params)
