"""Two web processes count in one folder: whichever answers, it speaks of both, and of no process that has ended."""

import os
import signal
from pathlib import Path

from indexer.chains.models import Chain
from tests.metrics import Samples, scrape, total
from tests.processes import read_page, wait_until, web_address

REQUESTS = "django_http_requests_before_middlewares_total"


def pids(samples: Samples) -> set[str]:
    return {dict(labels)["pid"] for name, labels in samples if name == "process_resident_memory_bytes"}


def test_requests_add_up_and_processes_are_told_apart(chains: list[Chain], tmp_path: Path) -> None:
    folder = tmp_path / "counts"
    folder.mkdir()
    environ = {"PROMETHEUS_MULTIPROC_DIR": str(folder), "WEB_PROCESSES": "2"}
    with web_address(tmp_path / "web.log", environ) as address:

        def both_have_answered() -> bool:
            read_page(f"{address}/health/live")
            return len(pids(scrape(f"{address}/metrics"))) == 2

        wait_until(both_have_answered)
        counted = [
            total(scrape(f"{address}/metrics"), "django_http_requests_before_middlewares_total") for _ in range(20)
        ]
        # Every scrape counts itself; a process that told of itself only would fall back.
        assert counted == list(range(int(counted[0]), int(counted[0]) + 20))

        before = scrape(f"{address}/metrics")
        assert total(before, "process_cpu_seconds_total") > 0
        ended = min(pids(before))
        os.kill(int(ended), signal.SIGKILL)
        wait_until(lambda: ended not in pids(scrape(f"{address}/metrics")))
        # What it counted stays counted.
        assert total(scrape(f"{address}/metrics"), REQUESTS) > counted[-1]
