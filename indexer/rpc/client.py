"""JSON-RPC with one endpoint: typed results, and errors that name the endpoint by its label only."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Protocol, TypeVar, overload

import msgspec

from indexer.rpc.channel import Answer, Channel
from indexer.rpc.columns import Found, Places, Wanted
from indexer.rpc.envelope import Body, Reply, decode_batch, try_decode
from indexer.rpc.errors import Refused, RpcError, TooLarge, Transport
from indexer.rpc.labels import label_of, secrets_of
from indexer.rpc.rulebook import READ, SMALL, Rulebook
from indexer.rpc.scan import LogScanner
from indexer.rpc.types import Log

__all__ = ["Endpoint", "label_of"]

log = logging.getLogger(__name__)

T = TypeVar("T")

Observer = Callable[[str, str, float, str | None], None]
"""Is told of every request: the endpoint's label, the method, seconds, and the class of what it raised or None."""


class Gate(Protocol):
    """What every request passes when it leaves and when its answer has come, whoever asks."""

    def before(self, method: str, requests: int) -> float:
        """Wait until so many requests may leave and return the time of that; raises an RpcError where they may not."""

    def after(self, left: float, method: str, requests: int, error: RpcError | None) -> None:
        """Take note of what came of requests that left then: an error, or None."""


LARGEST_ANSWER = 256 * 1024 * 1024
"""Bytes of one answer, unpacked."""
LONGEST_SHOWN = 300
"""Characters of a call's parameters in a debug line."""


