"""Proofs asked of a world, and what the chain itself says of them."""

from collections.abc import Iterator
from typing import Any

from indexer.chains.models import Chain
from indexer.positions.first_touch import FirstTouches
from indexer.positions.proof import NeverTouched, NotKnown, Proof, Touched, prove
from tests.evm import TRANSFER
from tests.positions.world import CLAIMS, World


def touches_of(world: World) -> FirstTouches:
    """Asks the world's own endpoint; RPC_URLS_HILLTOP must be set all the same."""
    return FirstTouches(open=lambda chain: world.pool)


def proof_of(world: World, address: bytes, contract: bytes, touches: FirstTouches | None = None) -> Proof:
    proof = prove(address, Chain.objects.get(pk=world.chain.pk), contract, (touches or touches_of(world)).find)
    assert proof is not None
    return proof


def logs_of(world: World, contract: bytes, address: bytes, topics: set[int]) -> list[tuple[int, str, int]]:
    """(block, transaction, log index) of every log that names the address in one of the topics, by its receipts."""
    found = []
    for number, logs in enumerate(world.evm.logs(world.floor), world.floor):
        for log in sorted(logs, key=lambda log: int(log["logIndex"], 16)):
            named = {bytes.fromhex(log["topics"][topic][26:]) for topic in topics}
            if log["address"] == "0x" + contract.hex() and log["topics"][0] == TRANSFER and address in named:
                found.append((number, log["transactionHash"], int(log["logIndex"], 16)))
    return found


def check_proof(world: World, proof: Proof, address: bytes, contract: bytes) -> str:
    """What a proof says is so on the chain, whatever the moment; gives the kind of its verdict."""
    jobs = [
        (topic, enabled, floor, {block for part in claimed for block in range(part.lower, part.upper)})
        for _, of, topic, enabled, floor, claimed in world.connection.execute(CLAIMS).fetchall()
        if of == contract
    ]
    watched = [job for job in jobs if job[1]]
    logs = logs_of(world, contract, address, {topic for topic, *_ in watched})
    cursor = world.setting("latest_block_processed")
    match proof.verdict:
        case Touched() as said:
            first = next(log for log in logs if log[0] == said.first_block)
            assert (said.why, said.transaction, said.log_index) == (None, first[1], first[2])
            assert said.level == "proved"
            read = all(set(range(floor, said.first_block)) <= claimed for _, _, floor, claimed in watched)
            assert said.exact == (read and watched == jobs)
            if said.exact:
                assert said.first_block == logs[0][0]
        case NeverTouched(from_=first_block, up_to=up_to):
            assert up_to == cursor
            assert not [log for log in logs if first_block <= log[0] <= up_to]
        case NotKnown() as unknown:
            missing = set[int]()
            for _, _, floor, claimed in watched:
                missing |= set(range(floor, cursor + 1)) - claimed
            assert {block for part in unknown.missing for block in range(part.from_, (part.to or 0) + 1)} == missing
            assert unknown.disabled == len(jobs) - len(watched)
            assert missing or unknown.disabled
    for job, (*_, floor, claimed) in zip(proof.jobs, jobs, strict=True):
        assert {block for part in job.ranges for block in range(part.from_, part.to + 1)} == {
            block for block in claimed if block >= floor
        }
    return str(type(proof.verdict).__struct_config__.tag)


def ranges_of(proof: Proof) -> Iterator[tuple[Any, ...]]:
    for job in proof.jobs:
        for part in job.ranges:
            yield part.from_, part.to, part.level, part.endpoints
