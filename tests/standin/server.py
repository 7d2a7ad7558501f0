"""The stand-in as a WSGI app and as a server on this machine: APIs, and the ways in which they can be made to fail.

GET  /_stats     {"asked": {path: times}, "unchanged": {path: times of 304}}
POST /_control   {"fail": path, …}: see StandIn.fail; {"change": path, …}: see Table.change; {"forgive": true}
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import msgspec

from tests.standin.defillama import DefiLlama, refusal
from tests.standin.table import Body, Table
from tests.standin.tokens import Tokens, without_key

Headers = list[tuple[str, str]]
Start = Callable[[str, Headers], Any]
PIECE = 1 << 14
HTML = b"<!doctype html><title>Just a moment...</title><p>Checking your browser before accessing llama.fi"


@dataclass
class Fault:
    """What happens to the next `times` requests of a path (None: to all), instead of the answer or to it.

    `status` with `headers` and `text`; or `slow`: seconds before the answer; `drip`: seconds before each piece of it;
    `share`: only so much of the answer comes though all of it was promised; `cut`: the same, and it is promised so.
    """

    path: str
    times: int | None = 1
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    slow: float = 0.0
    drip: float = 0.0
    share: float | None = None
    cut: float | None = None


class StandIn:
    """A WSGI app. `asked` and `unchanged` count answers and 304s by path, with nothing about who asked."""

    def __init__(self, llama: DefiLlama, tokens: Tokens | None = None) -> None:
        self.llama = llama
        self.tokens = tokens or Tokens()
        self.asked: Counter[str] = Counter()
        self.unchanged: Counter[str] = Counter()
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def fail(self, path: str, **how: Any) -> None:
        """Let the next request of a path fail: `how` as Fault says it."""
        fault = msgspec.convert({"path": path, **how}, Fault)
        with self._lock:
            self._faults.append(fault)

    def serve_html(self, path: str, *, times: int | None = 1) -> None:
        """A page that asks whether somebody is human, as if all were well."""
        self.fail(path, status=200, headers={"Content-Type": "text/html"}, text=HTML.decode(), times=times)

    def forgive(self) -> None:
        """No faults any more; changes stay."""
        with self._lock:
            self._faults.clear()

    def change(self, path: str, do: str, **what: Any) -> int:
        """Change the rows of a path: see Table.change, and `table` here."""
        return self.table(path).change(do, **what)

    def table(self, path: str) -> Table:
        """The rows of a path, kept to be changed. Raises KeyError for a path without an answer."""
        found = self.llama.find(path)
        if found is None:
            raise KeyError(path)
        return self.llama.keep(path, found)

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = without_key(str(environ["PATH_INFO"]))
        if path == "/_stats":
            return reply(start, 200, msgspec.json.encode({"asked": self.asked, "unchanged": self.unchanged}))
        if path == "/_control":
            return self._control(environ, start)
        with self._lock:
            self.asked[path] += 1
            fault = self._next_fault(path)
            found = self.llama.find(path)
        time.sleep(fault.slow)
        if fault.status:
            return reply(start, fault.status, fault.text.encode(), fault.headers)
        if (said := self.tokens.answer(path, environ)) is not None:
            return reply(start, 200, said)
        if found is None:
            status, words = refusal(path)
            return reply(start, status, words, {"Content-Type": "text/plain"})
        body = found.body()
        if is_known(environ, body):
            self.unchanged[path] += 1
            start("304 Not Modified", [("ETag", body.etag), ("Last-Modified", body.last_modified)])
            return []
        return send(start, body, fault, is_packed="gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""))

    def _next_fault(self, path: str) -> Fault:
        for fault in self._faults:
            if fault.path == path:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return Fault(path)

    def _control(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        try:
            order = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            asked = msgspec.json.decode(order, type=dict[str, Any])
            if asked.pop("forgive", False):
                self.forgive()
            elif "fail" in asked:
                self.fail(asked.pop("fail"), **asked)
            else:
                changed = self.change(asked.pop("change"), **asked)
                return reply(start, 200, msgspec.json.encode({"changed": changed}))
        except (ValueError, TypeError, KeyError) as error:
            return reply(start, 400, f"not understood: {error!r}".encode(), {"Content-Type": "text/plain"})
        return reply(start, 200, b"{}")


def is_known(environ: dict[str, Any], body: Body) -> bool:
    if wanted := environ.get("HTTP_IF_NONE_MATCH"):
        return body.etag in [part.strip() for part in wanted.split(",")]
    return bool(environ.get("HTTP_IF_MODIFIED_SINCE") == body.last_modified)


def reply(start: Start, status: int, text: bytes, headers: dict[str, str] | None = None) -> list[bytes]:
    named = {"Content-Type": "application/json", "Content-Length": str(len(text))} | (headers or {})
    start(f"{status} Said", list(named.items()))
    return [text]


def send(start: Start, body: Body, fault: Fault, *, is_packed: bool) -> Iterator[bytes]:
    """The answer, or what a fault leaves of it."""
    content = body.packed if is_packed and fault.cut is None else body.plain
    if fault.cut is not None:
        content = content[: int(len(content) * fault.cut)]
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(content))),
        ("ETag", body.etag),
        ("Last-Modified", body.last_modified),
    ]
    if content is body.packed:
        headers.append(("Content-Encoding", "gzip"))
    start("200 OK", headers)
    if fault.share is not None:
        content = content[: int(len(content) * fault.share)]
    size = PIECE if fault.drip else max(1, len(content))
    for begin in range(0, len(content), size):
        time.sleep(fault.drip)
        yield content[begin : begin + size]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is part of the life here."""


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a test's output is its own."""


class StandInServer:
    """Serves an app on this machine while it is entered; `url` is known before. Port 0: a free one."""

    def __init__(self, app: StandIn, port: int = 0) -> None:
        self.app = app
        self._server = make_server("127.0.0.1", port, app, Server, QuietHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def serve(self) -> None:
        self._server.serve_forever(0.05)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
