"""From a mapping to a watched contract: what is sure enough is proposed as a job, and a person decides.

With the live setting market.accept on, the task that maps contracts accepts what somebody vouches for: see `vouching`.
"""

from django.db import connection, transaction
from django.utils.timezone import now
from psycopg.types.json import Jsonb

from indexer.access.audit import recorded
from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.market import upsert
from indexer.market.mappings import columns
from indexer.market.models import WatchProposal
from indexer.market.score import AGREED, Evidence, read_evidence
from indexer.market.vouching import is_vouched
from indexer.market.watching import SOURCE, watched_on
from indexer.positions.address import checksum, parse_address
from indexer.positions.jobs import find_job
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.watchlist import MAX_LABEL, WatchList, WatchListError, read_watch_list
from indexer.tasks.declaring import Run
from indexer.workers.live import LiveSetting, declare
from indexer.workers.live_values import read_values

PRODUCT = "pool"
ACCEPT = declare(LiveSetting("market.accept", False, "whether proposed jobs that are vouched for need no person"))
WORTHY = f"""
m.kind = 'pool' AND m.namespace = 'eip155' AND NOT m.refuted AND m.confidence >= {AGREED} AND p.vanished_at IS NULL
"""
# Several pools may be of one contract: it is proposed once, and what was decided of it is decided for all of them. A
# pool without a receipt token (Uniswap V3 has positions instead) tells nobody of its users by Transfer.
SURE = f"""
SELECT DISTINCT ON (c.id, m.address) m.id, m.address, c.id, p.project
  FROM contract_mappings m
  JOIN pools p ON p.id = m.pool_id
  JOIN chains_chain c ON c.chain_id = m.chain_id
 WHERE {WORTHY}
   AND NOT EXISTS (SELECT FROM mapping_evidence e
                    WHERE e.mapping_id = m.id AND e.detail @> '{{"receipt": false}}')
 ORDER BY c.id, m.address, m.id
"""
KNOWN = f"""
SELECT w.chain_id, m.address
  FROM watch_proposals w
  JOIN contract_mappings m ON m.id = w.mapping_id
  JOIN pools p ON p.id = m.pool_id
 WHERE w.state <> 'proposed' OR ({WORTHY})
"""
# Of a contract's proposals what is decided goes before what is not, and what can be accepted before what cannot.
THIN = f"""
DELETE FROM watch_proposals WHERE state = 'proposed' AND id IN (
    SELECT id FROM (
        SELECT w.id, row_number() OVER (PARTITION BY w.chain_id, m.address
                                        ORDER BY w.state = 'proposed', NOT ({WORTHY}), w.id) AS place
          FROM watch_proposals w
          JOIN contract_mappings m ON m.id = w.mapping_id
          JOIN pools p ON p.id = m.pool_id) AS ranked
     WHERE place > 1)
"""
ADD = """
INSERT INTO watch_proposals (mapping_id, chain_id, entry, state, decided_by)
SELECT *, 'proposed', '' FROM unnest(%s::bigint[], %s::bigint[], %s::jsonb[]) AS wanted
    ON CONFLICT (mapping_id, chain_id) DO NOTHING
"""


class ProposalError(Exception):
    """A proposal cannot be accepted or dismissed; the text says which and why."""


def propose() -> int:
    """Propose a job for every contract of a mapping of 0.8 and more that its chain does not watch. How many are new.

    A contract has one proposal; where another of its pools is sure of it by now, that one takes the place.
    """
    with transaction.atomic(), connection.cursor() as cur:
        upsert.lock("watch_proposals")
        cur.execute(SURE)
        sure = cur.fetchall()
        cur.execute(KNOWN)
        known = set(cur.fetchall())
        watched = {chain.pk: watched_on(chain) for chain in Chain.objects.filter(pk__in={row[2] for row in sure})}
        wanted = [
            (mapping, chain, Jsonb(entry(project, address)))
            for mapping, address, chain, project in sure
            if address not in watched[chain] and (chain, address) not in known
        ]
        cur.execute(ADD, columns(wanted, 3))
        added = int(cur.rowcount)
        cur.execute(THIN)
    return added


def entry(project: str, address: str) -> dict[str, object]:
    """The watch of a watch list: whoever is sent the pool's receipt tokens has touched it."""
    contract = checksum(parse_address(address, strict=False))
    return {"protocol": project[:MAX_LABEL], "product": PRODUCT, "event": "Transfer", "contracts": [contract]}


def accept(proposal_id: int, actor: str) -> WatchProposal:
    """Make the chain watch what is proposed, and note which job that is. Again: nothing. Raises ProposalError."""
    known = find(proposal_id)
    return known if known.state == "accepted" else watch(known, actor)


