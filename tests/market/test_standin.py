"""The stand-in as its own process, as the demo starts it, and told by HTTP how to fail."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from indexer.market.metadata import NETWORKS
from indexer.market.reading import read
from indexer.market.shapes import CHAINS, OLD_POOLS, POOLS
from tests.processes import PROJECT
from tests.standin.defillama import DefiLlama

VAULT = {
    "chain": "Hilltop",
    "chain_id": 31337,
    "address": "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    "symbol": "USDC",
    "underlying": ["0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"],
    "project": "protocol-3",
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    contracts = tmp_path_factory.mktemp("standin") / "contracts.json"
    contracts.write_text(json.dumps([VAULT]))
    command = [sys.executable, "-m", "tests.standin", "--today", "2026-09-30", "--contracts", str(contracts)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.terminate()
        assert process.wait(10) == 0


def get(url: str) -> bytes:
    with urlopen(url, timeout=10) as answer:
        body: bytes = answer.read()
        return body


def control(url: str, **order: Any) -> Any:
    return json.loads(get_with(Request(f"{url}/_control", json.dumps(order).encode(), method="POST")))


def get_with(request: Request) -> bytes:
    with urlopen(request, timeout=10) as answer:
        body: bytes = answer.read()
        return body


def test_a_deployed_contract_is_a_pool_of_its_chain(url: str) -> None:
    pool = read(get(f"{url}/pools"), POOLS).rows[0]
    assert (pool.chain, pool.project, pool.underlying_tokens) == ("Hilltop", "protocol-3", VAULT["underlying"])
    assert [row.chain_id for row in read(get(f"{url}/v2/chains"), CHAINS).rows if row.name == "Hilltop"] == [31337]
    old = read(get(f"{url}/key/yields/poolsOld"), OLD_POOLS).rows[0]
    assert (old.id, old.token_address) == (pool.id, VAULT["address"])
    assert old.pool_old == "0x5fbdb2315678afecb367f032d93f642f64180aa3-hilltop"


def test_a_chart_has_a_day_each_up_to_today(url: str) -> None:
    pool = read(get(f"{url}/pools"), POOLS).rows[1]
    days = json.loads(get(f"{url}/chart/{pool.id}"))["data"]
    assert (len(days), days[0]["timestamp"][:10], days[-1]["timestamp"][:10]) == (365, "2025-10-01", "2026-09-30")
    control(url, change=f"/chart/{pool.id}", do="remove", first=5)
    assert json.loads(get(f"{url}/chart/{pool.id}"))["data"] == days[5:]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/chart/7", 400),
        ("/yields/poolsOld", 402),
        # Free once, by now only with a paid key.
        ("/lsdRates", 402),
        ("/forks", 402),
        ("/emissions/lido", 402),
        ("/nowhere", 404),
        ("/mars-mainnet/v2/key", 404),
    ],
)
def test_a_path_that_is_none_is_refused_as_the_source_does(url: str, path: str, status: int) -> None:
    with pytest.raises(HTTPError) as refusal:
        get(url + path)
    assert refusal.value.code == status


def test_it_fails_as_it_is_told_and_counts_who_asked(url: str) -> None:
    control(url, fail="/config/yields", status=503, times=2)
    for _ in range(2):
        with pytest.raises(HTTPError, match="503"):
            get(f"{url}/config/yields")
    get(f"{url}/config/yields")
    assert json.loads(get(f"{url}/_stats"))["asked"]["/config/yields"] == 3
    control(url, fail="/config/yields", status=503, times=None)
    control(url, forgive=True)
    assert get(f"{url}/config/yields")


def test_it_changes_rows_as_it_is_told(url: str) -> None:
    rows = json.loads(get(f"{url}/protocols"))
    assert control(url, change="/protocols", do="set", field="slug", value="renamed", keys=["7"]) == {"changed": 1}
    assert control(url, change="/protocols", do="remove", keys=["8", "9"]) == {"changed": 2}
    assert control(url, change="/protocols", do="multiply", field="tvl", value=6, keys=["1"]) == {"changed": 1}
    assert control(url, change="/protocols", do="unset", field="mcap", first=2) == {"changed": 2}
    assert control(url, change="/protocols", do="write", value='{"id": NaN}', keys=["5"]) == {"changed": 1}
    changed = json.loads(get(f"{url}/protocols"))
    assert len(changed) == len(rows) - 2
    assert (changed[6]["slug"], changed[0]["tvl"]) == ("renamed", 6 * rows[0]["tvl"])
    assert "mcap" not in changed[1]


@pytest.mark.parametrize("network", NETWORKS.values())
def test_every_network_that_alchemy_is_asked_about_is_one(url: str, network: str) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "alchemy_getTokenMetadata", "params": [VAULT["address"]]}
    answer = get_with(Request(f"{url}/{network}/v2/key", json.dumps(call).encode(), method="POST"))
    assert json.loads(answer)["result"]["symbol"] is None


@pytest.mark.parametrize(
    "order", [{"change": "/nowhere", "do": "set"}, {"change": "/pools", "do": "eat"}, {"x": 1}, 5, ["forgive"], None]
)
def test_an_order_that_it_does_not_understand_is_a_400(url: str, order: Any) -> None:
    with pytest.raises(HTTPError, match="400"):
        get_with(Request(f"{url}/_control", json.dumps(order).encode(), method="POST"))


def test_the_same_seed_says_the_same() -> None:
    first, again, other = DefiLlama(seed=5), DefiLlama(seed=5), DefiLlama(seed=6)
    for path in ("/pools", "/protocols", "/v2/chains"):
        bodies = [llama.tables[path].body().plain for llama in (first, again, other)]
        assert bodies[0] == bodies[1] != bodies[2]


def test_the_true_size_is_that_of_the_source() -> None:
    llama = DefiLlama("true")
    assert (len(llama.tables["/protocols"].rows), len(llama.tables["/pools"].rows)) == (8248, 50_000)
    assert 8_000_000 < len(llama.tables["/protocols"].body().plain) < 10_000_000
