"""Touched first at a block, never touched up to one, or not known: each only where the chain itself says so."""

from itertools import count

import pytest

from indexer.positions.definition import Definition
from indexer.positions.proof import Missing, NeverTouched, NotKnown, Touched, prove
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs, rescan_jobs
from indexer.positions.protocol.ledger import Provenance
from indexer.positions.protocol.segments import claim_segment
from indexer.positions.watch import Matches
from indexer.rpc import Level
from tests.evm import TRANSFER
from tests.positions.committing import commit_range
from tests.positions.pool_fixtures import fill, pool
from tests.positions.proofs import check_proof, proof_of, ranges_of, touches_of
from tests.positions.world import A, B, C, World, grow

__all__ = ["pool"]

BY_SENDER = {"topic0": TRANSFER, "user_topic": 1}
JOINED = {"abi": "event Joined(address indexed by, address indexed to, uint256 id)", "user": "to", "metadata": "id"}
STRANGER = b"\x77" * 20
NUMBERS = count(1)
USER = b"\x05" + b"\x05" * 19
"""One of those that `grow` makes touch A, B and C again and again."""


@pytest.fixture(autouse=True)
def _endpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_URLS_HILLTOP", world.evm.url)
    fill(world)


@pytest.fixture
def newcomer() -> bytes:
    """An address of the test's own: what a chain has logged stays for the tests after."""
    return b"\xee" * 16 + next(NUMBERS).to_bytes(4)


def run_latest(world: World, goal: Level = Level.PROVED) -> None:
    latest = world.latest(goal=goal)
    while latest.step():
        pass


def test_a_touch_has_its_block_its_transaction_and_its_log(world: World) -> None:
    world.import_list({A: "Transfer"})
    world.settle()
    proof = proof_of(world, USER, A)
    assert isinstance(proof.verdict, Touched)
    assert proof.verdict.exact
    assert proof.verdict.endpoints == ["local-1"]
    assert check_proof(world, proof, USER, A) == "touched"


def test_a_touch_that_its_block_does_not_show_is_not_made_up(world: World, newcomer: bytes) -> None:
    world.import_list({A: "Transfer"})
    world.settle()
    [job] = world.jobs().values()
    final = world.setting("final_block")
    world.connection.execute("INSERT INTO logs VALUES (%s, %s, %s)", [newcomer, job, final])
    verdict = proof_of(world, newcomer, A).verdict
    assert isinstance(verdict, Touched)
    assert (verdict.transaction, verdict.log_index, verdict.level) == (None, None, "proved")
    assert verdict.why == f"block {final:,} as read now has no such log: audit the chain"


def test_a_complete_job_proves_that_an_address_never_touched(world: World) -> None:
    world.import_list({A: "Transfer"})
    world.settle()
    proof = proof_of(world, STRANGER, A)
    assert proof.verdict == NeverTouched(from_=world.floor, up_to=world.evm.head())
    assert proof.as_of is not None
    assert proof.as_of.hash == "0x" + world.evm.hash_at(world.evm.head()).hex()
    assert proof.weakest == "claimed"
    final, head = world.setting("final_block"), world.evm.head()
    assert list(ranges_of(proof)) == [
        (world.floor, final, "claimed", ["local-1"]),
        (final + 1, head, "proved", ["local-1"]),
    ]


def test_before_the_past_is_read_nothing_is_proved(world: World, newcomer: bytes) -> None:
    world.import_list({A: "Transfer"})
    run_latest(world)
    final = world.setting("final_block")
    proof = proof_of(world, newcomer, A)
    assert proof.verdict == NotKnown([Missing(world.floor, final)], 0, 0)
    assert check_proof(world, proof, newcomer, A) == "not_known"
    world.evm.emit(A, newcomer)
    world.evm.mine()
    run_latest(world)
    touched = proof_of(world, newcomer, A).verdict
    assert isinstance(touched, Touched)
    assert (touched.first_block, touched.exact, touched.level) == (world.evm.head(), False, "proved")


def test_a_chain_that_never_ran_knows_nothing(world: World) -> None:
    world.import_list({A: "Transfer"})
    proof = proof_of(world, STRANGER, A)
    assert (proof.as_of, proof.weakest) == (None, None)
    assert proof.verdict == NotKnown([Missing(world.floor, None)], 0, 0)


def test_a_floor_that_the_chain_has_not_reached_proves_nothing(world: World) -> None:
    head = world.evm.head()
    world.import_list({A: "Transfer"}, chain_floor=head + 100)
    world.settle()
    assert proof_of(world, STRANGER, A).verdict == NotKnown([Missing(head + 100, None)], 0, 0)


