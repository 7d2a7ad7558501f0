"""A key's limit holds over all threads and processes: the database counts."""

import threading

import pytest
from django.db import connection

from indexer.access.keys import admit, make_key
from indexer.access.scopes import READ


@pytest.mark.usefixtures("chains")
def test_as_many_requests_as_allowed_are_admitted_whoever_counts_them() -> None:
    made = make_key("shared", [READ], created_by="test", requests_per_minute=20)
    admitted: list[bool] = []

    def ask() -> None:
        try:
            for _ in range(10):
                admission = admit(made.text)
                admitted.append(admission is not None and not admission.refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 40
    # A share of the minute passes while they ask, so one more may be let in.
    assert sum(admitted) in (20, 21)