def watch(known: WatchProposal, actor: str) -> WatchProposal:
    """As `accept`, but what is decided already is an error."""
    chain = known.chain
    with recorded(actor, "accept proposal", chain=chain.slug, target=target(known)) as recording, transaction.atomic():
        proposal = lock(known.pk)
        refuse_unsure(proposal)
        watch_list = read(proposal)
        # What the chain's connection does is committed by itself; importing the same again changes nothing.
        with connect(chain) as beside:
            imported = import_watch_list(beside, watch_list, source=SOURCE, chain_floor=chain.floor, prune=False)
            definition = watch_list.entries[0].definition
            proposal.job_id = None if definition is None else find_job(beside, definition)
        recording.outcome = imported.summary
        decide(proposal, "accepted", actor)
    return proposal


def dismiss(proposal_id: int, actor: str) -> WatchProposal:
    """The contract is not proposed again, of whatever pool. Again: nothing. Raises ProposalError."""
    known = find(proposal_id)
    if known.state == "dismissed":
        return known
    with recorded(actor, "dismiss proposal", chain=known.chain.slug, target=target(known)), transaction.atomic():
        proposal = lock(proposal_id)
        decide(proposal, "dismissed", actor)
    return proposal


def accept_all(run: Run) -> int:
    """Where market.accept is on: accept what is proposed and still sure, as far as that can be. How many.

    Whatever answers as a pool anybody can deploy: as long as nobody vouches for it, a person decides.
    """
    if not read_values().switch(ACCEPT):
        return 0
    sure = WatchProposal.objects.filter(state="proposed", mapping__confidence__gte=AGREED, mapping__refuted=False)
    sure = sure.filter(mapping__pool__vanished_at=None)
    found = list(sure.order_by("id").select_related("mapping").prefetch_related("mapping__evidence"))
    numbers = [each.pk for each in found if is_vouched(evidence_of(each))]
    if len(numbers) < len(found):
        run.log.info("%d proposals wait for a person: nobody vouches for them", len(found) - len(numbers))
    accepted = 0
    for done, number in enumerate(numbers):
        run.progress(done, len(numbers))
        try:
            watch(find(number), SOURCE)
        except ProposalError as error:
            run.log.warning("%s", error)
        else:
            accepted += 1
    run.progress(len(numbers), len(numbers))
    if accepted < len(numbers):
        run.log.warning("%d of %d proposals could not be accepted", len(numbers) - accepted, len(numbers))
    return accepted


def evidence_of(proposal: WatchProposal) -> list[Evidence]:
    """What is known of its contract as this version knows it; from what is prefetched, where it is."""
    pieces = (read_evidence(each.kind, each.source, each.detail) for each in proposal.mapping.evidence.all())
    return [piece for piece in pieces if piece is not None]


def find(proposal_id: int) -> WatchProposal:
    proposal = WatchProposal.objects.select_related("mapping__pool", "chain").filter(pk=proposal_id).first()
    if proposal is None:
        raise ProposalError(f"there is no proposal {proposal_id}")
    return proposal


def target(proposal: WatchProposal) -> str:
    """What the record of changes calls it."""
    return f"proposal {proposal.pk}: {proposal.mapping.address}"


def lock(proposal_id: int) -> WatchProposal:
    """The proposal as long as nobody has decided it, kept from others until the transaction ends."""
    WatchProposal.objects.select_for_update().filter(pk=proposal_id).first()
    proposal = find(proposal_id)
    if proposal.state != "proposed":
        raise ProposalError(f"proposal {proposal.pk} was {proposal.state} by {proposal.decided_by}; that is final")
    return proposal


def refuse_unsure(proposal: WatchProposal) -> None:
    mapping = proposal.mapping
    if mapping.pool.vanished_at is not None:
        since = f"{mapping.pool.vanished_at:%Y-%m-%d}"
        raise ProposalError(f"proposal {proposal.pk}: its pool has not been listed since {since}: dismiss it, or wait")
    if mapping.refuted or mapping.confidence < AGREED:
        raise ProposalError(
            f"proposal {proposal.pk}: its mapping is at {mapping.confidence:g} by now, below {AGREED:g}: dismiss it"
        )


def read(proposal: WatchProposal) -> WatchList:
    chain = proposal.chain
    try:
        return read_watch_list({"chain": chain.slug, "chain_id": chain.chain_id, "watches": [proposal.entry]})
    except WatchListError as error:
        raise ProposalError(f"proposal {proposal.pk} cannot be watched: {error}") from None


def decide(proposal: WatchProposal, state: str, actor: str) -> None:
    proposal.state, proposal.decided_at, proposal.decided_by = state, now(), actor
    proposal.save(update_fields=["state", "decided_at", "decided_by", "job_id"])
