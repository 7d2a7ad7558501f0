"""`run_workers --web` on real chains: what is killed comes back, what is misconfigured stays down, all leave well."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.chains.registry import add_chain, remove_chain
from indexer.embedded.chain.anvil import Anvil
from tests import evm
from tests.positions.world import A, grow, watch
from tests.processes import environment, run, wait_until
from tests.workers.supervisord import Supervisord, find_children

USER = "0x" + (b"\7" * 20).hex()
BACK_SECONDS = 15.0
METRICS_PORT = 19471
"""Outside of the ports that the system gives to others."""


class Deployment:
    """Two chains that grow, a third without an RPC URL, the web server, all below one supervisord."""

    def __init__(self, nodes: dict[str, evm.Chain], run_dir: Path) -> None:
        self.nodes = nodes
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        settings = {
            "WEB_BIND": f"127.0.0.1:{self.port}",
            "WEB_PROCESSES": "2",
            "METRICS_PORT": str(METRICS_PORT),
            "LOG_DIR": "",
        }
        urls = {slug: node.url for slug, node in nodes.items()}
        options = ["--web", "--historic", "1", "--run-dir", str(run_dir), "--start-seconds", "10"]
        command = ["manage.py", "run_workers", *options]
        self.supervisord = Supervisord(command, run_dir, run_dir / "out.log", environment(urls) | settings)

    def ask(self) -> Any:
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/addresses/{USER}", timeout=10) as response:
            return json.load(response)

    def follows(self, *slugs: str) -> bool:
        """Whether an answer of the web server is true for the newest blocks of these chains."""
        try:
            chains = {chain["chain"]: chain for chain in self.ask()["chains"]}
        except OSError:  # nobody listens yet, or again
            return False
        return all((chains[slug]["as_of"] or {}).get("block") == self.nodes[slug].head() for slug in slugs)

    def kill(self, program: str) -> float:
        """kill -9; how many seconds it takes until it runs again under another number."""
        pid = self.supervisord.pid_of(program)
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        wait_until(lambda: self.supervisord.pid_of(program) not in (0, pid), what=lambda: self.supervisord.said)
        return time.monotonic() - began


@pytest.fixture
def third(chains: list[Chain]) -> Iterator[Chain]:
    chain, _ = add_chain("nowhere", 424242, None)
    yield chain
    remove_chain(chain)


@pytest.fixture
def deployment(chains: list[Chain], third: Chain, run_dir: Path, tmp_path: Path) -> Iterator[Deployment]:
    anvils = {
        str(chain.slug): Anvil(chain.chain_id, tmp_path / str(chain.slug), history=500).start() for chain in chains
    }
    try:
        nodes = {slug: evm.Chain(anvil) for slug, anvil in anvils.items()}
        for slug, node in nodes.items():
            node.deploy(A)
            grow(node, 20)
            file = tmp_path / f"{slug}.json"
            file.write_text(json.dumps(watch({A: "Transfer"}) | {"chain": slug, "chain_id": node.anvil.chain_id}))
            run("import_watches", file)
        deployment = Deployment(nodes, run_dir)
        try:
            yield deployment
        finally:
            deployment.supervisord.kill()
    finally:
        for anvil in anvils.values():
            anvil.stop()


def find_descendants(parent: int) -> list[int]:
    children = find_children(parent)
    return children + [pid for child in children for pid in find_descendants(child)]


@pytest.mark.slow
def test_a_deployment_survives_kills_and_leaves_in_order(deployment: Deployment) -> None:
    supervisord, slugs = deployment.supervisord, list(deployment.nodes)
    wait_until(lambda: deployment.follows(*slugs), what=lambda: supervisord.said)
    names = {"web", "overseer", "tasks", *(f"worker-{slug}" for slug in (*slugs, "nowhere"))}
    names |= {f"historic-{slug}-1" for slug in (*slugs, "nowhere")}
    assert supervisord.states().keys() == names

    for program in ("web", "workers:worker-hilltop"):
        print(f"{program} killed: another runs after {deployment.kill(program):.1f} s")
        began = time.monotonic()
        for node in deployment.nodes.values():
            grow(node, 2)
        wait_until(lambda: deployment.follows(*slugs), BACK_SECONDS, what=lambda: supervisord.said)
        print(f"{program}: answers for the newest blocks after {time.monotonic() - began:.1f} s more")

    targets = json.loads((supervisord.run_dir / "prometheus" / "workers.json").read_text())
    for group in targets:
        if group["labels"].get("chain") in slugs:
            with urlopen(f"http://{group['targets'][0]}/metrics", timeout=10) as response:
                assert f'chain="{group["labels"]["chain"]}"' in response.read().decode()

    wait_until(lambda: supervisord.states()["worker-nowhere"] == "EXITED", what=lambda: supervisord.said)
    assert "worker-nowhere | CommandError: nowhere has no RPC URL: set RPC_URLS_NOWHERE\n" in supervisord.said
    assert "exited: worker-nowhere (exit status 78; expected)" in supervisord.said
    assert supervisord.said.count("spawned: 'worker-nowhere'") == 1
    for node in deployment.nodes.values():
        grow(node, 1)
    wait_until(lambda: deployment.follows(*slugs), BACK_SECONDS)

    running = find_descendants(supervisord.process.pid)
    # Both chains' workers and helpers, gunicorn and its two processes.
    assert len(running) >= 7
    assert supervisord.terminate() == 0
    assert not [pid for pid in running if Path(f"/proc/{pid}").exists()]
    said = supervisord.said
    assert all(f"{slug}: the worker has left in good order" in said for slug in slugs)
    assert "with SIGKILL" not in said
    # The web server leaves last.
    assert said.index("stopped: web") > max(said.index(f"stopped: worker-{slug}") for slug in slugs)
    with connect(Chain.objects.get(slug=slugs[0])) as connection:
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = ANY(%s)"
        assert connection.execute(left, [[f"footprint {slug}" for slug in slugs]]).fetchone() == (0,)
    print(said)
