"""Watching the demo: a live table on a screen, a line every few seconds elsewhere."""

import time
from contextlib import ExitStack

from rich.console import Console
from rich.live import Live

from indexer.chains.connections import Connection, connect

from .life import Life
from .market import Market
from .progress import Line, Rate, make_screen, name_links, read_progress, write_line
from .stage import Stage
from .steps import DemoError, Signals, is_a_screen, say

BLOCK_SECONDS = 1.0
LINE_SECONDS = 5.0
REFRESH_SECONDS = 0.5
SHOWN_WALLETS = 3


def watch(stage: Stage, signals: Signals, minutes: float | None) -> None:
    """Let the chains live and show how their workers follow, until told to stop or `minutes` are over.

    Raises DemoError if something ends by itself.
    """
    until = time.monotonic() + minutes * 60 if minutes is not None else float("inf")
    life = Life({chain.slug: chain.traffic for chain in stage.chains}, BLOCK_SECONDS)
    wallets = stage.chains[0].world.wallets[:SHOWN_WALLETS]
    links = name_links(stage.base_url, wallets, stage.children.logs)
    with ExitStack() as stack:
        connections = {chain.slug: stack.enter_context(connect(chain.tenant)) for chain in stage.chains}
        rates = {chain.slug: Rate() for chain in stage.chains}
        stack.callback(life.stop)
        life.start()
        say("")
        screen = stack.enter_context(Live(console=Console(), auto_refresh=False)) if is_a_screen() else None
        if screen is None:
            for link in links:
                say(link)
        said = float("-inf")
        market = Market(stage.market_size)
        while not signals.stop.is_set() and time.monotonic() < until:
            check_all(stage, life)
            market.step()
            lines = read_lines(stage, connections, rates)
            if screen is not None:
                screen.update(make_screen(lines, links), refresh=True)
            elif time.monotonic() - said >= LINE_SECONDS:
                said = time.monotonic()
                say(write_line(lines))
            signals.stop.wait(REFRESH_SECONDS)


def check_all(stage: Stage, life: Life) -> None:
    """Raise DemoError if a process or the traffic has ended by itself."""
    stage.check_health()
    if life.failure:
        raise DemoError(life.failure)


def read_lines(stage: Stage, connections: dict[str, Connection], rates: dict[str, Rate]) -> list[Line]:
    lines = []
    for chain in stage.chains:
        progress = read_progress(connections[chain.slug], chain.node.head())
        started = progress.indexed_to is not None
        rate = rates[chain.slug].add(time.monotonic(), progress.read) if started else 0.0
        lines.append(Line(chain.slug, progress, rate))
    return lines
