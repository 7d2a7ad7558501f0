"""A database that does not answer, for as long as a test wants."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection as django_connection


@contextmanager
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Django's connection leads to where nothing listens."""
    django_connection.close()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with monkeypatch.context() as patch:
            patch.setitem(django_connection.settings_dict, "PORT", str(nobody.getsockname()[1]))
            yield
            django_connection.close()
