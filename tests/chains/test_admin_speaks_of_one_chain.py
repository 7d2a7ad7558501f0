"""The chain picker: which chain a page speaks of, and that no form reaches another one."""

import pytest
from django.contrib.auth.models import User
from django.db import connection as django_connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.chains.picker import ChainPicker, same_kind
from tests.people import LogIn
from tests.positions.lookup_rows import add_job, contract

JOBS = "/admin/positions/job/"


def choose(client: Client, slug: str, next_page: str = JOBS) -> HttpResponse:
    return client.post("/admin/chain/", {"to": slug, "next": next_page})  # type: ignore[return-value]


def schema() -> str:
    return str(django_connection.schema_name)  # type: ignore[attr-defined]  # django-tenants


@pytest.fixture
def jobs(chains: list[Chain]) -> list[int]:
    """One job with the same number on each chain."""
    numbers = []
    for chain, place in zip(chains, (1, 2), strict=True):
        with connect(chain) as connection:
            number = add_job(connection, contract(place), labels=())
            connection.execute("UPDATE jobs SET id = 900 WHERE id = %s", [number])
            connection.execute("UPDATE jobs SET live_from = 0")
            numbers.append(900)
    return numbers


def is_enabled(chain: Chain) -> bool:
    with connect(chain) as connection:
        row = connection.execute("SELECT enabled FROM jobs WHERE id = 900").fetchone()
    assert row is not None
    return bool(row[0])


@pytest.mark.usefixtures("jobs")
def test_the_first_chain_is_shown_until_another_is_chosen(log_in: LogIn) -> None:
    client = log_in("viewer")
    assert b"0x0000000000000000000000000000000000000001" in client.get(JOBS).content
    answer = choose(client, "seaside")
    assert (answer.status_code, answer["Location"]) == (302, JOBS)
    page = client.get(JOBS).content
    assert b"0x0000000000000000000000000000000000000002" in page
    assert b'<option value="seaside" selected>' in page


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (JOBS, JOBS),
        (f"{JOBS}?state=new", f"{JOBS}?state=new"),
        (f"{JOBS}900/change/", JOBS),
        (f"{JOBS}change/", JOBS),
        (f"{JOBS}import/", f"{JOBS}import/"),
        ("/admin/positions/segment/", "/admin/positions/segment/"),
        ("/admin/auth/user/7/change/", "/admin/auth/user/7/change/"),
        ("/admin/lookup/", "/admin/lookup/"),
        ("/admin/", "/admin/"),
        ("/health", "/admin/"),
        ("", "/admin/"),
        ("https://elsewhere.example/phishing", "/admin/"),
        ("//elsewhere.example/admin/", "/admin/"),
        ("////elsewhere.example/admin/", "/admin/"),
    ],
)
def test_switching_keeps_the_kind_of_page(before: str, after: str) -> None:
    assert same_kind(before) == after


def test_a_chain_that_is_not_there_falls_back_to_the_first(log_in: LogIn) -> None:
    client = log_in("viewer")
    choose(client, "nowhere")
    assert b"There is no chain" in client.get(JOBS).content
    session = client.session
    session["chain"] = "removed"
    session.save()
    assert b'<option value="hilltop" selected>' in client.get(JOBS).content


def test_choosing_needs_a_login_and_a_post(log_in: LogIn) -> None:
    assert Client().post("/admin/chain/", {"to": "seaside"})["Location"].startswith("/admin/login/")
    assert log_in("viewer").get("/admin/chain/").status_code == 405


@pytest.mark.django_db
def test_without_any_chain_pages_say_how_to_add_one() -> None:
    chains = Chain.objects.all()
    chains._raw_delete(chains.db)
    client = Client()
    client.force_login(User.objects.create_superuser("somebody"))
    for path in (JOBS, f"{JOBS}import/", "/admin/positions/scan/", "/admin/", "/admin/lookup/", "/admin/chains/chain/"):
        page = client.get(path)
        assert page.status_code == 200
        assert b"add_chain" in page.content, path


def test_after_a_request_the_connection_is_back_on_public(chain: Chain, log_in: LogIn) -> None:
    client = log_in("viewer")
    assert client.get(JOBS).status_code == 200
    assert schema() == "public"

    def fail(request: HttpRequest) -> HttpResponse:
        django_connection.set_tenant(chain)  # type: ignore[attr-defined]  # django-tenants
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ChainPicker(fail)(RequestFactory().get(JOBS))
    assert schema() == "public"


@pytest.mark.parametrize("opened_for", [{"chain": "hilltop"}, {}])
def test_a_form_opened_for_another_chain_changes_nothing(
    chains: list[Chain], jobs: list[int], log_in: LogIn, opened_for: dict[str, str]
) -> None:
    client = log_in("operator")
    choose(client, "seaside")
    for path, form in (
        (f"{JOBS}change/", {"kind": "disable", "jobs": "900"}),
        (JOBS, {"action": "disable", "_selected_action": "900"}),
        (f"{JOBS}import/", {"source": "default"}),
        ("/admin/positions/segment/", {"action": "try_now", "_selected_action": "1"}),
    ):
        answer = client.post(path, form | opened_for)
        assert answer.status_code == 409
        assert b"Nothing was changed" in answer.content
        assert b"seaside" in answer.content
    assert all(is_enabled(chain) for chain in chains)


def test_the_same_form_for_the_chosen_chain_changes_only_that_one(
    chains: list[Chain], jobs: list[int], log_in: LogIn
) -> None:
    client = log_in("operator")
    choose(client, "seaside")
    form = {"kind": "disable", "jobs": "900", "chain": "seaside"}
    assert client.post(f"{JOBS}change/", form).status_code == 302
    assert [is_enabled(chain) for chain in chains] == [True, False]
