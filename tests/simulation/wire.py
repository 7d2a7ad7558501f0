"""What becomes of a good answer on its way: broken transport, in every form that clients have met."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from tests.simulation.faults import Harm, Kind, Sent
from tests.simulation.refusals import BATCH_CAP

PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>"
SLOW = 0.02
"""Seconds that a slow answer takes longer."""


def cut_json(request: Any, sent: Sent, random: Random) -> Sent:
    """The JSON ends in the middle, and HTTP says that it is whole."""
    body = sent.body
    return replace(sent, raw=body[: random.randrange(1, len(body))])


def cut_body(request: Any, sent: Sent, random: Random) -> Sent:
    """The connection ends before the promised length."""
    body = sent.body
    kept = random.randrange(len(body))
    return replace(sent, raw=body[:kept], cut=len(body) - kept)


def page(request: Any, sent: Sent, random: Random) -> Sent:
    return replace(sent, raw=PAGE, status=random.choice((200, 200, 502, 503, 403)))


def reset(request: Any, sent: Sent, random: Random) -> Sent:
    return replace(sent, lost=True)


def slow(request: Any, sent: Sent, random: Random) -> Sent:
    return replace(sent, delay=SLOW)


def garbled(request: Any, sent: Sent, random: Random) -> Sent:
    """It says gzip and is none."""
    return replace(sent, raw=random.randbytes(200), headers={**sent.headers, "Content-Encoding": "gzip"})


def wrong_id(request: Any, sent: Sent, random: Random) -> Sent:
    """The answer to somebody else's question."""
    if isinstance(sent.value, list):
        return replace(sent, value=[reply | {"id": 10**9 + place} for place, reply in enumerate(sent.value)])
    # Of a question for logs, the other one's answer is that there are none.
    nothing: dict[str, Any] = {"result": []} if isinstance(sent.value.get("result"), list) else {}
    return replace(sent, value=sent.value | {"id": 10**9} | nothing)


def reordered(request: Any, sent: Sent, random: Random) -> Sent:
    """Allowed: the ids say which answer is whose."""
    return replace(sent, value=random.sample(sent.value, len(sent.value))) if isinstance(sent.value, list) else sent


def single_for_batch(request: Any, sent: Sent, random: Random) -> Sent:
    return replace(sent, value=sent.value[0]) if isinstance(sent.value, list) else sent


def one_short(request: Any, sent: Sent, random: Random) -> Sent:
    return replace(sent, value=sent.value[:-1]) if isinstance(sent.value, list) else sent


def batch_cap(request: Any, sent: Sent, random: Random) -> Sent:
    if not isinstance(request, list) or len(request) <= BATCH_CAP:
        return sent
    error = {"code": -32600, "message": f"batch too large: at most {BATCH_CAP} calls"}
    return Sent.of({"jsonrpc": "2.0", "id": None, "error": error}, 400)


def deep(request: Any, sent: Sent, random: Random) -> Sent:
    """Brackets without end."""
    return replace(sent, raw=b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 50_000)


WIRES: Sequence[Kind] = (
    Kind("cut-json", "5.3 #18", Harm.TRANSPORT, sends=cut_json),
    Kind("cut-body", "5.3 #18", Harm.TRANSPORT, sends=cut_body),
    Kind("page", "5.3 #18", Harm.TRANSPORT, sends=page),
    Kind("reset", "5.3 #18", Harm.TRANSPORT, sends=reset),
    Kind("slow", "5.3 #18", Harm.NONE, sends=slow),
    Kind("garbled", "5.3 #18", Harm.TRANSPORT, sends=garbled),
    Kind("wrong-id", "5.3 #18", Harm.TRANSPORT, sends=wrong_id),
    Kind("batch-reordered", "5.3 #18", Harm.NONE, sends=reordered),
    Kind("single-for-batch", "5.3 #18", Harm.TRANSPORT, sends=single_for_batch),
    Kind("batch-one-short", "5.3 #18", Harm.TRANSPORT, sends=one_short),
    Kind("batch-cap", "5.1", Harm.REFUSAL, sends=batch_cap),
    Kind("deeply-nested", "5.3 #18", Harm.TRANSPORT, sends=deep),
)