def test_what_nobody_watches_has_no_proof(world: World) -> None:
    world.import_list({A: "Transfer"})
    world.settle()
    disable_jobs(world.connection, list(world.jobs().values()))
    for contract in (A, C):
        assert prove(STRANGER, world.chain, contract, touches_of(world).find) is None


def test_jobs_with_different_floors_promise_from_the_highest_on(world: World) -> None:
    world.import_list({A: "Transfer"})
    world.import_list({A: BY_SENDER}, chain_floor=world.floor + 10, source="other")
    world.settle()
    proof = proof_of(world, STRANGER, A)
    assert proof.verdict == NeverTouched(from_=world.floor + 10, up_to=world.evm.head())
    assert [job.ranges[0].from_ for job in proof.jobs] == [world.floor, world.floor + 10]
    assert check_proof(world, proof_of(world, USER, A), USER, A) == "touched"


def test_a_disabled_job_of_the_contract_leaves_open_whom_it_would_have_named(world: World) -> None:
    world.import_list({A: "Transfer"})
    world.import_list({A: BY_SENDER}, source="other")
    world.settle()
    disable_jobs(world.connection, [world.jobs()[A, 1]])
    proof = proof_of(world, STRANGER, A)
    assert proof.verdict == NotKnown([], 0, 1)
    assert [job.enabled for job in proof.jobs] == [True, False]
    touched = proof_of(world, USER, A).verdict
    assert isinstance(touched, Touched)
    assert not touched.exact


def test_a_log_that_cannot_be_read_leaves_open_whom_it_names(world: World, pool: bytes) -> None:
    world.evm.emit(pool, b"\x55" * 20)
    world.evm.mine()
    world.evm.send(pool, bytes.fromhex(TRANSFER[2:]) + bytes(32) + b"\xff" * 32)
    world.evm.emit(pool, b"\x56" * 20)
    world.evm.mine()
    world.import_list({pool: "Transfer"})
    world.settle()
    assert proof_of(world, STRANGER, pool).verdict == NotKnown([], 1, 0)
    before, after = (proof_of(world, bytes([user]) * 20, pool).verdict for user in (0x55, 0x56))
    assert isinstance(before, Touched)
    assert isinstance(after, Touched)
    assert (before.exact, after.exact) == (True, False)
    assert after.transaction is not None


def test_a_job_with_metadata_is_proved_like_any_other(world: World, pool: bytes) -> None:
    definition = Definition.from_event(pool, JOINED)
    assert definition is not None
    world.evm.emit(pool, b"\x55" * 20, b"\x66" * 20, "0x" + definition.topic0.hex(), data=(7).to_bytes(32))
    world.evm.mine()
    world.import_list({pool: JOINED})
    world.settle()
    touched, never = proof_of(world, b"\x55" * 20, pool), proof_of(world, b"\x66" * 20, pool)
    assert isinstance(touched.verdict, Touched)
    assert touched.verdict.exact
    assert touched.verdict.transaction is not None
    assert isinstance(never.verdict, NeverTouched)


def test_the_first_log_of_a_block_counts_whichever_job_it_is_for(world: World, pool: bytes) -> None:
    world.evm.emit(pool, b"\x01" * 20, other=b"\x55" * 20)
    world.evm.emit(pool, b"\x55" * 20, other=b"\x02" * 20)
    world.evm.mine()
    world.import_list({pool: "Transfer"})
    world.import_list({pool: BY_SENDER}, source="other")
    world.settle()
    assert check_proof(world, proof_of(world, b"\x55" * 20, pool), b"\x55" * 20, pool) == "touched"


def test_a_reorg_takes_a_touch_and_its_transaction_back(world: World, newcomer: bytes) -> None:
    world.import_list({A: "Transfer"})
    world.settle()
    world.evm.emit(A, newcomer)
    world.evm.mine()
    run_latest(world)
    touches = touches_of(world)
    old = proof_of(world, newcomer, A, touches).verdict
    assert isinstance(old, Touched)
    world.evm.reorg(2)
    gone = proof_of(world, newcomer, A).verdict
    assert isinstance(gone, Touched)
    assert gone.transaction is None
    assert gone.why is not None
    assert "may be reorganised" in gone.why
    grow(world.evm, 1)
    world.evm.emit(A, newcomer)
    world.evm.mine()
    world.settle()
    proof = proof_of(world, newcomer, A, touches)
    assert check_proof(world, proof, newcomer, A) == "touched"
    assert isinstance(proof.verdict, Touched)
    assert proof.verdict.first_block > old.first_block


def test_a_deep_undo_leaves_a_range_whose_digest_nobody_knows(world: World) -> None:
    world.import_list({A: "Transfer"})
    world.settle()
    for _ in range(20):
        grow(world.evm, 1)
        run_latest(world)
    world.evm.reorg(12)
    grow(world.evm, 14)
    run_latest(world)
    proof = proof_of(world, STRANGER, A)
    assert check_proof(world, proof, STRANGER, A) == "never_touched"
    [job] = proof.jobs
    cut = [part for part in job.ranges if part.digest is None]
    assert cut
    assert all(part.log_count is None for part in cut)
    assert job.ranges[-1].digest is not None


