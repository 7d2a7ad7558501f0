"""Serve a process's own metrics to Prometheus."""

import errno
import logging
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import GC_COLLECTOR, CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)


class CannotListen(Exception):
    """The metrics can never be served where they are to be; the text says where and what to do."""


class PortTaken(Exception):
    """The same, but for as long as somebody else listens there, such as the worker that is to be followed."""


def port(text: str) -> int:
    """A port as a command line gives it."""
    if not (text.isascii() and text.isdigit() and int(text) < 2**16):
        raise ArgumentTypeError(f"{text!r} is not a port: a number up to 65535 is")
    return int(text)


@contextmanager
def serve_metrics(host: str, port: int, collector: Collector) -> Iterator[int]:
    """Serve the collector's metrics and those of the process meanwhile; yields the port, any free one for 0.

    Raises CannotListen and PortTaken.
    """
    registry = CollectorRegistry()
    registry.register(GC_COLLECTOR)
    ProcessCollector(registry=registry)
    registry.register(collector)
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise (PortTaken if error.errno == errno.EADDRINUSE else CannotListen)(
            f"metrics cannot be served on port {port} of {host}: {error.strerror}; "
            "give another --metrics-port, or end what listens there (METRICS_HOST names the host)"
        ) from None
    taken: int = server.server_port
    log.info("metrics are served on http://%s:%d/metrics", host, taken)
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
