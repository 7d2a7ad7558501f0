"""`python -m tests.standin`: serve until told to stop. The first line printed is the base URL of all APIs."""

import argparse
import json
import signal
import sys
from datetime import date
from pathlib import Path
from types import FrameType

from tests.standin.defillama import SIZES, DefiLlama
from tests.standin.server import StandIn, StandInServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--size", choices=list(SIZES), default="small")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--today", type=date.fromisoformat, help="the last day of the charts; today")
    parser.add_argument("--contracts", type=Path, help="JSON: a list of deployed contracts that are to be pools")
    given = parser.parse_args()
    contracts = tuple(json.loads(given.contracts.read_text())) if given.contracts else ()
    server = StandInServer(StandIn(DefiLlama(given.size, given.seed, contracts, given.today)), given.port)
    signal.signal(signal.SIGTERM, leave)
    print(server.url, flush=True)
    try:
        server.serve()
    except KeyboardInterrupt:
        sys.exit(0)


def leave(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