def test_what_is_taken_up_at_a_lower_level_is_said_to_be(world: World) -> None:
    world.import_list({A: "Transfer"})
    world.settle()
    grow(world.evm, 4)
    run_latest(world)
    world.import_list({B: "Transfer"}, source="other")
    run_latest(world, Level.CLAIMED)
    above = [part for part in ranges_of(proof_of(world, STRANGER, A)) if part[1] == world.evm.head()]
    assert [level for *_, level, _ in above] == ["claimed"]


def test_what_is_read_again_rests_on_the_new_reading(world: World) -> None:
    world.import_list({A: "Transfer"})
    world.settle()
    grow(world.evm, 10)
    world.settle()
    [job] = world.jobs().values()
    middle = world.evm.head() - 12
    before = list(ranges_of(proof_of(world, STRANGER, A)))
    assert before[-1][2] == "proved"
    rescan_jobs(world.connection, [job], middle)
    gap = proof_of(world, STRANGER, A)
    assert check_proof(world, gap, STRANGER, A) == "not_known"
    world.settle()
    after = proof_of(world, STRANGER, A)
    assert check_proof(world, after, STRANGER, A) == "never_touched"
    at = {block: level for first, last, level, _ in ranges_of(after) for block in range(first, last + 1)}
    assert at[middle] == "claimed"
    assert at[middle - 1] == next(level for first, last, level, _ in before if first <= middle - 1 <= last)


def test_a_job_that_was_away_keeps_what_was_read_for_it(world: World) -> None:
    world.import_list({A: "Transfer", B: "Transfer"})
    world.settle()
    disable_jobs(world.connection, [world.jobs()[A, 2]])
    grow(world.evm, 10)
    run_latest(world)
    enable_jobs(world.connection, [world.jobs()[A, 2]])
    run_latest(world)
    assert check_proof(world, proof_of(world, STRANGER, A), STRANGER, A) == "not_known"
    world.settle()
    assert check_proof(world, proof_of(world, STRANGER, A), STRANGER, A) == "never_touched"


def test_what_a_scan_read_before_the_job_left_it_is_not_taken_for_the_latest_loops(world: World) -> None:
    world.import_list({B: "Transfer"})
    world.settle()
    grow(world.evm, 20)
    run_latest(world)
    world.import_list({A: "Transfer"}, source="other")
    run_latest(world)
    claim = claim_segment(world.connection, "test")
    assert claim is not None
    middle = world.setting("final_block") - 2
    # Half of what the latest loop has proved for B, one endpoint says for A.
    read = Provenance(Level.CLAIMED, ("local-9",))
    assert commit_range(world.connection, "test", claim, middle, Matches([], []), read) is not None
    disable_jobs(world.connection, [world.jobs()[A, 2]])
    enable_jobs(world.connection, [world.jobs()[A, 2]])
    run_latest(world)
    for _ in range(2):
        found = [part for part in ranges_of(proof_of(world, STRANGER, A)) if part[0] <= middle]
        assert {level for *_, level, _ in found} == {"claimed"}
        assert found[-1][1] == middle
        assert "local-9" in found[-1][3]
        # A job that retires takes the readings of its scans along, but for those that others may rest on.
        world.import_list({B: BY_SENDER})
        run_latest(world)


def test_every_answer_is_the_chains_own_truth(world: World) -> None:
    """Brute force: whoever is named in any log, and strangers, with every contract, at the start, half way and at the
    end."""
    world.import_list({A: "Transfer", B: BY_SENDER})
    world.import_list({A: BY_SENDER, C: "Transfer"}, source="other", chain_floor=world.floor + 7)
    users = {STRANGER, bytes([0x78]) * 20}
    for contract in (A, B, C):
        for topic in (1, 2):
            users |= {user for _, user in world.evm.touches(contract, topic, first=world.floor)}
    some = sorted(users)[::3]
    touches = touches_of(world)

    def ask(asked: list[bytes]) -> dict[str, int]:
        kinds: dict[str, int] = {}
        for user in asked:
            for contract in (A, B, C):
                kind = check_proof(world, proof_of(world, user, contract, touches), user, contract)
                kinds[kind] = kinds.get(kind, 0) + 1
        return kinds

    run_latest(world)
    assert ask(some).keys() <= {"touched", "not_known"}
    world.settle()
    kinds = ask(sorted(users))
    assert kinds.keys() == {"touched", "never_touched"}
    assert min(kinds.values()) > 10
