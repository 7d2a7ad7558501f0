"""Twenty minutes of a deployment to whose workers everything happens.

    python -m tests.soak.run [--minutes 20] [--seed 1]

A PostgreSQL of its own, two live chains, and below supervisord their workers, seven sample workers, the overseer and
the web server. Whatever happens, every worker must be seen in the state that it is in, in time, and nobody else in one
that they are not in; all must be well again by itself; no program may be started in a tight loop; and in the end every
answer must be what the chains themselves say. The exit code is 0 only then.
"""

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

DATABASE = "footprint"


def main() -> int:
    parser = argparse.ArgumentParser(description="A soak test of the worker runtime.")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=0, help="of the web server, to look at the page Workers meanwhile")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="footprint-soak-")))
        folder.chmod(0o711)
        (folder / "logs").mkdir()
        from indexer.embedded.postgres import EmbeddedPostgres

        server = EmbeddedPostgres(folder / "postgres")
        server.hold()
        stack.callback(server.release)
        server.create_database(DATABASE)
        os.environ["DATABASE_URL"] = server.dsn(DATABASE)
        os.environ["EXTRA_APPS"] = "tests.workers.samples"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        from tests.soak.soak import soak

        return soak(folder, server, options, stack)


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"{time.monotonic() - began:.0f} s, exit code {code}", flush=True)
    sys.exit(code)
