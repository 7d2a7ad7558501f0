"""A worker is one of many processes on a machine: what only the web server needs is not loaded by it."""

import json
import subprocess
import sys
from pathlib import Path

from pytest_django.plugin import DjangoDbBlocker

from benchmarks.jobs import TRANSFER, import_list, made_up_list, new_chain
from indexer.chains.connections import connect
from indexer.chains.models import Chain
from tests.positions.steady_node import SteadyNode
from tests.processes import PATIENCE, PROJECT, environment

MOST_MODULES = 1_000
"""Measured: 867 at the start of the command; with the pages of the web server they were 1,309."""
OF_OTHERS = {
    "api",
    "concurrent_log_handler",
    "config.unfold",
    "config.urls",
    "django.contrib.admin",
    "django_filters",
    "drf_spectacular",
    "eth_abi",
    "gunicorn",
    "indexer.embedded.demo",
    "indexer.positions.admin",
    "pydantic",
    "requests",
    "rest_framework",
    "supervisor",
    "unfold",
    "web3",
    "websockets",
    "yaml",
}


def loaded_by(*arguments: str, urls: dict[str, str]) -> set[str]:
    """The names of all modules that a command has imported from its beginning to its end."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "manage.py", *arguments],
        cwd=PROJECT,
        env=environment(urls),
        text=True,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


def test_a_worker_that_reads_the_past_and_the_head_loads_no_pages(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    contracts = [f"0x{number:040x}" for number in range(1, 51)]
    # A chain that no profile speaks of: the node makes its headers up.
    with django_db_blocker.unblock(), new_chain() as chain, connect(chain) as connection:
        import_list(connection, made_up_list(chain, [], len(contracts)), 0)
        with SteadyNode(contracts, TRANSFER, blocks=140, chain_id=chain.chain_id) as node:
            slug = str(chain.slug)
            loaded = loaded_by("run_chain_worker", slug, "--until-synced", urls={slug: node.url})
        assert connection.execute("SELECT count(*) > 100 FROM logs").fetchone() == (True,)
    assert {"indexer.positions.latest", "indexer.positions.historic"} <= loaded
    assert loaded & OF_OTHERS == set()
    assert len(loaded) < MOST_MODULES


def test_an_import_loads_no_pages(chain: Chain, tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_text(json.dumps(made_up_list(chain, [], 3)))
    loaded = loaded_by("import_watches", str(file), urls={})
    assert "indexer.positions.protocol.imports" in loaded
    assert loaded & OF_OTHERS == set()
