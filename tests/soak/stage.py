"""What the soak runs: two live local chains, and below run_workers their workers, sample workers and the web server."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from indexer.embedded.demo.stage import WEB, Stage
from indexer.embedded.demo.steps import Signals
from indexer.workers.supervisor import Supervisor

SAMPLES = "tests.workers.samples"


class SupervisedStage(Stage):
    """The demo's chains, whose workers and web server supervisord runs."""

    def __init__(self, folder: Path, signals: Signals, environment: Mapping[str, str]) -> None:
        super().__init__(folder, signals, {})
        self.run_dir = folder / "run"
        self.supervisor = Supervisor(self.run_dir / "supervisor.sock")
        self.given = dict(environment)

    def start_children(self, port: int) -> None:
        urls = {f"RPC_URLS_{slug.upper()}": anvil.url for slug, anvil in self.anvils.items()}
        self.base_url = f"http://127.0.0.1:{port}"
        web = {
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "WEB_BIND": f"127.0.0.1:{port}",
            "WEB_PROCESSES": "1",
            "WEB_THREADS": "8",
        }
        command = [sys.executable, "manage.py", "run_workers", "--web", "--run-dir", str(self.run_dir)]
        self.children.start(WEB, command, {**self.given, **urls, **web, "EXTRA_APPS": SAMPLES})
        self.wait_for_web()

    def pid_of(self, name: str) -> int:
        """0: it does not run now."""
        return self.supervisor.processes()[name].pid

    def signal(self, name: str, number: signal.Signals) -> int:
        """Send a signal to a program's process; which it was. Raises ProcessLookupError where there is none."""
        pid = self.pid_of(name)
        if not pid:
            raise ProcessLookupError(f"{name} does not run")
        os.kill(pid, number)
        return pid

    def manage(self, *arguments: str) -> str:
        """What a command prints; it may leave with 1."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env={**os.environ, **self.given, "EXTRA_APPS": SAMPLES},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr
