"""What pools' ids prove of the contracts that we watch is sought once for all pools of a chain and project."""

from time import perf_counter
from uuid import NAMESPACE_URL, uuid5

from django.db import connection
from django.test.utils import CaptureQueriesContext

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.market.contracts import Chains, find_contracts, read_pools
from indexer.market.keys import find_keys
from indexer.market.tokens import Tokens
from indexer.tasks.declaring import LooseRun
from tests.market.mappings.local_pools import Make
from tests.positions.lookup_rows import add_job, contract

WATCHED = ["0x" + contract(number).hex() for number in range(2000)]


def test_each_contract_is_hashed_once_for_all_pools() -> None:
    pools = [uuid5(NAMESPACE_URL, f"{address}-ethereum") for address in WATCHED[:500]]
    started = perf_counter()
    found = find_keys(pools, "Ethereum", "some-dex", WATCHED)
    # One after the other they would take minutes.
    assert perf_counter() - started < 10
    assert found == {pool: {address: f"{address}-ethereum"} for pool, address in zip(pools, WATCHED[:500], strict=True)}


def test_a_batch_asks_once_for_each_project_and_says_how_far_it_is(make: Make, chains: list[Chain]) -> None:
    watched = ["0x" + contract(number).hex() for number in range(1, 6)]
    with connect(chains[0]) as made:
        for number in range(1, 6):
            add_job(made, contract(number))
    for address in watched:
        make("", id=uuid5(NAMESPACE_URL, f"{address}-local"), url=None)
    pools = read_pools(None, 100, "", None)
    run = LooseRun()
    with CaptureQueriesContext(connection) as captured, Tokens(run) as tokens:
        found, _ = find_contracts(run, pools, None, Chains(run), tokens, 10, 15)
    assert sorted(place.address for places in found.values() for place in places) == watched
    assert len([each for each in captured.captured_queries if '"pools"' in each["sql"]]) == 1
    assert (run.done, run.total) == (14, 15)
