"""All ten real watch lists, 23,829 entries, go into ten chains by the commands."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from time import perf_counter

import pytest
from django.core.management import call_command
from pytest_django.plugin import DjangoDbBlocker

from indexer.chains.connections import connect
from indexer.chains.registry import find_chain

ENTRIES, JOBS = 23_829, 23_462
SECONDS = 60.0
"""Measured: 1.3 for all ten files on two cores."""


@pytest.fixture
def files(django_db_setup: None, django_db_blocker: DjangoDbBlocker, shared_data: Path) -> Iterator[list[Path]]:
    """The files, and a chain for each."""
    found = sorted((shared_data / "watchlists").glob("*.json"))
    with django_db_blocker.unblock():
        for path in found:
            call_command("add_chain", path.stem, stdout=StringIO())
        yield found
        for path in found:
            call_command("remove_chain", path.stem, "--yes", stdout=StringIO())


def import_all(files: list[Path]) -> tuple[list[str], float]:
    """What the command says, and the seconds it takes."""
    said = StringIO()
    began = perf_counter()
    call_command("import_watches", *files, stdout=said)
    return said.getvalue().splitlines(), perf_counter() - began


def tables(slug: str) -> list[list[object]]:
    """Jobs with their state, labels and settings of a chain, to the last byte and moment."""
    with connect(find_chain(slug)) as connection:
        return [
            list(connection.execute(f"SELECT t::text, xmin::text FROM {table} AS t ORDER BY 1"))
            for table in ("jobs", "job_labels", "settings")
        ]


@pytest.mark.slow
def test_all_real_watch_lists_are_imported_in_seconds_and_once(files: list[Path]) -> None:
    assert len(files) == 10
    first, taken = import_all(files)
    assert taken < SECONDS

    labels = 0
    for path, line in zip(files, first, strict=True):
        entries = [
            (contract.lower(), json.dumps(watch["event"], sort_keys=True), watch["protocol"], watch["product"])
            for watch in json.loads(path.read_text())["watches"]
            for contract in watch["contracts"]
        ]
        jobs = {entry[:2] for entry in entries if entry[1] != "false"}
        assert line == f"{path.stem}: {len(entries):,} entries, {len(jobs):,} jobs added, {len(entries):,} labels added"
        labels += len(entries)
    stored = {path.stem: tables(path.stem) for path in files}
    assert labels == ENTRIES
    assert sum(len(found[0]) for found in stored.values()) == JOBS

    again, taken_again = import_all(files)
    assert [line.split(", ", 1)[1] for line in again] == ["0 jobs added, 0 labels added"] * 10
    assert {path.stem: tables(path.stem) for path in files} == stored
    # Looking at what is there already takes no other plan than writing it.
    assert taken_again < 2 * taken
