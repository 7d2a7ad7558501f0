"""DeFiLlama is asked over real HTTP, at its stand-in: for what has changed, all of it or nothing."""

import gzip
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.utils.timezone import now
from pytest_django import Settings

from config.masks import Mask
from indexer.market.models import Document
from indexer.market.reading import Malformed, read
from indexer.market.shapes import OLD_POOLS, POOLS
from indexer.market.source import Answer, Host, NotThere, Source, SourceError, Unpaid, open_defillama
from indexer.tasks.declaring import LooseRun
from tests.loopback import Loopback
from tests.standin.server import StandIn

KEY = "a-key-of-42-letters"


class Recorder(LooseRun):
    """A run that keeps what was reserved and learned, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, int | None]] = []
        self.headers: Mapping[str, str] = {}

    def reserve(self, api: str) -> None:
        self.said.append((api, None))

    def learn(self, api: str, status: int, headers: Mapping[str, str]) -> None:
        self.said.append((api, status))
        self.headers = headers


@pytest.fixture
def run() -> Recorder:
    return Recorder()


def take_in(answer: Answer) -> None:
    """As a task does it, in the transaction of the rows."""
    Document.objects.update_or_create(
        name=answer.name,
        defaults={
            "etag": answer.etag,
            "last_modified": answer.last_modified,
            "digest": answer.digest,
            "taken_at": now(),
        },
    )


def test_an_answer_comes_whole_with_what_to_ask_by(source: Source, standin: StandIn, run: Recorder) -> None:
    answer = source.fetch(run, "/pools")
    body = standin.table("/pools").body()
    assert answer == (
        "defillama:/pools",
        body.plain,
        body.etag,
        body.last_modified,
        hashlib.sha256(body.plain).digest(),
    )
    assert run.said == [("defillama", None), ("defillama", 200)]


@pytest.mark.parametrize("path", ["/pools", "/protocols", "/v2/chains", "/config/yields"])
def test_what_is_taken_in_is_asked_for_only_if_it_has_changed(
    source: Source, standin: StandIn, run: Recorder, path: str
) -> None:
    answer = source.fetch(run, path)
    assert answer
    take_in(answer)
    assert source.fetch(run, path) is None
    assert standin.unchanged[path] == 1
    assert source.fetch(run, path, again=True) == answer


def test_an_answer_that_was_not_taken_in_comes_again(source: Source, run: Recorder) -> None:
    assert source.fetch(run, "/pools") == source.fetch(run, "/pools")


def test_a_change_of_one_row_is_a_change(source: Source, standin: StandIn, run: Recorder) -> None:
    take_in(source.fetch(run, "/pools") or pytest.fail("nothing"))
    standin.change("/pools", "set", field="apy", value=4.25, first=1)
    assert source.fetch(run, "/pools")


def test_the_same_bytes_under_another_etag_are_no_change(source: Source, standin: StandIn, run: Recorder) -> None:
    take_in(source.fetch(run, "/pools") or pytest.fail("nothing"))
    Document.objects.update(etag='"of another edge"', last_modified=None)
    assert source.fetch(run, "/pools") is None
    assert not standin.unchanged["/pools"]


def test_the_date_alone_is_enough_to_ask_by(source: Source, standin: StandIn, run: Recorder) -> None:
    take_in(source.fetch(run, "/pools") or pytest.fail("nothing"))
    Document.objects.update(etag=None, digest=None)
    assert source.fetch(run, "/pools") is None
    assert standin.unchanged["/pools"] == 1


# (how it fails, what is said of it)
FAILURES = [
    ({"status": 500, "text": "Internal Server Error"}, "defillama:/pools: HTTP 500: Internal Server Error"),
    ({"status": 502, "text": "<html>\n bad   gateway"}, "defillama:/pools: HTTP 502: <html> bad gateway"),
    ({"status": 503}, "defillama:/pools: HTTP 503: nothing"),
    ({"share": 0.7}, "defillama:/pools: the answer broke off (ProtocolError)"),
    ({"slow": 2}, "defillama:/pools: nothing came for 0.5 s"),
    ({"drip": 0.1}, "defillama:/pools: answer not complete within 1 s"),
    (
        {"status": 302, "headers": {"Location": "https://evil.example/x"}},
        "it leads to evil.example, which is not asked",
    ),
    ({"status": 200, "text": "{}" * 1_000_000}, "defillama:/pools: an answer of more than 1,500,000 bytes"),
]


@pytest.mark.parametrize(("how", "words"), FAILURES)
def test_a_failure_is_told_in_words_and_the_next_request_is_served(
    source: Source, standin: StandIn, standin_url: str, run: Recorder, how: dict[str, Any], words: str
) -> None:
    standin.fail("/pools", **how)
    with Source((host_at(standin_url),), timeout=0.5, longest=1, largest=1_500_000) as hasty:
        with pytest.raises(SourceError) as failure:
            hasty.fetch(run, "/pools")
        assert words in str(failure.value)
        assert failure.value.retry_after is None
        assert hasty.fetch(run, "/pools")


def host_at(url: str) -> Host:
    return Host("/", "defillama", url, "DEFILLAMA_URL")


def test_a_page_instead_of_json_is_no_answer(source: Source, standin: StandIn, run: Recorder) -> None:
    standin.serve_html("/pools")
    with pytest.raises(SourceError, match=r"text/html instead of JSON, such as a proxy's page: <!doctype html><title>"):
        source.fetch(run, "/pools")


def test_json_by_another_name_is_an_answer(source: Source, standin: StandIn, run: Recorder) -> None:
    standin.fail("/pools", status=200, headers={"Content-Type": "text/plain"}, text=' \n{"status":"success","data":[]}')
    assert source.fetch(run, "/pools")


def test_an_answer_that_was_cut_before_it_was_sent_is_malformed(
    source: Source, standin: StandIn, run: Recorder
) -> None:
    standin.fail("/pools", cut=0.5)
    answer = source.fetch(run, "/pools")
    assert answer
    with pytest.raises(Malformed):
        read(answer.body, POOLS)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("17", 17, 17),
        ("in 90 s", 30, 90),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("soon", None, None),
        ("nan", None, None),
    ],
)
def test_too_many_requests_say_when_to_come_again(
    source: Source, standin: StandIn, run: Recorder, header: str, least: float | None, most: float | None
) -> None:
    if header == "in 90 s":
        header = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    standin.fail("/pools", status=429, headers={"Retry-After": header}, text="Too many requests")
    with pytest.raises(SourceError, match="HTTP 429: Too many requests") as failure:
        source.fetch(run, "/pools")
    seconds = failure.value.retry_after
    assert seconds is least is None or least <= (seconds or 0) <= (most or 0)  # type: ignore[operator]
    assert run.said[-1] == ("defillama", 429)
    assert run.headers["retry-after"] == header


def test_a_page_that_costs_is_unpaid(source: Source, standin: StandIn, run: Recorder) -> None:
    standin.fail("/pools", status=402, text="Upgrade to the paid API plan")
    with pytest.raises(Unpaid, match=r"^defillama:/pools: HTTP 402: Upgrade to the paid API plan$"):
        source.fetch(run, "/pools")


def test_what_costs_is_a_path_of_the_free_hosts_and_the_account_of_the_paid_one(
    source: Source, standin: StandIn, run: Recorder
) -> None:
    for path in ("/pools", "/chart/7", "/protocols", "/yields/poolsOld"):
        asked = f"/{KEY}{path}" if path.startswith("/yields") else path
        standin.fail(asked, status=402, text="Upgrade to the paid API plan")
        with pytest.raises(Unpaid) as unpaid:
            source.fetch(run, path)
        assert unpaid.value.retry_after == (None if path.startswith("/yields") else 3600)
    assert [said for said in run.said if said[1]] == [("defillama-pro", 402)]


def test_unchanged_is_no_answer_where_nothing_is_known(source: Source, standin: StandIn, run: Recorder) -> None:
    standin.fail("/pools", status=304)
    with pytest.raises(SourceError, match="HTTP 304"):
        source.fetch(run, "/pools")


def test_the_paid_host_is_asked_with_the_key_which_no_text_shows(
    source: Source, standin: StandIn, run: Recorder
) -> None:
    answer = source.fetch(run, "/yields/poolsOld")
    assert answer
    assert answer.name == "defillama-pro:/yields/poolsOld"
    assert read(answer.body, OLD_POOLS).rows[0].pool_old.startswith("0x")
    assert standin.asked[f"/{KEY}/yields/poolsOld"] == 1
    standin.fail(f"/{KEY}/yields/poolsOld", share=0.1)
    with pytest.raises(SourceError) as failure:
        source.fetch(run, "/yields/poolsOld")
    assert KEY not in str(failure.value)
    assert failure.value.__cause__ is failure.value.__context__ is None
    assert KEY not in Mask({"DEFILLAMA_API_KEY": KEY})(f"at /{KEY}/yields")


def test_without_a_key_the_paid_host_refuses(
    standin_url: str, settings: Settings, source: Source, run: Recorder
) -> None:
    settings.DEFILLAMA_API_KEY = ""
    with open_defillama() as poor, pytest.raises(Unpaid, match="HTTP 402: Upgrade to the paid API plan"):
        poor.fetch(run, "/yields/poolsOld")


def test_a_chart_that_is_none_is_an_error_with_the_source_s_words(source: Source, run: Recorder) -> None:
    with pytest.raises(NotThere, match=r"^defillama:/chart/7: HTTP 400: invalid configID!$"):
        source.fetch(run, "/chart/7")


def test_a_server_that_is_not_there_is_no_connection(source: Source, run: Recorder) -> None:
    with (
        Source((host_at("http://127.0.0.1:9"),)) as nobody,
        pytest.raises(SourceError, match=r"^defillama:/pools: no connection$"),
    ):
        nobody.fetch(run, "/pools")
    assert run.said == [("defillama", None)]


class Bomb(BaseHTTPRequestHandler):
    """A small packed answer that would be of 200 million bytes."""

    def do_GET(self) -> None:
        packed = gzip.compress(b"[" + b" " * 200_000_000, 9)
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)


def test_a_packed_answer_is_bounded_unpacked(source: Source, run: Recorder) -> None:
    with (
        Loopback(Bomb, poll=0.05) as server,
        Source((host_at(server.url),)) as bombed,
        pytest.raises(SourceError, match="an answer of more than 100,663,296 bytes"),
    ):
        bombed.fetch(run, "/pools")


def test_a_redirect_on_the_same_host_is_followed_and_counted(source: Source, standin: StandIn, run: Recorder) -> None:
    standin.fail("/pools", status=301, headers={"Location": "/v2/chains"})
    answer = source.fetch(run, "/pools")
    assert answer
    assert answer.body == standin.table("/v2/chains").body().plain
    assert [status for _, status in run.said] == [None, 301, None, 200]


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("http://[llama/", "what is no URL"),
        ("http://127.0.0.1:port/x", "what is no URL"),
        ("file:///etc/hosts", "file"),
    ],
)
def test_a_redirect_to_what_cannot_be_asked_is_told_in_words(
    source: Source, standin: StandIn, run: Recorder, location: str, where: str
) -> None:
    standin.fail("/pools", status=302, headers={"Location": location})
    with pytest.raises(
        SourceError, match=f"^defillama:/pools: it leads to {where}, which is not asked; is DEFILLAMA_Y"
    ):
        source.fetch(run, "/pools")


def test_a_redirect_in_a_circle_ends(source: Source, standin: StandIn, run: Recorder) -> None:
    standin.fail("/pools", status=301, headers={"Location": "/pools"}, times=None)
    with pytest.raises(SourceError, match="HTTP 301"):
        source.fetch(run, "/pools")
    assert standin.asked["/pools"] == 4
