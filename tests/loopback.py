"""An HTTP server on a free port of this machine, for whatever stands in for a node."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Loopback:
    """Serves while it is entered; `url` is known before. `handler` finds who it answers for in `server.node`."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], *, poll: float) -> None:
        self._poll = poll
        self._server = Server(("127.0.0.1", 0), handler)
        self._server.node = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=[self._poll], daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    node: Any

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is part of the life here."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class QuietHandler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # headers and body leave together, or each waits for the other's acknowledgement
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.respond(self.rfile.read(int(self.headers["Content-Length"])))

    def respond(self, text: bytes) -> None:
        raise NotImplementedError

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a test's output is its own."""
