"""`import_watches`: what a file says is watched, a bad file changes nothing, and nobody's word goes over another's."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.listing import JobLine, list_jobs
from indexer.positions.protocol.jobs import disable_jobs

X, Y, Z = ("0x" + digit * 40 for digit in "123")
BY_TOPIC_1 = {"topic0": "0x" + "ab" * 32, "user_topic": 1}


def entry(*contracts: object, event: object = "Transfer", product: str = "pool", **more: object) -> dict[str, object]:
    return {"protocol": "emitter", "product": product, "event": event, "contracts": list(contracts)} | more


Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a watch list of hilltop, or of another chain, and give its path."""

    def write(*watches: object, chain: object = "hilltop", chain_id: object = 31337, name: str = "list") -> str:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"chain": chain, "chain_id": chain_id, "watches": list(watches)}))
        return str(path)

    return write


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("import_watches", *arguments, stdout=out, no_color=True)
    return out.getvalue().strip()


def jobs(connection: Connection) -> dict[str, JobLine]:
    """The jobs by contract; a test has one of each, unless retired."""
    return {line.contract: line for line in list_jobs(connection) if line.state != "retired"}


def everything(connection: Connection) -> list[Any]:
    tables = ("jobs", "job_labels", "settings")
    return [
        connection.execute(f"SELECT to_jsonb(t) - 'updated_at' FROM {table} t ORDER BY 1::text").fetchall()
        for table in tables
    ]


def labels(line: JobLine) -> list[tuple[str, str]]:
    return [(label["source"], label["product"]) for label in line.labels]


def test_a_list_is_imported_and_its_jobs_wait_for_the_latest_loop(write: Write, connection: Connection) -> None:
    said = run(write(entry(X, Y), entry(Z, event=BY_TOPIC_1)))
    assert said == "hilltop: 3 entries, 3 jobs added, 3 labels added"
    assert {contract: line.state for contract, line in jobs(connection).items()} == {X: "new", Y: "new", Z: "new"}
    assert (jobs(connection)[X].user_topic, jobs(connection)[Z].user_topic) == (2, 1)


def test_importing_the_same_again_changes_nothing(write: Write, connection: Connection) -> None:
    path = write(entry(X, Y), entry(Z, event=BY_TOPIC_1), entry(X, event=False, product="quiet"))
    run(path)
    before = everything(connection)
    assert run(path) == "hilltop: 4 entries, 0 jobs added, 0 labels added, 1 without an event"
    assert run(path, "--prune") == "hilltop: 4 entries, 0 jobs added, 0 labels added, 1 without an event"
    assert everything(connection) == before


def test_a_dry_run_says_it_all_and_writes_nothing(write: Write, connection: Connection) -> None:
    run(write(entry(X, Y, Z)))
    before = everything(connection)
    path = write(entry(X), entry(Y, event=BY_TOPIC_1))
    said = "hilltop: 2 entries, 1 jobs added, 1 labels added, 1 replaced, 1 disabled"
    assert run(path, "--prune", "--dry-run") == f"{said} (dry run)"
    assert everything(connection) == before
    assert run(path, "--prune") == said


def test_several_labels_share_one_job(write: Write, connection: Connection) -> None:
    said = run(write(entry(X), entry(X, product="farm"), entry(X.upper().replace("X", "x"), product="vault")))
    assert said == "hilltop: 3 entries, 1 jobs added, 3 labels added"
    assert labels(jobs(connection)[X]) == [("default", "farm"), ("default", "pool"), ("default", "vault")]


def test_false_is_accepted_and_watches_nothing(write: Write, connection: Connection) -> None:
    assert run(write(entry(X, event=False))) == "hilltop: 1 entries, 0 jobs added, 0 labels added, 1 without an event"
    assert jobs(connection) == {}


def test_an_event_that_became_false_retires_its_job(write: Write, connection: Connection) -> None:
    run(write(entry(X)))
    said = run(write(entry(X, event=False)))
    assert said == "hilltop: 1 entries, 0 jobs added, 0 labels added, 1 replaced, 1 without an event"
    assert [line.state for line in list_jobs(connection)] == ["retired"]


