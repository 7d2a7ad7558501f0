"""A sure mapping proposes a job; a person, or a live setting, makes the chain watch it."""

import pytest
from django.core.management import CommandError, call_command

from indexer.access.models import AuditEntry
from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.embedded.chain import World
from indexer.market.models import ContractMapping, Pool, WatchProposal
from indexer.market.proposals import ACCEPT, ProposalError, accept, accept_all, dismiss, propose
from indexer.market.scheduled.map_contracts import map_contracts
from indexer.positions.jobs import read_jobs
from indexer.tasks.declaring import LooseRun
from indexer.workers.live_changes import set_value
from tests.market.mappings.local_pools import Make, keyed
from tests.positions.lookup_rows import add_job

pytestmark = pytest.mark.parametrize("local", ["multicall"], indirect=True)


@pytest.fixture
def pool(local: World, make: Make) -> Pool:
    """The vault's, mapped."""
    pool = make(local.vault, local.tokens["WETH"], project="vaults")
    map_contracts(LooseRun())
    return pool


def test_what_is_accepted_is_watched(local: World, pool: Pool, chains: list[Chain]) -> None:
    proposal = WatchProposal.objects.get()
    accepted = accept(proposal.pk, "ada")
    assert (accepted.state, accepted.decided_by) == ("accepted", "ada")
    assert accepted.job_id is not None
    (job,) = read_jobs(chains[0], [accepted.job_id])
    assert (job.contract, job.event) == (local.vault, "Transfer")
    assert [(label.source, label.protocol, label.product) for label in job.labels] == [("market", "vaults", "pool")]
    assert accept(proposal.pk, "ben").decided_by == "ada"
    entry = AuditEntry.objects.get(action="accept proposal")
    assert (entry.actor, entry.chain) == ("ada", chains[0].slug)
    with pytest.raises(ProposalError, match="was accepted by ada"):
        dismiss(proposal.pk, "ben")


def test_what_is_dismissed_is_not_proposed_again(pool: Pool, chains: list[Chain]) -> None:
    proposal = WatchProposal.objects.get()
    assert dismiss(proposal.pk, "ada").state == "dismissed"
    assert propose() == 0
    with pytest.raises(ProposalError, match="was dismissed by ada"):
        accept(proposal.pk, "ben")
    with pytest.raises(ProposalError, match="no proposal 0"):
        accept(0, "ben")
    with connect(chains[0]) as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


def test_what_is_watched_already_is_not_proposed(pool: Pool) -> None:
    accept(WatchProposal.objects.get().pk, "ada")
    WatchProposal.objects.all().delete()
    assert propose() == 0


def test_what_is_not_sure_any_more_is_not_accepted(pool: Pool) -> None:
    ContractMapping.objects.filter(kind="pool").update(confidence=0.2, refuted=True)
    with pytest.raises(ProposalError, match=r"its mapping is at 0\.2 by now, below 0\.8"):
        accept(WatchProposal.objects.get().pk, "ada")
    assert WatchProposal.objects.get().state == "proposed"


def test_the_live_setting_accepts_by_itself(local: World, make: Make) -> None:
    set_value(ACCEPT.name, True, actor="ada")
    make(local.vault, local.tokens["WETH"], id=keyed(local.vault))
    map_contracts(LooseRun())
    found = WatchProposal.objects.get()
    assert (found.state, found.decided_by) == ("accepted", "market")


def test_one_that_cannot_be_accepted_stops_no_other(local: World, make: Make, caplog: pytest.LogCaptureFixture) -> None:
    make(local.vault, local.tokens["WETH"], id=keyed(local.vault))
    name, pair = next(iter(local.pairs.items()))
    make(pair, *(local.tokens[symbol] for symbol in name.split("/")))
    with connect(Chain.objects.get(chain_id=local.chain_id)) as made:
        add_job(made, bytes.fromhex(local.factory[2:]))  # which vouches for it
    map_contracts(LooseRun())
    broken, _ = WatchProposal.objects.order_by("id")
    WatchProposal.objects.filter(pk=broken.pk).update(entry={"event": "Transfer"})
    set_value(ACCEPT.name, True, actor="ada")
    run = LooseRun()
    assert accept_all(run) == 1
    assert (run.done, run.total) == (2, 2)
    assert list(WatchProposal.objects.order_by("id").values_list("state", flat=True)) == ["proposed", "accepted"]
    assert f"proposal {broken.pk} cannot be watched" in caplog.text
    assert "1 of 2 proposals could not be accepted" in caplog.text


def test_a_mapping_is_explained(local: World, pool: Pool, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("explain_mapping", str(pool.pk))
    by_id = capsys.readouterr().out
    call_command("explain_mapping", local.vault)
    assert capsys.readouterr().out == by_id
    assert f"{local.vault.lower()} as its pool: 1, for the contract itself answers as this pool would (chain)" in by_id
    assert "identity by chain at block" in by_id
    assert f"asset(): {local.tokens['WETH'].lower()}" in by_id
    assert "as its token: 0.2, for it is a token that the pool holds, not the pool" in by_id
    with pytest.raises(CommandError, match="is no pool's id"):
        call_command("explain_mapping", "0x12")
