"""A local chain keeps what it was between starts, however it ended."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer.embedded.chain.anvil import ACCOUNTS, Anvil, AnvilError
from indexer.embedded.chain.node import Node
from indexer.embedded.chain.packages import Packages
from indexer.embedded.chain.traffic import Traffic
from indexer.embedded.chain.world import World, deploy

from .chain_fixtures import CHAIN_ID, anvil, bytecode, packages, start_chain, world
from .demo_state import NEEDS_PROC

__all__ = ["anvil", "bytecode", "packages", "start_chain", "world"]

STARTER = """
import sys, time
from pathlib import Path
from indexer.embedded.chain.anvil import Anvil
from indexer.embedded.chain.node import Node
chain = Anvil(31337, Path(sys.argv[1]), binary=Path(sys.argv[2])).start()
Node(chain.url).call("anvil_mine", 7)
print(chain.url, flush=True)
time.sleep(60)
"""

# An anvil that answers half a second before it heeds SIGTERM; the real one does for less than a millisecond, or for as
# long as a busy machine leaves that thread without a turn.
LATE = """
import signal, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"jsonrpc": "2.0", "id": 0, "result": "0x7a69"}')

def option(name):
    return sys.argv[sys.argv.index(name) + 1]

def leave(number, frame):
    Path(option("--dump-state")).write_text("{}")
    sys.exit()

server = HTTPServer(("127.0.0.1", int(option("--port"))), Handler)
Thread(target=server.serve_forever, daemon=True).start()
time.sleep(0.5)
signal.signal(signal.SIGTERM, leave)
while True:
    time.sleep(60)
"""


@pytest.fixture
def dumping(packages: Packages, tmp_path: Path) -> Iterator[Anvil]:
    """A chain that writes its state every second."""
    chain = Anvil(CHAIN_ID, tmp_path / "dumping", binary=packages.anvil, dump_seconds=1)
    yield chain
    chain.stop()


def everything(url: str) -> list[Any]:
    """All blocks, receipts and logs, by number and by hash."""
    node = Node(url)
    blocks = node.batch([("eth_getBlockByNumber", hex(number), True) for number in range(node.head() + 1)])
    by_hash = node.batch([("eth_getBlockByHash", block["hash"], True) for block in blocks])
    receipts = node.batch([("eth_getBlockReceipts", block["number"]) for block in blocks])
    logs_by_hash = node.batch([("eth_getLogs", {"blockHash": block["hash"]}) for block in blocks])
    logs = node.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    return [blocks, by_hash, receipts, logs_by_hash, logs]


def kill(chain: Anvil) -> None:
    pid = json.loads((chain.directory / "running.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(AnvilError, match="did not stop in order"):
        chain.stop()


def wait_for_a_dump(chain: Anvil) -> None:
    before = time.time()
    dump = chain.directory / "state.next.json"
    while not dump.exists() or dump.stat().st_mtime <= before or not is_json(dump):
        time.sleep(0.02)


def is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def test_a_restarted_chain_serves_every_old_block_receipt_and_log_and_goes_on(
    anvil: Anvil, world: World, bytecode: dict[str, str]
) -> None:
    Traffic(world, seed=5).history(60)
    before = everything(anvil.url)
    found = [anvil.resume]
    assert len(before[4]) > 100

    anvil.stop()
    assert not anvil.alive()
    anvil.start()

    assert [*found, anvil.resume] == ["new", "clean"]
    assert everything(anvil.url) == before
    again = deploy(anvil.url, CHAIN_ID, 1, anvil.directory, bytecode)
    assert again.pairs == world.pairs
    traffic = Traffic(again, seed=5)
    for _ in range(20):
        traffic.step()
    traffic.reorg(4)
    assert traffic.counters.deepest >= 4
    assert everything(anvil.url)[0][: len(before[0])] == before[0]


def test_a_chain_has_its_accounts_and_is_out_of_reach_of_the_terminals_ctrl_c(anvil: Anvil) -> None:
    pid = json.loads((anvil.directory / "running.json").read_text())["pid"]

    assert len(Node(anvil.url).call("eth_accounts")) == ACCOUNTS
    assert os.getsid(pid) == pid != os.getsid(0)


def test_a_killed_chain_comes_back_as_of_its_last_dump_and_says_that_it_is_behind(dumping: Anvil) -> None:
    dumping.start()
    node = Node(dumping.url)
    node.call("anvil_mine", 10)
    wait_for_a_dump(dumping)
    assert node.head() == 10
    kill(dumping)

    dumping.start()

    assert dumping.resume == "behind"
    assert Node(dumping.url).head() == 10


def test_a_dump_torn_by_the_kill_gives_way_to_the_state_before_it(dumping: Anvil) -> None:
    dumping.start()
    Node(dumping.url).call("anvil_mine", 3)
    dumping.stop()
    dumping.start()
    Node(dumping.url).call("anvil_mine", 3)
    wait_for_a_dump(dumping)
    kill(dumping)
    torn = dumping.directory / "state.next.json"
    torn.write_bytes(torn.read_bytes()[:-100])

    dumping.start()

    assert dumping.resume == "behind"
    assert Node(dumping.url).head() == 3


def test_a_chain_that_outlived_its_starter_is_stopped_in_order_and_loses_nothing(
    packages: Packages, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path / "chain"), str(packages.anvil)]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert starter.stdout
    url = starter.stdout.readline().strip()
    chain = Anvil(CHAIN_ID, tmp_path / "chain", binary=packages.anvil)

    with pytest.raises(AnvilError, match="already running"):
        chain.start()
    starter.kill()
    starter.communicate()
    assert Node(url).head() == 7
    chain.start()

    assert chain.resume == "clean"
    assert Node(chain.url).head() == 7
    assert chain.url != url
    chain.stop()


@NEEDS_PROC
def test_a_chain_has_not_started_before_it_can_be_stopped_in_order(tmp_path: Path) -> None:
    late = tmp_path / "late"
    late.write_text(f"#!{sys.executable}\n{LATE}")
    late.chmod(0o755)
    chain = Anvil(CHAIN_ID, tmp_path / "chain", binary=late)

    chain.start().stop()

    assert chain.start().resume == "clean"
    chain.stop()


def test_a_discarded_chain_begins_anew(anvil: Anvil) -> None:
    Node(anvil.url).call("anvil_mine", 5)
    with pytest.raises(AnvilError, match="stop it before"):
        anvil.discard()
    anvil.stop()

    anvil.discard()
    anvil.start()

    assert anvil.resume == "new"
    assert Node(anvil.url).head() == 0


def test_a_chain_that_cannot_start_says_why_in_one_sentence(packages: Packages, anvil: Anvil, tmp_path: Path) -> None:
    taken = int(anvil.url.rpartition(":")[2])

    with pytest.raises(AnvilError, match=r"chain 31338 did not start .*: see ") as refusal:
        Anvil(31338, tmp_path / "other", port=taken, binary=packages.anvil).start()

    assert "\n" not in str(refusal.value)
