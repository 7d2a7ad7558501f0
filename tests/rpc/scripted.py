"""A JSON-RPC server on a real loopback socket that answers by script."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Sent(NamedTuple):
    """What goes over the wire; `cut` bytes are promised in Content-Length and never come."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    cut: int = 0


Answer = Callable[[Any], Sent]


def sending(body: bytes, status: int = 200, cut: int = 0, **headers: str) -> Answer:
    """Answer these bytes, whatever was asked; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Sent(body, status, named, cut)


def giving(result: object) -> Answer:
    """Answer a call with this result."""
    return lambda request: Sent(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode())


def refusing(code: int, message: str, data: object = None, status: int = 200, **headers: str) -> Answer:
    """Answer a call with this error."""
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Sent(
        json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode(), status, named
    )


def each(answer: Callable[[Any], object]) -> Answer:
    """Answer a batch, in reverse order, with what `answer` makes of each call: a result, or a whole error object."""

    def reply(request: Any) -> Sent:
        replies = []
        for call in reversed(request):
            made = answer(call)
            kind = "error" if isinstance(made, dict) and "message" in made else "result"
            replies.append({"jsonrpc": "2.0", "id": call["id"], kind: made})
        return Sent(json.dumps(replies).encode())

    return reply


class ScriptedNode:
    """Answers requests by `script`, one entry each, then by `always`; keeps what it was asked in `asked`."""

    def __init__(self) -> None:
        self.script: deque[Answer] = deque()
        self.always: Answer = sending(b"the script is at its end", 500)
        self.asked: list[Any] = []
        self.headers: list[Mapping[str, str]] = []
        self.connections = 0
        node = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                node.connections += 1
                super().setup()

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                node.asked.append(request)
                node.headers.append(dict(self.headers))
                sent = (node.script.popleft() if node.script else node.always)(request)
                self.send_response(sent.status)
                for name, value in sent.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(sent.body) + sent.cut))
                self.end_headers()
                self.wfile.write(sent.body)
                self.close_connection = bool(sent.cut)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that leaves in the middle is part of some tests."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