def test_a_changed_event_retires_the_old_job_and_adds_a_new_one(write: Write, connection: Connection) -> None:
    run(write(entry(X)))
    old = jobs(connection)[X].job
    assert run(write(entry(X, event=BY_TOPIC_1))) == "hilltop: 1 entries, 1 jobs added, 1 labels added, 1 replaced"
    new = jobs(connection)[X]
    assert (new.job != old, new.state, new.user_topic) == (True, "new", 1)
    assert {line.job: line.state for line in list_jobs(connection)}[old] == "retired"
    # Back again: the retired job stays retired, the event gets a third one.
    run(write(entry(X)))
    assert jobs(connection)[X].job not in (old, new.job)


def test_a_job_that_another_label_still_names_is_not_retired(write: Write, connection: Connection) -> None:
    run(write(entry(X), entry(X, product="farm")))
    assert run(write(entry(X, event=BY_TOPIC_1))) == "hilltop: 1 entries, 1 jobs added, 1 labels added"
    transfer, by_topic_1 = sorted(list_jobs(connection), key=lambda line: line.job)
    assert (transfer.state, labels(transfer)) == ("new", [("default", "farm")])
    assert (by_topic_1.state, labels(by_topic_1)) == ("new", [("default", "pool")])


def test_without_prune_what_is_not_named_stays(write: Write, connection: Connection) -> None:
    run(write(entry(X, Y)))
    run(write(entry(X)))
    assert {line.state for line in jobs(connection).values()} == {"new"}


def test_prune_disables_what_is_named_no_more_and_naming_it_again_revives_it(
    write: Write, connection: Connection
) -> None:
    run(write(entry(X, Y)))
    assert run(write(entry(X)), "--prune") == "hilltop: 1 entries, 0 jobs added, 0 labels added, 1 disabled"
    before = jobs(connection)[Y]
    assert (before.state, before.labels) == ("disabled", [])
    said = run(write(entry(X, Y)), "--prune")
    assert said == "hilltop: 2 entries, 0 jobs added, 1 labels added, 1 enabled again"
    after = jobs(connection)[Y]
    assert (after.job, after.state, labels(after)) == (before.job, "new", [("default", "pool")])


def test_a_job_that_somebody_disabled_is_not_revived_by_its_list(write: Write, connection: Connection) -> None:
    run(write(entry(X)))
    disable_jobs(connection, [jobs(connection)[X].job])
    run(write(entry(X)))
    assert jobs(connection)[X].state == "disabled"


def test_a_source_prunes_and_changes_only_its_own(write: Write, connection: Connection) -> None:
    path = write(entry(X, Y))
    run(path, "--source", "ours")
    run(path, "--source", "theirs")
    run(write(entry(X)), "--source", "ours", "--prune")
    assert labels(jobs(connection)[Y]) == [("theirs", "pool")]
    assert jobs(connection)[Y].state == "new"
    run(write(entry(X, event=BY_TOPIC_1)), "--source", "ours")
    assert sorted((line.user_topic, labels(line)) for line in list_jobs(connection) if line.contract == X) == [
        (1, [("ours", "pool")]),
        (2, [("theirs", "pool")]),
    ]


def test_the_floor_is_the_chains_or_the_entrys_and_only_goes_down(
    chain: Chain, write: Write, connection: Connection
) -> None:
    Chain.objects.filter(pk=chain.pk).update(floor=50)
    run(write(entry(X), entry(Y, {"address": Z, "start_block": 900}, start_block=200)))
    assert {contract: line.floor for contract, line in jobs(connection).items()} == {X: 50, Y: 200, Z: 900}
    run(write(entry(X, Y, Z, start_block=700)))
    assert {contract: line.floor for contract, line in jobs(connection).items()} == {X: 50, Y: 200, Z: 700}
    run(write(entry(X, Y, Z, start_block=3)))
    assert {line.floor for line in jobs(connection).values()} == {50}


