"""Chains are joined to ours, pools to their chains and protocols, and protocols to the slugs that they had."""

import pytest

from indexer.chains.models import Chain
from indexer.market.chain_names import OTHER_NAMES
from indexer.market.models import MarketChain, Pool, Protocol, ProtocolAlias
from indexer.market.scheduled.sync_chains import sync_chains
from indexer.market.scheduled.sync_pools import sync_pools
from indexer.market.scheduled.sync_protocols import sync_protocols
from indexer.tasks.declaring import LooseRun
from tests.standin.defillama import CHAINS
from tests.standin.server import StandIn

pytestmark = pytest.mark.usefixtures("market")


def test_chains_with_the_id_of_ours_are_ours_also_when_the_answer_is_unchanged(standin: StandIn, chain: Chain) -> None:
    sync_chains(LooseRun())
    assert not MarketChain.objects.exclude(ours=None).exists()
    standin.change("/v2/chains", "set", field="chainId", value=chain.chain_id, keys=["Linea"])
    sync_chains(LooseRun())
    assert MarketChain.objects.get(ours=chain).name == "Linea"
    MarketChain.objects.update(ours=None)
    sync_chains(LooseRun())
    assert MarketChain.objects.get(ours=chain).name == "Linea"


def test_a_chain_without_an_id_has_the_one_that_is_known_of_its_name(standin: StandIn) -> None:
    standin.change("/v2/chains", "unset", field="chainId", keys=["OP Mainnet"])
    sync_chains(LooseRun())
    assert dict(MarketChain.objects.values_list("name", "chain_id"))["OP Mainnet"] == 10
    assert MarketChain.objects.get(name="Solana").chain_id is None


def test_pools_have_their_chains_id_whichever_comes_first(standin: StandIn) -> None:
    standin.change("/v2/chains", "set", field="chainId", value=4242, keys=["Tron"])
    sync_pools(LooseRun())
    assert Pool.objects.filter(chain_name="Tron", chain_id=None).exists()
    sync_chains(LooseRun())
    assert not Pool.objects.filter(chain_name="Tron").exclude(chain_id=4242).exists()


def test_every_chain_that_pools_name_and_that_has_an_id_has_pools_with_it() -> None:
    sync_pools(LooseRun())
    found = set(Pool.objects.exclude(chain_id=None).values_list("chain_name", "chain_id"))
    assert found == {(name, number) for name, number, _ in CHAINS if number is not None}
    assert {name for name, _ in found} <= set(OTHER_NAMES)


def test_a_renamed_protocol_keeps_its_slugs_and_its_pools(standin: StandIn) -> None:
    sync_pools(LooseRun())
    sync_protocols(LooseRun())
    project = Pool.objects.exclude(protocol=None).values_list("project", flat=True)[0]
    protocol = Protocol.objects.get(slug=project)
    pools = protocol.pools.count()
    assert pools
    for slug in ("new-name", project, "new-name"):
        standin.change("/protocols", "set", field="slug", value=slug, keys=[protocol.id])
        sync_protocols(LooseRun())
    aliases = ProtocolAlias.objects.filter(protocol=protocol)
    assert {alias.slug: alias.last_at is None for alias in aliases} == {project: False, "new-name": True}
    # Pools say the old slug still.
    standin.change("/pools", "set", field="symbol", value="OTHER", first=1)
    sync_pools(LooseRun())
    assert protocol.pools.count() == pools


def test_a_slug_belongs_to_the_protocol_that_has_it_now(standin: StandIn) -> None:
    sync_pools(LooseRun())
    sync_protocols(LooseRun())
    project = Pool.objects.exclude(protocol=None).values_list("project", flat=True)[0]
    old = Protocol.objects.get(slug=project)
    new = Protocol.objects.exclude(pk=old.pk)[0]
    standin.change("/protocols", "set", field="slug", value="gone", keys=[old.id])
    standin.change("/protocols", "set", field="slug", value=project, keys=[new.id])
    sync_protocols(LooseRun())
    assert set(Pool.objects.filter(project=project).values_list("protocol", flat=True)) == {new.pk}
