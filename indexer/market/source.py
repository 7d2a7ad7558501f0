"""Answers of DeFiLlama and others, or of whatever a setting says stands in their place: bounded, and in full.

What cannot be used of an answer is an error with words in which no URL stands, for the paid one's holds the key.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Literal, NamedTuple, Self, overload
from urllib.parse import urljoin, urlsplit

import urllib3
from django.conf import settings

from indexer.market.candidates import FREE, PAID
from indexer.market.models import Document
from indexer.rpc.errors import Transport
from indexer.rpc.wire import MOST_LINES, bounded
from indexer.tasks.declaring import Run
from indexer.tasks.hints import PAUSES, PAY, read_retry_after, sent_at

TIMEOUT = 30.0
"""Seconds for connecting, and between one piece of an answer and the next."""
LONGEST = 180.0
"""Seconds for a whole answer."""
LARGEST = 96 << 20
"""Bytes of an answer, unpacked: 50,000 pools are 35 million."""
CHUNK = 1 << 18
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3


class SourceError(Exception):
    """An answer that cannot be used. `retry_after`: the seconds that the source wants to be left alone, if it says."""

    def __init__(self, words: str, retry_after: float | None = None) -> None:
        super().__init__(words)
        self.retry_after = retry_after


class Unpaid(SourceError):
    """The source wants to be paid for this (HTTP 402), or does not take the key."""


class NotThere(SourceError):
    """The source has nothing at this path (HTTP 400, 404, 410), and will say so again."""


class Answer(NamedTuple):
    """A whole answer, unpacked, with what to ask by whether it has changed; `digest` is its sha256."""

    name: str
    body: bytes | bytearray
    etag: str | None
    last_modified: str | None
    digest: bytes


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytearray


class Host(NamedTuple):
    """Where paths that start so are asked, on whose account, and by which setting that is said; with which headers.

    `has_plan`: what it wants to be paid for (402) is all that the account may ask; else it is the path alone, which its
    own run leaves for an hour.
    """

    start: str
    api: str
    url: str
    setting: str
    headers: Mapping[str, str] = MappingProxyType({})
    has_plan: bool = True


class Source:
    """A source's hosts, with kept connections; to be used in `with`, by one thread."""

    def __init__(
        self, hosts: tuple[Host, ...], *, timeout: float = TIMEOUT, longest: float = LONGEST, largest: int = LARGEST
    ) -> None:
        """`hosts`: the first one whose start a path has is asked. `timeout` and `longest` seconds, `largest` bytes."""
        self._hosts = hosts
        self._timeout = timeout
        self._longest = longest
        self._largest = largest
        self._pools: dict[tuple[str, str, int | None], urllib3.HTTPConnectionPool] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pool in self._pools.values():
            pool.close()

    @overload
    def fetch(self, run: Run, path: str, *, again: Literal[True]) -> Answer: ...

    @overload
    def fetch(self, run: Run, path: str) -> Answer | None: ...

    def fetch(self, run: Run, path: str, *, again: bool = False) -> Answer | None:
        """The answer of a path, or None: it is what its stored Document was taken from. `again`: then, too.

        Raises SourceError, Unpaid, and what `run` raises, such as Wait: the source may not be asked before long.
        """
        host = self._host(path)
        name = document_name(path, host.api)
        known = None if again else Document.objects.filter(name=name).first()
        status, headers, body = self._ask(run, host, name, path, conditions_of(known))
        if status == 304:
            return None
        if not body[:100].lstrip().startswith((b"{", b"[")):
            kind = headers.get("content-type", "an answer without a type")
            raise SourceError(f"{name}: {kind} instead of JSON, such as a proxy's page: {excerpt(body)}")
        digest = hashlib.sha256(body).digest()
        if known is not None and known.digest is not None and bytes(known.digest) == digest:
            return None
        return Answer(name, body, headers.get("etag"), headers.get("last-modified"), digest)

    def ask(self, run: Run, name: str, path: str, question: bytes | None = None) -> Reply:
        """The answer of a path, of which no Document is kept; `question`: JSON that is sent by POST. `name`: what
        errors call it. Raises as `fetch` does."""
        return self._ask(run, self._host(path), name, path, {}, question)

    def _host(self, path: str) -> Host:
        return next(host for host in self._hosts if path.startswith(host.start))

    def _ask(
        self, run: Run, host: Host, name: str, path: str, conditions: Mapping[str, str], question: bytes | None = None
    ) -> Reply:
        """The status 200 or 304, headers and body."""
        url = host.url.rstrip("/") + path
        for _ in range(1 + MOST_REDIRECTS):
            run.reserve(host.api)
            status, headers, body = self._try(name, url, {**host.headers, **conditions}, question)
            if status != PAY or host.has_plan:
                run.learn(host.api, status, headers)
            if status not in REDIRECTS:
                break
            target = target_of(url, headers.get("location", ""))
            if target is None or origin_of(target) != origin_of(url):
                where = "what is no URL" if target is None else urlsplit(target).hostname or urlsplit(target).scheme
                raise SourceError(f"{name}: it leads to {where}, which is not asked; is {host.setting} still right?")
            url = target
        if status == 200 or (status == 304 and conditions):
            return Reply(status, headers, body)
        words = f"{name}: HTTP {status}: {excerpt(body)}"
        if status in (401, PAY):
            pause = PAUSES[PAY] if status == PAY and not host.has_plan else None
            raise Unpaid(words, retry_after_of(headers) or pause)
        if status in (400, 404, 410):
            raise NotThere(words, retry_after_of(headers))
        raise SourceError(words, retry_after_of(headers))

    def _try(self, name: str, url: str, headers: Mapping[str, str], question: bytes | None) -> Reply:
        try:
            return self._read(name, url, headers, question)
        except urllib3.exceptions.NewConnectionError:
            problem = "no connection"  # it counts as a timeout in urllib3, though a refused connection is none
        except urllib3.exceptions.TimeoutError:
            problem = f"nothing came for {self._timeout:g} s"
        except Transport as error:
            problem = str(error)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            problem = f"the answer broke off ({type(error).__name__})"
        # Raised outside of `except`: the texts of urllib3 hold the URL, and a chained traceback would print them.
        raise SourceError(f"{name}: {problem}")

    def _read(self, name: str, url: str, given: Mapping[str, str], question: bytes | None) -> Reply:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = urllib3.util.make_headers(accept_encoding="gzip", user_agent="footprint") | dict(given)
        if question is not None:
            headers["content-type"] = "application/json"
        response = self._pool(url).urlopen(
            "GET" if question is None else "POST",
            target,
            body=question,
            headers=headers,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        body = bytearray()
        try:
            for piece in response.stream(CHUNK, decode_content=True):
                body += piece
                if len(body) > self._largest:
                    raise SourceError(f"{name}: an answer of more than {self._largest:,} bytes")
        finally:
            response.close()  # a connection whose answer was read to its end is back in the pool already
        return Reply(response.status, response.headers, body)

    def _pool(self, url: str) -> urllib3.HTTPConnectionPool:
        origin = origin_of(url)
        if origin not in self._pools:
            scheme, hostname, port = origin
            kind = urllib3.HTTPSConnectionPool if scheme == "https" else urllib3.HTTPConnectionPool
            pool = kind(hostname, port, timeout=self._timeout, maxsize=1)
            pool.ConnectionCls = bounded(kind, self._longest, self._largest + CHUNK + MOST_LINES)
            self._pools[origin] = pool
        return self._pools[origin]


def open_defillama() -> Source:
    """DeFiLlama by the settings. Paths: /protocols, /v2/chains, /pools, /chart/{pool}; and, with a key only,
    /yields/poolsOld, for which has_paid_key() says whether there is one."""
    yields = settings.DEFILLAMA_YIELDS_URL
    return Source(
        (
            Host("/pools", FREE, yields, "DEFILLAMA_YIELDS_URL", has_plan=False),
            Host("/chart/", FREE, yields, "DEFILLAMA_YIELDS_URL", has_plan=False),
            Host("/yields/", PAID, paid_url(), "DEFILLAMA_PRO_URL"),
            Host("/", FREE, settings.DEFILLAMA_URL, "DEFILLAMA_URL", has_plan=False),
        )
    )


def has_paid_key() -> bool:
    return bool(settings.DEFILLAMA_API_KEY)


def paid_url() -> str:
    return f"{settings.DEFILLAMA_PRO_URL}/{settings.DEFILLAMA_API_KEY}"


def document_name(path: str, api: str = FREE) -> str:
    """Such as defillama:/pools, the name of the Document."""
    return f"{api}:{path}"


def conditions_of(known: Document | None) -> dict[str, str]:
    """Headers that ask for an answer only if it is not the one we know."""
    named = {} if known is None else {"if-none-match": known.etag, "if-modified-since": known.last_modified}
    return {name: value for name, value in named.items() if value}


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Seconds; None where it does not say."""
    return read_retry_after(headers.get("retry-after", "").strip(), sent_at(headers, datetime.now(UTC)))


def origin_of(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


def target_of(url: str, location: str) -> str | None:
    """Where a redirect leads; None where that is no URL."""
    try:
        target = urljoin(url, location)
        origin_of(target)
    except ValueError:
        return None
    return target


def excerpt(body: bytearray) -> str:
    """The beginning of an answer that is none, in one line."""
    return " ".join(body[:400].decode(errors="replace").split())[:200] or "nothing"
