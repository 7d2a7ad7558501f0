"""What a row of the pathologies is: an answer of a provider, and the error that it must become."""

from __future__ import annotations

from typing import Any, NamedTuple

from indexer.rpc import RpcError


class Case(NamedTuple):
    """`limit`, `suggested`, `wait` (seconds) and `block` are what the error must carry of what the text names."""

    name: str
    section: str
    code: int | None
    message: str
    kind: type[RpcError]
    data: Any = None
    statuses: tuple[int, ...] = (200,)
    limit: int | None = None
    suggested: tuple[int, int] | None = None
    wait: float | None = None
    block: int | None = None


class Page(NamedTuple):
    """An answer that is no JSON-RPC: its HTTP status is all that tells, or its text."""

    name: str
    section: str
    status: int
    body: str
    kind: type[RpcError]
    headers: tuple[tuple[str, str], ...] = ()
    wait: float | None = None
