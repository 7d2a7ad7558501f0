"""Every form in which a provider's refusal comes over the wire, asked for on a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from indexer.rpc import Endpoint, MethodUnsupported, NullRound, Refused, RpcError, Throttled, TooLarge

from .pathologies import Case
from .scripted import Answer, ScriptedNode, each, refusing, sending

STATUSES = (200, 400, 413, 429, 503)
Ask = Callable[[Endpoint], object]


def one(endpoint: Endpoint) -> object:
    return endpoint.call("eth_getLogs", [{}], list[str])


def three(endpoint: Endpoint) -> object:
    return endpoint.batch("eth_getLogs", [[{}], [{}], [{}]], str)


def envelopes(case: Case) -> Iterator[tuple[str, Answer, Ask]]:
    """Each form's name, the answer in that form, and what to ask for it; known and plausible forms alike.

    A text that nobody knows means what its HTTP status means, so it has its own meaning only where that says nothing.
    """
    code, text, data = case.code if case.code is not None else -32000, case.message, case.data
    error = {"code": code, "message": text} | ({} if data is None else {"data": data})
    for status in sorted({*STATUSES, *case.statuses}):
        if is_plausible(case, status):
            yield f"HTTP {status}", refusing(code, text, data, status=status), one
            yield f"bare object, HTTP {status}", sending(json.dumps(error).encode(), status), one
    yield "every element of a batch", each(lambda call: error), three
    yield "one element of a batch", each(lambda call: error if call["id"] % 3 == 0 else "0x1"), three
    yield "one error for a batch", sending(json.dumps({"id": None, "error": error}).encode()), three
    yield "an error without its envelope's id", sending(json.dumps({"jsonrpc": "2.0", "error": error}).encode()), one
    yield "beside a null result", sending(json.dumps({"id": 1, "result": None, "error": error}).encode()), one
    if data is None:
        for name, inside in forms_of_data(text):
            yield name, refusing(code, "Server error", inside), one
            yield f"{name}, in an element of a batch", each(partial(with_data, code, inside)), three


def with_data(code: int, data: Any, call: Any) -> object:
    return {"code": code, "message": "Server error", "data": data} if call["id"] % 3 == 1 else "0x1"


def forms_of_data(text: str) -> Iterator[tuple[str, Any]]:
    yield "text in data", text
    yield "object in data", {"reason": text}
    yield "list in data", [text]
    yield "object in data, written as text", json.dumps({"reason": text})


def is_plausible(case: Case, status: int) -> bool:
    if case.kind is Refused:
        return status in (200, 400)
    return case.kind is not MethodUnsupported or status != 429 or case.message != "limit exceeded"


def ask_in_every_envelope(case: Case, node: ScriptedNode, endpoint: Endpoint) -> list[str]:
    """What went wrong, one line for each form that did not become exactly the case's error."""
    wrong = []
    for name, answer, ask in envelopes(case):
        node.always = answer
        try:
            wrong.append(f"{name}: taken for the answer {ask(endpoint)!r}")
        except RpcError as error:
            if problem := differs(case, error):
                wrong.append(f"{name}: {problem}")
    return wrong


def differs(case: Case, error: RpcError) -> str:
    if type(error) is not case.kind:
        return f"{type(error).__name__}, not {case.kind.__name__}: {error}"
    if error.endpoint != "local-1" or error.status is None:
        return f"says not where it is from: {error!r}"
    carried: list[tuple[object, object]] = []
    if isinstance(error, TooLarge):
        carried = [(error.limit_blocks, case.limit), (error.suggested, case.suggested)]
    elif isinstance(error, Throttled):
        carried = [(error.retry_after, case.wait)]
    elif isinstance(error, NullRound):
        carried = [(error.block, case.block)]
    return "".join(f"carries {found}, not {expected}; " for found, expected in carried if found != expected)
