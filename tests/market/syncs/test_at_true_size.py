"""What the syncs take at true size: 8,248 protocols, 50,000 pools; in processes that tell their memory."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from django.conf import settings
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from indexer.chains.models import Chain
from tests.market.syncs.tables import contents, drop_all_months, empty_market, one
from tests.standin.defillama import DefiLlama
from tests.standin.server import StandIn, StandInServer

PROJECT = Path(__file__).resolve().parents[3]
SYNC = """
import json, resource, sys, time
import django
from django.conf import settings
settings.DATABASES["default"].update(json.loads(sys.argv[2]))
django.setup()
from importlib import import_module
from indexer.tasks.declaring import LooseRun
task = getattr(import_module(f"indexer.market.scheduled.{sys.argv[1]}"), sys.argv[1])
began = time.monotonic()
counts = task(LooseRun())
took = time.monotonic() - began
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps({"counts": counts, "seconds": took, "megabytes": peak / 1024}))
"""
MOST_MEGABYTES = 300
KILLS = 6
pytestmark = pytest.mark.slow


class Said(msgspec.Struct):
    counts: tuple[int, int, int, int, int]
    seconds: float
    megabytes: float


@pytest.fixture(scope="module")
def standin() -> StandIn:
    return StandIn(DefiLlama("true"))


@pytest.fixture
def url(standin: StandIn, chains: list[Chain], django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    with django_db_blocker.unblock(), StandInServer(standin) as server:
        empty_market()
        drop_all_months()
        yield server.url
        empty_market()
        drop_all_months()


def begin(name: str, url: str) -> subprocess.Popen[bytes]:
    held = settings.DATABASES["default"]
    place = {key: connection.settings_dict[key] for key in ("NAME", "HOST", "PORT", "USER", "PASSWORD") if key in held}
    return subprocess.Popen(
        [sys.executable, "-c", SYNC, name, msgspec.json.encode(place).decode()],
        cwd=PROJECT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEFILLAMA_URL": url,
            "DEFILLAMA_YIELDS_URL": url,
            "PYTHONPATH": str(PROJECT),
        },
        stdout=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes]) -> Said:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return msgspec.json.decode(out.splitlines()[-1], type=Said)


def test_all_is_taken_in_within_its_time_and_memory(url: str, standin: StandIn) -> None:
    sizes = {"sync_chains": (120, 20), "sync_protocols": (8248, 20), "sync_pools": (50_000, 60)}
    for name, (rows, seconds) in sizes.items():
        first, second = finish(begin(name, url)), finish(begin(name, url))
        print(f"{name}: {first.seconds:.1f} s, {first.megabytes:.0f} MB; unchanged {second.seconds:.2f} s")
        assert first.counts == (rows, 0, 0, 0, 0)
        assert second.counts == (0, 0, rows, 0, 0)
        assert first.seconds < seconds
        assert first.megabytes < MOST_MEGABYTES
    # All of another answer is held against all that is stored.
    standin.change("/pools", "set", field="symbol", value="OTHER", first=1)
    other = finish(begin("sync_pools", url))
    print(f"sync_pools: one of them changed {other.seconds:.1f} s, {other.megabytes:.0f} MB")
    assert other.counts == (0, 1, 49_999, 0, 0)
    assert other.seconds < sizes["sync_pools"][1]
    assert other.megabytes < MOST_MEGABYTES
    snapshots = finish(begin("create_snapshots", url))
    print(f"create_snapshots: {snapshots.seconds:.1f} s, {snapshots.megabytes:.0f} MB")
    assert snapshots.counts == (58_248, 0, 0, 0, 0)


def test_killed_at_any_moment_and_begun_again_all_is_as_if_nobody_had(url: str) -> None:
    took = max(finish(begin(name, url)).seconds for name in ("sync_protocols", "sync_pools"))
    undisturbed = contents()
    empty_market()
    for name in ("sync_protocols", "sync_pools"):
        for kill in range(KILLS):
            process = begin(name, url)
            time.sleep(0.5 + took * kill / KILLS)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        finish(begin(name, url))
    assert contents() == undisturbed
    assert one("SELECT count(*) FROM pools") == 50_000