class Endpoint:
    """One RPC URL, known by its label. Safe to share between threads.

    `requests` (over HTTP; a batch is one), `bytes_in` (over the wire) and `errors` count since creation. `timeout` in
    seconds is for connecting and for each read. `observe` is called by whichever thread has asked, and `gate`, where
    there is one, lets requests leave. `rulebook` says what refusals mean; several endpoints may share one.
    """

    def __init__(
        self,
        url: str,
        label: str,
        timeout: float = 30.0,
        *,
        largest_answer: int = LARGEST_ANSWER,
        observe: Observer | None = None,
        gate: Gate | None = None,
        rulebook: Rulebook | None = None,
    ) -> None:
        self.label = label
        self._observe = observe
        self._gate = gate
        self._rulebook = rulebook or Rulebook()
        self.errors = 0
        self._channel = Channel(url, label, timeout, largest_answer)
        self._scanner = LogScanner()
        self._secrets = secrets_of(url)
        self._lock = threading.Lock()
        self._next_id = 1

    def __repr__(self) -> str:
        return f"<Endpoint {self.label}>"

    @property
    def requests(self) -> int:
        return self._channel.requests

    @property
    def bytes_in(self) -> int:
        return self._channel.bytes_in

    def close(self) -> None:
        """Close the kept connections."""
        self._channel.close()

    def behind(self, gate: Gate) -> Endpoint:
        """The same endpoint with the same connections, all its requests passing this gate; `errors` are its own."""
        twin = copy.copy(self)
        twin._gate, twin.errors = gate, 0
        return twin

    @overload
    def call(self, method: str, params: list[object], result: type[T]) -> T: ...
    @overload
    def call(self, method: str, params: list[object], result: Any) -> Any: ...
    def call(self, method: str, params: list[object], result: Any) -> Any:
        """Return the result of one call, decoded as `result` (any type msgspec knows, such as `list[Log]`).

        Raises an RpcError. Null for a type without None, and whatever else does not decode, is Transport.
        """
        number = self._take_ids(1)
        with self._asking(method, params, 1) as results:
            answer = self._post(method, _request(number, method, params))
            results.append(self._result_of(method, number, answer, result))
        return results[0]

    def call_logs(
        self, method: str, params: list[object], wanted: Wanted | None, fits: Callable[[Places], bool]
    ) -> Found | list[Log]:
        """Return the wanted ones of the logs that one call answers, in columns.

        Where the answer has not the usual form, or the places of its logs do not fit: all of them.
        """
        number = self._take_ids(1)
        with self._asking(method, params, 1) as results:
            answer = self._post(method, _request(number, method, params))
            found = self._scanner.read(answer.body, number, wanted, fits) if answer.status < 400 else None
            results.append(self._result_of(method, number, answer, list[Log]) if found is None else found)
        given: Found | list[Log] = results[0]
        return given

    def _result_of(self, method: str, number: int, answer: Answer, kind: Any) -> Any:
        """Return the result in the answer to request `number`, decoded as `kind`."""
        reply: Reply = self._envelope(method, answer, try_decode(answer.body, Reply))
        self._check(method, answer, reply)
        if reply.number != number:
            raise Transport("answered another request")
        return _result(reply, kind)

    @overload
    def batch(self, method: str, params: Sequence[list[object]], result: type[T]) -> list[T]: ...
    @overload
    def batch(
        self, method: str, params: Sequence[list[object]], result: Any, *, none_for: type[RpcError] | None = None
    ) -> list[Any]: ...
    def batch(
        self, method: str, params: Sequence[list[object]], result: Any, *, none_for: type[RpcError] | None = None
    ) -> list[Any]:
        """Return the results of several calls sent as one JSON-RPC batch, in the order of `params`.

        Raises the first error among them, but for those of the class `none_for`, whose result is None; Refused when
        the node answers with a single result.
        """
        start = self._take_ids(len(params))
        ids = range(start, start + len(params))
        requests = [_request(number, method, each) for number, each in zip(ids, params, strict=True)]
        with self._asking(method, params, len(params)) as results:
            answer = self._post(method, requests)
            replies: list[Reply] | Reply = self._envelope(method, answer, decode_batch(answer.body, len(ids)))
            absent: set[int | None] = set()
            for reply in [replies] if isinstance(replies, Reply) else replies or [Reply()]:
                try:
                    self._check(method, answer, reply)
                except RpcError as error:
                    if none_for is None or not isinstance(error, none_for) or isinstance(replies, Reply):
                        raise
                    absent.add(reply.number)
            if isinstance(replies, Reply):
                _result(replies, msgspec.Raw)
                raise Refused("answered a batch with a single result")
            by_id = {reply.number: reply for reply in replies}
            if len(replies) != len(ids) or by_id.keys() != set(ids):
                raise Transport("the answers of a batch do not match its requests")
            results += [None if number in absent else _result(by_id[number], result) for number in ids]
        return results

    def _take_ids(self, count: int) -> int:
        with self._lock:
            start = self._next_id
            self._next_id += count
        return start

    @contextmanager
    def _asking(self, method: str, params: Sequence[object], requests: int) -> Iterator[list[Any]]:
        """Pass the gate, name the endpoint in what goes wrong, and tell of it; yields where the results go."""
        results: list[Any] = []
        left = self._gate.before(method, requests) if self._gate is not None else 0.0
        began, problem = perf_counter(), None
        try:
            yield results
        except RpcError as error:
            error.endpoint, error.method = self.label, method
            problem = type(error).__name__
            with self._lock:
                self.errors += 1
            if self._gate is not None:
                self._gate.after(left, method, requests, error)
            raise
        else:
            if self._gate is not None:
                self._gate.after(left, method, requests, None)
        finally:
            seconds = perf_counter() - began
            if self._observe is not None:
                self._observe(self.label, method, seconds, problem)
            if log.isEnabledFor(logging.DEBUG):
                self._tell(method, params, seconds, problem or _count(results))

    def _tell(self, method: str, params: Sequence[object], seconds: float, outcome: str) -> None:
        shown = self._blot(msgspec.json.encode(params).decode())
        if len(shown) > LONGEST_SHOWN:
            shown = shown[:LONGEST_SHOWN] + "…"
        log.debug("%s %s: %.0f ms, %s: %s", self.label, method, 1000 * seconds, outcome, shown)

    def _post(self, method: str, request: object) -> Answer:
        try:
            return self._channel.post(msgspec.json.encode(request))
        except TooLarge as error:
            if method not in SMALL:
                raise
            problem = error.text
        raise Transport(problem)

    def _envelope(self, method: str, answer: Answer, decoded: tuple[Any, str]) -> Any:
        """Return the JSON-RPC envelope, or raise what an answer that is none means."""
        envelope, problem = decoded
        if not problem:
            return envelope
        if answer.status < 400:
            raise Transport(f"no JSON-RPC answer ({problem})")
        text = self._beginning(answer.body)
        error = self._rulebook.error(None, text, None, answer.status, answer.headers, method=method)
        # A page that refuses for no known reason comes from something in front of the node, not from the node.
        raise Transport(f"HTTP {answer.status}: a web page") if type(error) is Refused and text[:1] == "<" else error

    def _check(self, method: str, answer: Answer, reply: Reply) -> None:
        """Raise the refusal that a reply or its HTTP status stands for."""
        refusal = reply.refusal
        if refusal is not None:
            code, message, data = refusal
        elif answer.status < 400:
            return
        else:
            # What a node answers under a refusing status is no result; some say why in fields of their own.
            has_result = not isinstance(reply.result, msgspec.UnsetType)
            code, message, data = None, "" if has_result else self._beginning(answer.body), ""
        raise self._rulebook.error(
            code,
            self._blot(message) or f"HTTP {answer.status} without a text",
            self._blot(data) or None,
            answer.status,
            answer.headers,
            method=method,
        )

    def _beginning(self, body: Body) -> str:
        # Twice what is looked at, so that no secret is cut in half before it is blotted.
        return self._blot(bytes(body[: 2 * READ]).decode("utf-8", "replace")).strip()

    def _blot(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, f"<{self.label}>")
        return text


def _count(results: list[Any]) -> str:
    """What came: the length of a list, or how many answers a batch had."""
    found = results[0] if len(results) == 1 else results
    if isinstance(found, Found):
        return f"{found.seen:,} results"
    return f"{len(found):,} results" if isinstance(found, list) else "null" if found is None else "1 result"


def _request(number: int, method: str, params: list[object]) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def _result(reply: Reply, kind: Any) -> Any:
    if isinstance(reply.result, msgspec.UnsetType):
        raise Transport("neither a result nor an error")
    result, problem = try_decode(reply.result, kind)
    if problem:
        raise Transport(f"unusable result ({problem})")
    return result
