"""Who asks again for what has not changed is told so, before the database is asked."""

import pytest
from django.test import Client
from pytest_django import Settings

from api.conditional import shortest_block_time
from api.known_chains import KnownChains
from api.known_states import KnownStates
from indexer.access.keys import make_key
from indexer.access.models import ApiKey
from indexer.access.scopes import READ
from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from indexer.positions.lookup import look_up
from tests.positions.lookup_rows import USER, USER_EIP55, add_job, add_log, contract, note_head, start, statements

PATHS = [
    f"/api/v1/addresses/{USER_EIP55}",
    f"/api/v1/addresses/{USER_EIP55}?chain=hilltop&check_also=all",
    f"/user-pools/{USER_EIP55}",
]
ADDRESS = PATHS[0]


def again(client: Client, path: str, tags: str, method: str = "get") -> int:
    return int(getattr(client, method)(path, headers={"if-none-match": tags}).status_code)


@pytest.mark.usefixtures("_states_stay")
@pytest.mark.parametrize("path", PATHS)
def test_an_unchanged_answer_is_a_304_without_a_statement(client: Client, connection: Connection, path: str) -> None:
    add_log(connection, add_job(connection, contract(1)), 5)
    start(connection)
    first = client.get(path)
    with statements() as sent:
        second = client.get(path, headers={"if-none-match": first["ETag"]})
    assert not sent
    assert (second.status_code, second.content) == (304, b"")
    for name in ("ETag", "Cache-Control"):
        assert second[name] == first[name]
    assert "Content-Type" not in second


@pytest.mark.usefixtures("_states_fresh")
def test_a_changed_answer_is_sent_with_its_new_tag(client: Client, connection: Connection) -> None:
    start(connection)
    first = client.get(ADDRESS)
    note_head(connection, 103)
    second = client.get(ADDRESS, headers={"if-none-match": first["ETag"]})
    assert second.status_code == 200
    assert second["ETag"] != first["ETag"]
    assert second.json()["chains"][0]["head"] == 103


@pytest.mark.usefixtures("_states_stay")
@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ("{tag}", 304),
        ('"elsewhere", {tag}', 304),
        ('W/"elsewhere" , {tag},"third"', 304),
        ("*", 304),
        # Weak comparison: W/ does not count.
        ("{strong}", 304),
        ('"elsewhere"', 200),
        ("", 200),
        ("elsewhere", 200),
        ('"unclosed', 200),
        ('{tag}"', 200),
        ('*, "elsewhere"', 200),
        ("\x00", 200),
        ('"' + "x" * 5000 + '"', 200),
    ],
)
def test_every_form_of_the_header_is_read(client: Client, tags: str, status: int) -> None:
    tag = client.get(ADDRESS)["ETag"]
    assert again(client, ADDRESS, tags.format(tag=tag, strong=tag.removeprefix("W/"))) == status


@pytest.mark.usefixtures("_states_stay")
def test_head_is_answered_alike(client: Client) -> None:
    whole = client.get(ADDRESS)
    head = client.head(ADDRESS)
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", whole["ETag"])
    assert head["Content-Type"] == "application/json"
    assert again(client, ADDRESS, whole["ETag"], "head") == 304


def test_a_tag_is_weak_and_belongs_to_the_chains_asked_for(client: Client, connection: Connection) -> None:
    start(connection)
    tags = {client.get(ADDRESS + query)["ETag"] for query in ("", "?chain=hilltop", "?chain=seaside")}
    assert len(tags) == 3
    assert all(tag.startswith('W/"') for tag in tags)


@pytest.mark.usefixtures("_states_fresh")
def test_another_chains_change_leaves_the_tag(client: Client, connection: Connection) -> None:
    tag = client.get(ADDRESS + "?chain=seaside")["ETag"]
    start(connection)
    assert again(client, ADDRESS + "?chain=seaside", tag) == 304
    assert again(client, ADDRESS, tag) == 200


def test_a_304_needs_the_same_permission_as_the_answer(client: Client, settings: Settings) -> None:
    tag = client.get(ADDRESS)["ETag"]
    settings.PUBLIC_READ = False
    assert again(client, ADDRESS, tag) == 401
    ApiKey.objects.all().delete()
    key = make_key("reader", [READ], created_by="test").text
    response = client.get(ADDRESS, headers={"if-none-match": tag, "x-api-key": key})
    assert response.status_code == 304
    ApiKey.objects.all().delete()


def test_a_wrong_question_is_no_304(client: Client) -> None:
    assert again(client, ADDRESS + "?chain=atlantis", "*") == 400
    assert again(client, "/api/v1/addresses/0x12", "*") == 400


def test_what_everybody_may_read_anybody_may_keep(client: Client, settings: Settings) -> None:
    public = client.get(ADDRESS)
    assert public["Cache-Control"] == "public, max-age=1"
    assert "Authorization" not in public.get("Vary", "")
    settings.PUBLIC_READ = False
    key = make_key("reader", [READ], created_by="test").text
    private = client.get(ADDRESS, headers={"x-api-key": key})
    ApiKey.objects.all().delete()
    assert private["Cache-Control"] == "private, max-age=1"
    assert {"Authorization", "X-API-Key", "Cookie"} <= {name.strip() for name in private["Vary"].split(",")}


def test_a_refusal_is_kept_by_nobody(client: Client, settings: Settings) -> None:
    assert client.get("/api/v1/addresses/0x12")["Cache-Control"] == "no-store"
    settings.PUBLIC_READ = False
    assert client.get(ADDRESS)["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("chain_ids", "seconds"),
    # Ethereum; with Optimism; with Cronos, which has a block every 0.6 seconds; one that nobody has described; none.
    [([1], 12), ([1, 10], 2), ([25, 1], 1), ([424242], 2), ([], 1)],
)
def test_the_shortest_block_time_says_how_long(chain_ids: list[int], seconds: int) -> None:
    assert shortest_block_time([Chain(slug=f"other{number}", chain_id=number) for number in chain_ids]) == seconds


def test_states_are_read_again_after_a_second(chains: list[Chain]) -> None:
    now = 5.0
    states = KnownStates(clock=lambda: now)
    with statements() as sent:
        first = states.read(chains)
        now = 5.9
        assert states.read(chains) is first
        assert len(sent) == 1
        now = 6.0
        states.read(chains)
        assert len(sent) == 2
        # Another list of chains is another question.
        states.read(chains[:1])
        assert len(sent) == 3


def test_an_answer_is_never_older_than_its_tag(chain: Chain, connection: Connection) -> None:
    start(connection)
    known, states = KnownChains(), KnownStates()
    version = states.read(known.read())["hilltop"]
    note_head(connection, 200)
    assert states.read(known.read())["hilltop"] == version
    assert look_up(USER, [chain]).chains[0].head == 200