def test_of_several_floors_the_lowest_holds(write: Write, connection: Connection) -> None:
    run(
        write(
            entry(X, start_block=900),
            entry(X, product="farm", start_block=300),
            entry(Y, start_block=9),
            entry(Y, product="farm"),
        )
    )
    assert {contract: line.floor for contract, line in jobs(connection).items()} == {X: 300, Y: 0}


def test_a_bad_list_is_refused_whole_naming_entry_and_reason(write: Write, connection: Connection) -> None:
    path = write(
        entry(X),
        entry(Y, event="Deposit"),
        entry("0x12", Z),
        entry(Z, event={"abi": "event Borrow(address user)", "user": "owner"}, product="lend"),
    )
    with pytest.raises(CommandError) as error:
        run(path)
    said = str(error.value).splitlines()
    assert said[0] == f"{path} is refused, nothing was imported:"
    assert said[1].startswith("watches[1] emitter/pool: unknown event; known forms: ")
    assert said[2].startswith("watches[2] emitter/pool contract 0x12: not an address")
    assert said[3] == "watches[3] emitter/lend: abi: Borrow has no argument 'owner'; its arguments: user"
    assert jobs(connection) == {}


def test_one_bad_file_keeps_the_good_ones_out(write: Write, connection: Connection) -> None:
    good, bad = write(entry(X), name="good"), write(entry("nothing"), name="bad")
    for files in ([good, bad], [bad, good]):
        with pytest.raises(CommandError, match=r"bad\.json is refused, nothing was imported"):
            run(*files)
    assert jobs(connection) == {}


def test_several_files_go_to_the_chains_they_name(write: Write, chains: list[Chain], connection: Connection) -> None:
    here, there = write(entry(X), name="here"), write(entry(Y), chain="seaside", chain_id=31338, name="there")
    said = run(there, here, "--prune").splitlines()
    assert [line.split(":")[0] for line in said] == ["seaside", "hilltop"]
    assert list(jobs(connection)) == [X]


def test_pruning_by_two_files_of_one_chain_is_refused(write: Write, connection: Connection) -> None:
    paths = [write(entry(X), name="one"), write(entry(Y), name="two")]
    with pytest.raises(CommandError, match="--prune with several files for hilltop: each would disable the other's"):
        run(*paths, "--prune")
    assert jobs(connection) == {}
    run(*paths)
    assert set(jobs(connection)) == {X, Y}


def test_an_unknown_chain_and_a_wrong_chain_id_are_refused(write: Write, connection: Connection) -> None:
    with pytest.raises(CommandError, match="there is no chain 'attic'; chains: hilltop, seaside"):
        run(write(entry(X), chain="attic"))
    with pytest.raises(CommandError, match="chain_id is 1, but this is chain 31337: import the list of that chain"):
        run(write(entry(X), chain_id=1))
    with pytest.raises(CommandError, match="is refused, nothing was imported"):
        run(write(entry(X), chain="seaside", chain_id=31337))
    assert jobs(connection) == {}


def test_an_unknown_chain_is_told_with_the_file_that_names_it(write: Write, chain: Chain) -> None:
    with pytest.raises(CommandError, match=r"bad\.json"):
        run(write(entry(X), name="good"), write(entry(X), chain="attic", name="bad"))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "the watch list is not an object"),
        (b"null", "the watch list is not an object"),
        (b'{"chain": "hilltop"}', "chain_id is missing"),
    ],
)
def test_what_is_no_watch_list_is_refused_by_name(content: bytes, problem: str, tmp_path: Path, chain: Chain) -> None:
    (tmp_path / "list.json").write_bytes(content)
    with pytest.raises(CommandError, match=rf"list\.json(.|\n)*{problem}"):
        run(str(tmp_path / "list.json"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path, chain: Chain) -> None:
    with pytest.raises(CommandError, match=r"list\.json: cannot be read: No such file"):
        run(str(tmp_path / "list.json"))
