"""Setting everything up that the demo runs, and taking it down again."""

import json
import socket
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import urllib3
from django.core.management import call_command

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.chains.profiles import read_profiles
from indexer.chains.registry import add_chain, remove_chain
from indexer.embedded.chain.anvil import Anvil, AnvilError
from indexer.embedded.chain.compile import compile_contracts
from indexer.embedded.chain.node import Node
from indexer.embedded.chain.packages import install
from indexer.embedded.chain.traffic import Traffic
from indexer.embedded.chain.world import World, deploy
from indexer.embedded.places import project_dir

from .market import TRUE_SIZE, serving, standing_in, write_contracts
from .processes import Children, read_last_lines
from .steps import DemoError, Signals, Steps, say

SLUGS = ("hilltop", "seaside")
FIRST_SEED = 1
WEB = "web"
STANDIN = "standin"
TASK_WORKER = "tasks"
WEB_SECONDS = 60.0
TURN_SECONDS = 0.2
FIRST_PORT = 8000
PORTS = 100


@dataclass
class LocalChain:
    """A running local chain with its tenant, its contracts and what happens on it."""

    slug: str
    anvil: Anvil
    node: Node
    tenant: Chain
    world: World
    traffic: Traffic


class Stage:
    """Two chains with a worker each, a stand-in's market data, the web server. All but the database is in `folder`."""

    def __init__(self, folder: Path, signals: Signals, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.children = Children(folder)
        self.chains: list[LocalChain] = []
        self.base_url = ""
        self.market_size = TRUE_SIZE
        self._signals = signals
        self._environment = dict(environment)
        self.anvils: dict[str, Anvil] = {}

    def set_up(self, *, seed: int | None, history: int, port: int | None, fresh: bool = False) -> None:
        """Start everything but the traffic; `fresh`: nothing that is found is gone on with.

        Raises DemoError, Stopped and what the parts raise.
        """
        step = Steps(self._signals)
        left = self.children.end_survivors()
        if left:
            say(f"The last demo was killed: {left} processes that it had left running were ended.")
        chosen_port = choose_port(port)
        with step("Packages of the local chains"):
            packages = install()
        with step("Contracts"):
            bytecode = compile_contracts(packages)
        with step("Tables"):
            call_command("migrate_schemas", verbosity=0)
        with step("Chains") as words:
            for slug in SLUGS:
                words.append(f"{slug} {self._start_chain(slug, packages.anvil, seed, fresh=fresh)}")
            (self.folder / "seed").write_text(str(self._choose_seed(seed)))
        with step("Contracts and history") as words:
            self._populate(self._choose_seed(seed), history, bytecode)
            words += [f"{chain.slug} is at block {chain.node.head():,}" for chain in self.chains]
        with step("Watch lists"):
            self._import_watch_lists()
        with step("Workers, market and web server") as words:
            self.start_children(chosen_port)
            words.append(self.base_url)

    def _choose_seed(self, wish: int | None) -> int:
        return wish if wish is not None else self._known_seed() or FIRST_SEED

    def _known_seed(self) -> int | None:
        try:
            return int((self.folder / "seed").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _start_chain(self, slug: str, binary: Path, seed: int | None, *, fresh: bool) -> str:
        """Start the chain where it was left, if it and its schema still belong together; say which it was."""
        chain_id = read_profiles()[slug].chain_id
        anvil = self.anvils[slug] = Anvil(chain_id, self.folder / "chains" / slug, binary=binary)
        anvil.start()
        tenant = Chain.objects.filter(slug=slug).first()
        kept = read_headers(tenant) if tenant else {}
        reason = find_reason_to_discard(kept, serve_hashes(Node(anvil.url), kept), self._known_seed(), seed)
        if anvil.resume == "new" and not kept:
            return "is new"
        if not reason and not fresh:
            lost = max(kept, default=0) - Node(anvil.url).head()
            return f"was killed and has lost {lost} blocks, as by a reorg" if lost > 0 else "goes on"
        anvil.stop()
        anvil.discard()
        anvil.start()
        if tenant:
            remove_chain(tenant)
        return f"and what was indexed of it are discarded, for {reason or 'a check was killed'}"

    def _populate(self, seed: int, history: int, bytecode: dict[str, str]) -> None:
        """Add the tenants, and let both chains have contracts and blocks at the same time."""
        tenants = {slug: add_chain(slug, None, None)[0] for slug in SLUGS}
        indexed = {slug: max(read_headers(tenant), default=None) for slug, tenant in tenants.items()}

        def populate(place: int, slug: str) -> LocalChain:
            anvil = self.anvils[slug]
            # Different seeds: one chain's answers must not pass for the other's.
            world = deploy(anvil.url, anvil.chain_id, 2 * seed + place, anvil.directory, bytecode)
            node, traffic = Node(anvil.url), Traffic(world, 2 * seed + place)
            missing = history - node.head()
            if anvil.resume == "new" and missing > 0:
                traffic.history(missing)
            outgrow(node, traffic, indexed[slug])
            return LocalChain(slug, anvil, node, tenants[slug], world, traffic)

        threads = ThreadPoolExecutor(len(SLUGS))
        try:
            futures = [threads.submit(populate, place, slug) for place, slug in enumerate(SLUGS)]
            while wait(futures, timeout=TURN_SECONDS).not_done:
                self._signals.check()
            self.chains = [future.result() for future in futures]
        finally:
            # When told to stop, the chains end under them, and so do they.
            threads.shutdown(wait=False, cancel_futures=True)

    def _import_watch_lists(self) -> None:
        folder = self.folder / "watchlists"
        folder.mkdir(exist_ok=True)
        files = []
        for chain in self.chains:
            files.append(folder / f"{chain.slug}.json")
            files[-1].write_text(json.dumps(chain.world.watch_list(chain.slug), indent=1))
        with (self.folder / "logs" / "import.log").open("w") as log:
            call_command("import_watches", *files, source="demo", prune=True, stdout=log)

    def start_children(self, port: int) -> None:
        for chain in self.chains:
            self._start_worker(chain.slug, again=False)
        self._start_market()
        self.base_url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
        settings = {
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "WEB_BIND": f"127.0.0.1:{port}",
            "WEB_PROCESSES": "1",
            "WEB_THREADS": "8",
        }
        self.children.start(WEB, command, {**self._environment, **settings})
        self.wait_for_web()

    def _start_market(self) -> None:
        contracts, port = self.folder / "contracts.json", choose_port(0)
        write_contracts(contracts, {chain.slug: chain.world for chain in self.chains})
        base_url = f"http://127.0.0.1:{port}"
        self.children.start(STANDIN, serving(port, contracts, self.market_size), {})
        # Who is asked before it is there would be asked again half a minute later.
        self.wait_for_answer(STANDIN, f"{base_url}/_stats")
        urls = {f"RPC_URLS_{slug.upper()}": anvil.url for slug, anvil in self.anvils.items()}
        command = [sys.executable, str(project_dir() / "manage.py"), "run_worker", TASK_WORKER]
        self.children.start(TASK_WORKER, command, {**self._environment, **urls, **standing_in(base_url)})

    def _start_worker(self, slug: str, *, again: bool) -> None:
        urls = {f"RPC_URLS_{slug.upper()}": self.anvils[slug].url}
        command = [sys.executable, str(project_dir() / "manage.py"), "run_chain_worker", slug]
        self.children.start(name_worker(slug), command, {**self._environment, **urls}, again=again)

    def wait_for_web(self) -> None:
        self.wait_for_answer(WEB, f"{self.base_url}/health")

    def wait_for_answer(self, name: str, url: str) -> None:
        """Until a child's server answers, whatever it says. Raises DemoError, and what stops the demo."""
        deadline = time.monotonic() + WEB_SECONDS
        pool = urllib3.PoolManager(retries=False, timeout=5)
        while True:
            self.check_health()
            self._signals.check()
            try:
                pool.request("GET", url)
                return
            except urllib3.exceptions.HTTPError:
                if time.monotonic() > deadline:
                    raise DemoError(f"{name} does not answer; its log is {self.children.log_of(name)}") from None
                time.sleep(TURN_SECONDS)

    def kill_worker(self, slug: str) -> None:
        """End a worker as a crash would, and start it again."""
        self.children.kill(name_worker(slug))
        self._start_worker(slug, again=True)

    def check_health(self) -> None:
        """Raise DemoError if a process has ended by itself, with the end of its log."""
        for slug, anvil in self.anvils.items():
            if not anvil.alive():
                log = anvil.directory / "anvil.log"
                raise DemoError(f"the chain {slug} has ended. The end of its log, {log}:\n{read_last_lines(log)}")
        dead = self.children.find_dead()
        if dead:
            raise DemoError(dead)

    def take_down(self, hurried: Callable[[], bool]) -> None:
        """Stop everything that was started, in order: workers and web server, then the chains."""
        self.children.stop(hurried)
        for anvil in self.anvils.values():
            alive = anvil.alive()
            try:
                anvil.stop()
            except AnvilError as error:
                if alive:  # One that ended by itself has been spoken of.
                    say(str(error))


def name_worker(slug: str) -> str:
    return f"worker-{slug}"


def read_headers(tenant: Chain) -> dict[int, str]:
    """The hashes of the blocks that the chain's worker has kept, by number."""
    with connect(tenant) as db:
        return {number: f"0x{hash_.hex()}" for number, hash_ in db.execute("SELECT number, hash FROM blocks")}


def serve_hashes(node: Node, numbers: Mapping[int, str]) -> dict[int, str]:
    """The hashes that the node has at these numbers, as far as it has such blocks."""
    blocks = node.batch([("eth_getBlockByNumber", hex(number), False) for number in numbers])
    return {int(block["number"], 16): block["hash"] for block in blocks if block}


def find_reason_to_discard(
    kept: Mapping[int, str], served: Mapping[int, str], known_seed: int | None, seed: int | None
) -> str:
    """Why a chain and its schema cannot go on together; empty if they can.

    They belong together while the chain still has one of the blocks that the worker kept: whatever came after it is
    taken back like any reorg, however deep. `seed` is the wish of this start, if it has one.
    """
    if seed is not None and known_seed not in (None, seed):
        return f"they were made with seed {known_seed}"
    if kept and not any(served.get(number) == hash_ for number, hash_ in kept.items()):
        return "the chain has none of the blocks that were indexed last"
    return ""


def outgrow(node: Node, traffic: Traffic, indexed_to: int | None) -> None:
    """Let a chain that lost blocks pass what was indexed of it: until then its worker would wait, as for a node that
    lags."""
    if indexed_to is not None and node.head() < indexed_to:
        while node.head() <= indexed_to:
            traffic.step()


def choose_port(wish: int | None) -> int:
    """The wished port, or the first free one. Raises DemoError if there is none."""
    for port in [wish] if wish is not None else range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket() as probe:
            # As the web server will: a port whose last connections are still fading is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if wish is not None:
                    raise DemoError(
                        f"port {wish} cannot be used ({error.strerror}): choose another by --port"
                    ) from None
                continue
            chosen: int = probe.getsockname()[1]
            return chosen
    raise DemoError(f"no port from {FIRST_PORT} on is free: name one by --port")
