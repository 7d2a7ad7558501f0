"""The check: after fast traffic, reorgs and a killed worker, is every answer what the chain itself says?"""

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address
from rich.console import Console
from rich.table import Table

from indexer.chains.connections import connect
from indexer.embedded.chain.traffic import DEEPEST_REORG
from indexer.embedded.chain.truth import NOBODY, balances, positions

from .answers import Web
from .compare import Difference, compare, compare_balances, count_values
from .life import Life
from .market import Market, judge_mappings
from .progress import Rate, write_line
from .stage import LocalChain, Stage
from .steps import DemoError, Signals, say
from .watch import check_all, read_lines

BLOCK_SECONDS = 0.22
LINE_SECONDS = 10.0
TURN_SECONDS = 0.25
ANSWER_SECONDS = 90.0
MARKET_SECONDS = 300.0
STRANGERS = 20
# Balances are read at every BALANCE_STEP-th of the last blocks, as far as the node keeps their state.
BALANCE_BLOCKS = 120
BALANCE_STEP = 20
SHOWN_DIFFERENCES = 20
TABLE_WIDTH = 120


@dataclass
class Verdict:
    """What was compared on one chain, and what differed. `reorgs`: those that its worker had to follow."""

    slug: str
    blocks: int
    reorgs: int
    deepest: int
    addresses: int
    pools: int
    values: int
    balances: int
    differences: list[Difference]


def check(stage: Stage, signals: Signals, minutes: float, seed: int) -> bool:
    """Run the check, say what came of it, and tell whether all was equal. Raises DemoError, Stopped."""
    reorgs_before = {chain.slug: chain.traffic.counters.reorgs for chain in stage.chains}
    market = Market(stage.market_size)
    live(stage, signals, minutes, market, killed=stage.chains[seed % len(stage.chains)].slug)
    web = Web(stage.base_url)
    seconds = wait_for_answers(stage, signals, web)
    say(f"Traffic has stopped; {seconds:.1f} s later the answers are complete up to the newest block of each chain.")
    for chain in stage.chains:
        chain.traffic.reorg(DEEPEST_REORG)
    seconds = wait_for_answers(stage, signals, web)
    say(f"A last reorg of {DEEPEST_REORG} blocks on each chain; {seconds:.1f} s later they are again.")
    verdicts = judge(stage, web, seed, reorgs_before)
    Console(width=TABLE_WIDTH).print(make_table(verdicts))
    for verdict in verdicts:
        for difference in verdict.differences[:SHOWN_DIFFERENCES]:
            say(f"{verdict.slug}: {difference}")
    wait_for_market(stage, signals, market)
    mapped = judge_mappings({chain.slug: (chain.tenant, chain.world) for chain in stage.chains})
    for words in mapped.wrong:
        say(words)
    say(
        f"The market's {len(market.runs)} tasks have succeeded; {mapped.verified} contracts of the chains are verified."
    )
    say(summarize(verdicts, len(mapped.wrong)))
    return not mapped.wrong and not any(verdict.differences for verdict in verdicts)


def live(stage: Stage, signals: Signals, minutes: float, market: Market, killed: str) -> None:
    """Fast traffic for so many minutes; in the middle one worker is killed and started again."""
    began = time.monotonic()
    until, middle = began + minutes * 60, began + minutes * 30
    life = Life({chain.slug: chain.traffic for chain in stage.chains}, BLOCK_SECONDS)
    with ExitStack() as stack:
        connections = {chain.slug: stack.enter_context(connect(chain.tenant)) for chain in stage.chains}
        rates = {chain.slug: Rate() for chain in stage.chains}
        stack.callback(life.stop)
        life.start()
        said, alive = began, True
        while time.monotonic() < until:
            signals.check()
            check_all(stage, life)
            market.step()
            if alive and time.monotonic() >= middle:
                stage.kill_worker(killed)
                alive = False
                say(f"The worker of {killed} was killed (SIGKILL) and started again.")
            lines = read_lines(stage, connections, rates)
            if time.monotonic() - said >= LINE_SECONDS:
                said = time.monotonic()
                say(write_line(lines))
            signals.stop.wait(TURN_SECONDS)


def wait_for_market(stage: Stage, signals: Signals, market: Market) -> None:
    """Return when every task of the market has succeeded. Raises DemoError."""
    deadline = time.monotonic() + MARKET_SECONDS
    while not market.is_over:
        signals.check()
        stage.check_health()
        market.step()
        if time.monotonic() > deadline:
            raise DemoError(f"after {MARKET_SECONDS:.0f} s {market.runs[-1].task} is not over yet")
        time.sleep(TURN_SECONDS)


def wait_for_answers(stage: Stage, signals: Signals, web: Web) -> float:
    """Return, with the seconds it took, when every chain's answer is complete as of the node's newest block."""
    began = time.monotonic()
    while True:
        signals.check()
        stage.check_health()
        answers = web.look_up(stage.chains[0].world.admin)
        missing = [text for chain in stage.chains if (text := find_missing(chain, answers.get(chain.slug)))]
        if not missing:
            return time.monotonic() - began
        if time.monotonic() > began + ANSWER_SECONDS:
            raise DemoError(f"after {ANSWER_SECONDS:.0f} s the answers are not complete: {'; '.join(missing)}")
        time.sleep(TURN_SECONDS)


def find_missing(chain: LocalChain, answer: dict[str, Any] | None) -> str:
    """What the answer of a chain still lacks; empty if it is complete as of the node's newest block."""
    newest = chain.node.call("eth_getBlockByNumber", "latest", False)
    if answer is None or answer["as_of"] is None:
        return f"{chain.slug} has no answer yet"
    if answer["as_of"]["hash"] != newest["hash"]:
        return f"{chain.slug} answers as of block {answer['as_of']['block']}, its head is {int(newest['number'], 16)}"
    if not answer["complete"]:
        return f"{chain.slug} has {answer['check_also']['count']} contracts that are not completely read"
    return ""


def judge(stage: Stage, web: Web, seed: int, reorgs_before: Mapping[str, int]) -> list[Verdict]:
    """Compare the answers for all addresses that any chain's truth names, and for some that none names."""
    heads = {chain.slug: chain.node.head() for chain in stage.chains}
    truths = {
        chain.slug: positions(chain.anvil.url, chain.world.watch_list(chain.slug), heads[chain.slug])
        for chain in stage.chains
    }
    wallets = {wallet for chain in stage.chains for wallet in chain.world.wallets}
    named = {address for truth in truths.values() for address in truth}
    addresses = sorted(named | wallets | set(find_strangers(stage.chains[0], seed)))
    answers = dict(zip(addresses, web.look_up_all(addresses), strict=True))
    verdicts = []
    for chain in stage.chains:
        head, truth = heads[chain.slug], truths[chain.slug]
        answered = {address: answer[chain.slug] for address, answer in answers.items()}
        held = balances(chain.anvil.url, chain.world, range(head, max(0, head - BALANCE_BLOCKS), -BALANCE_STEP))
        verdicts.append(
            Verdict(
                slug=chain.slug,
                blocks=head,
                reorgs=chain.traffic.counters.reorgs - reorgs_before[chain.slug],
                deepest=chain.traffic.counters.deepest,
                addresses=len(answered),
                pools=sum(map(len, truth.values())),
                values=count_values(truth),
                balances=len(held),
                differences=[*compare(truth, answered), *compare_balances(held, answered)],
            )
        )
    return verdicts


def find_strangers(chain: LocalChain, seed: int) -> list[str]:
    """Addresses that have no pools, or only by what contracts do: the zero address, contracts, and nobody's."""
    rng = random.Random(f"strangers of {seed}")
    nobody = [to_checksum_address(rng.randbytes(20)) for _ in range(STRANGERS)]
    world = chain.world
    contracts = [world.factory, world.router, world.vault, world.market, world.deposits, world.positions]
    return [to_checksum_address(NOBODY), *contracts, *world.pairs.values(), *world.tokens.values(), *nobody]


def make_table(verdicts: Sequence[Verdict]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("chain")
    for heading in ("blocks", "reorgs (deepest)", "addresses", "pools", "metadata values", "balances", "differences"):
        table.add_column(heading, justify="right")
    for verdict in verdicts:
        counts = (verdict.addresses, verdict.pools, verdict.values, verdict.balances, len(verdict.differences))
        reorgs = f"{verdict.reorgs:,} ({verdict.deepest})"
        table.add_row(verdict.slug, f"{verdict.blocks:,}", reorgs, *(f"{count:,}" for count in counts))
    return table


def summarize(verdicts: Sequence[Verdict], wrong: int = 0) -> str:
    """The last line: whether all was equal, and no contract was mapped wrongly."""
    chains = f"{len(verdicts)} chains, {sum(verdict.blocks for verdict in verdicts):,} blocks"
    differences = sum(len(verdict.differences) for verdict in verdicts) + wrong
    if differences:
        return f"demo --check: FAILED, {chains}, {differences:,} differences"
    pools = sum(verdict.pools for verdict in verdicts)
    return f"demo --check: passed, {chains}, {pools:,} pools of addresses, all equal"
