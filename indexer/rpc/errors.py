"""Every way a node can fail, one exception class per way a caller handles it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple


class RpcError(Exception):
    """A node did not give what was asked.

    `endpoint` is a label, never a URL; `text` is the provider's own text (shortened), `code` its JSON-RPC code.
    """

    def __init__(self, text: str, *, endpoint: str = "", method: str = "", code: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.endpoint = endpoint
        self.method = method
        self.code = code

    def __str__(self) -> str:
        where = " ".join(part for part in (self.endpoint, self.method) if part)
        code = "" if self.code is None else f" (code {self.code})"
        return f"{where}: {self.text}{code}" if where else f"{self.text}{code}"


class TooLarge(RpcError):
    """The range, the result, the list of addresses or the response is too large: ask for less.

    `suggested` is the range the provider says would work (first and last block, ordered); `limit_blocks` the greatest
    number of blocks per request it named. Both are claims: a suggestion may equal what was asked.
    """

    def __init__(
        self,
        text: str,
        *,
        endpoint: str = "",
        method: str = "",
        code: int | None = None,
        suggested: tuple[int, int] | None = None,
        limit_blocks: int | None = None,
    ) -> None:
        super().__init__(text, endpoint=endpoint, method=method, code=code)
        self.suggested = suggested
        self.limit_blocks = limit_blocks


class Throttled(RpcError):
    """Too many requests, or a quota is spent: wait `retry_after` seconds where the provider named them."""

    def __init__(
        self,
        text: str,
        *,
        endpoint: str = "",
        method: str = "",
        code: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text, endpoint=endpoint, method=method, code=code)
        self.retry_after = retry_after


class QuotaSpent(Throttled):
    """What was bought for the day or the month is used up: ask elsewhere, and tell somebody."""


class Forbidden(RpcError):
    """The endpoint lets nobody in with this URL until somebody acts: its key, its plan, its firewall or its address.

    Not Transport, for asking again gains nothing; not Throttled, for no wait is known to help; not Refused, for it
    says nothing about the blocks asked for: nothing is to be bisected.
    """


class BlockUnknown(RpcError):
    """The node has not that block: it lags, or the hash was orphaned by a reorg."""


class Pruned(RpcError):
    """The node has thrown that history away: an archive node is needed."""


class MethodUnsupported(RpcError):
    """The node does not serve this method, or not in this form."""


class Transport(RpcError):
    """No usable answer: timeout, lost connection, HTTP 5xx, HTML, broken JSON, wrong id, null for a result."""


class Inconsistent(RpcError):
    """The answer contradicts itself or what was asked: it must not be stored."""


class WrongChain(RpcError):
    """The endpoint serves another chain."""


class Refused(RpcError):
    """A refusal nobody knows: never taken for success, for a rate limit or for a range that is too large."""


NUMBER = r"0x[0-9a-f]{1,16}|\d{1,9}(?:\.\d{1,9})?k\b|\d{1,3}(?:[,.]\d{3})+|\d{1,18}"
"""10000, 10,000, 2K, 1.5k and 0x7d0, as providers write them."""


class Rule(NamedTuple):
    """A text and what it means; a group named `limit` holds the greatest number of blocks per request."""

    kind: type[RpcError]
    pattern: re.Pattern[str]


def _rules(kind: type[RpcError], *patterns: str) -> tuple[Rule, ...]:
    named, plain = f"(?P<limit>{NUMBER})", f"(?:{NUMBER})"
    spelled = (pattern.replace("LIMIT", named).replace("NUM", plain) for pattern in patterns)
    return tuple(Rule(kind, re.compile(pattern, re.IGNORECASE)) for pattern in spelled)


TEXTS: tuple[Rule, ...] = (
    *_rules(
        BlockUnknown,
        r"unknown block",
        r"block not found",
        r"could not find block",
        r"block is out of range",
        r"is not currently canonical",
        r"does not have the requested block yet",
        r"after last accepted block",
        r"cannot query unfinalized data",
        r"invalid block height",
        r"^invalid block range$",  # Hyperliquid, of a range in the future
        r"range extends beyond current head block",
        r"node behind",
        r"BlockOutOfRangeError",  # anvil, of a range in the future
    ),
    *_rules(
        Pruned,
        r"pruned history unavailable",
        r"receipt not available for from block",
        r"failed to get logs for block #",
        r"data before txnum=\d+ is not available",
        r"requested data is not available",
        r"height is not available \(requested height",
        r"missing trie node",
        r"header not found",
        r"no state available",
    ),
    # Results, addresses and time: the size that worked says nothing about the next range, so none names a limit.
    *_rules(
        TooLarge,
        r"log response size exceeded",  # Alchemy; its 2K is no limit: any range with few enough logs works
        r"query returned more than NUM results",
        r"query exceeds max results",
        r"logs matched by query exceeds limit of NUM",
        r"response size should not (?:be )?greater than",
        r"response (?:is )?too (?:big|large)",
        r"query contains NUM filters\. the current limit is NUM",
        r"specify less number of address",
        r"exceed max addresses or topics per search position",
        r"query timeout exceeded",
        r"execution timeout",
        r"execution aborted \(timeout",
        r"request timed out",
        r"timeout policy exceeded",
        r"canceling statement due to statement timeout",
        r"no backend is currently healthy to serve traffic",  # Base, of ranges that are too large
    ),
    # Ranges. The number asked for often stands before the limit, so each pattern says which number it takes.
    *_rules(
        TooLarge,
        r"up to an? LIMIT block range",
        r"range NUM exceeds limit of LIMIT",
        r"range NUM is bigger than range limit LIMIT",
        r"limited to (?:an? )?LIMIT (?:blocks? )?range",
        r"exceeds the range allowed for your plan \(NUM > LIMIT\)",
        r"blocks distance: LIMIT",
        r"exceed(?:s|ed)? max(?:imum)? block range:? LIMIT",
        r"block range too large, range: NUM, max: LIMIT",
        r"block range too large \(NUM\), maximum allowed is LIMIT",
        r"ranges over LIMIT blocks are not supported",
        r"max range: LIMIT",
        r"maximum allowed number of requested blocks is LIMIT",
        r"limit the query to at most LIMIT blocks",
        r"range is too large, max is LIMIT blocks",
        r"requested too many blocks from NUM to NUM, maximum is set to LIMIT",
        r"block range is too wide \(maximum LIMIT\)",
        r"query must be smaller than size LIMIT",
        r"block range greater than LIMIT max",
        r"block range exceeds LIMIT",
        r"larger than max block range, block range = NUM, max block range = LIMIT",
        r"block range limit exceeded",
        r"block range threshold exceeded",
        r"block range (?:is )?too (?:large|wide|high)",
    ),
    *_rules(
        MethodUnsupported,
        r"^limit exceeded$",  # BSC's public nodes, of a method that is switched off
        r"please specify (?:an )?address in your request",  # topics alone are not served
    ),
    *_rules(
        Throttled,
        r"compute units per second",
        r"monthly capacity limit exceeded",
        r"daily request count exceeded",
        r"request rate limited",
        r"/second request limit reached",
        r"credits limited to NUM/sec",
        r"not enough cups left",
        r"rate limit exceeded",
        r"too many requests",
        r"exceeded the quota",
        r"reached the free tier",
        r"requests limited to",
        r"under too much load",
        r"no server available",
        r"upgrade your tier",
        r"\bcode: 1015\b",
    ),
    *_rules(Transport, r"can't route your request to suitable provider"),  # dRPC, HTTP 400
)

CODES: Mapping[int, type[RpcError]] = {
    429: Throttled,
    4444: Pruned,  # geth, reth
    42903: Throttled,  # dRPC
    -32004: MethodUnsupported,  # EIP-1474
    -32007: Throttled,  # QuickNode
    -32008: TooLarge,  # jsonrpsee, response too big
    -32009: Throttled,  # QuickNode
    -32012: Throttled,  # QuickNode
    -32019: BlockUnknown,
    -32029: Throttled,
    -32043: Pruned,
    -32601: MethodUnsupported,  # JSON-RPC 2.0
    -32612: MethodUnsupported,  # QuickNode
    -32613: MethodUnsupported,  # QuickNode
    -32614: TooLarge,  # QuickNode
}
"""Codes with one meaning, where the text is not known. -32000, -32005, -32600, -32602 and -32603 mean anything."""

STATUSES: Mapping[int, type[RpcError]] = {402: QuotaSpent, 408: Transport, 413: TooLarge, 429: Throttled}

SMALL = frozenset({"eth_blockNumber", "eth_chainId", "eth_getBlockByHash", "eth_getBlockByNumber"})
"""Every node serves these and their answers are small: told otherwise, the provider is not well."""

SUGGESTION = re.compile(rf"(?:\[|with the range )\s*({NUMBER})\s*[,-]\s*({NUMBER})", re.IGNORECASE)
BACKOFF = re.compile(r'"backoff_seconds":\s*(\d+(?:\.\d+)?)')
READ = 2000
SHOWN = 500
"""Characters of a provider's text that are looked at, and that are kept for people."""


def classify(
    code: int | None, message: str, data: object, http_status: int, headers: Mapping[str, str]
) -> type[RpcError]:
    """Return the class of a refusal: by its text, then by its code, then by its HTTP status, else Refused."""
    return _recognise(code, _whole(message, data), http_status, headers)[0]


def error_from(
    code: int | None,
    message: str,
    data: object,
    http_status: int,
    headers: Mapping[str, str],
    *,
    method: str = "",
) -> RpcError:
    """Return the refusal as an error, with what the provider suggests; endpoint and method are for the caller to set.

    An inverted suggestion is dropped. For a method that every node serves with a small answer, TooLarge and
    MethodUnsupported become Transport.
    """
    text = _whole(message, data)
    kind, match = _recognise(code, text, http_status, headers)
    shown = text[:SHOWN]
    if kind in (TooLarge, MethodUnsupported) and method in SMALL:
        return Transport(shown, code=code)
    if kind is TooLarge:
        limit = match.groupdict().get("limit") if match else None
        return TooLarge(shown, code=code, suggested=_suggestion(text), limit_blocks=_number(limit) if limit else None)
    if issubclass(kind, Throttled):
        return kind(shown, code=code, retry_after=_retry_after(text, headers))
    return kind(shown, code=code)


def _recognise(
    code: int | None, text: str, http_status: int, headers: Mapping[str, str]
) -> tuple[type[RpcError], re.Match[str] | None]:
    for rule in TEXTS:
        if match := rule.pattern.search(text):
            return rule.kind, match
    if code is not None and code in CODES:
        return CODES[code], None
    if http_status in STATUSES:
        return STATUSES[http_status], None
    if http_status >= 500:
        # A server that names its wait is asking for one (RFC 9110, 10.2.3).
        return (Throttled if _retry_after(text, headers) is not None else Transport), None
    return Refused, None


def _whole(message: str, data: object) -> str:
    """The telling text is in `message`, in `data`, or in a field of `data`."""
    detail = data if isinstance(data, str) else "" if data is None else json.dumps(data)
    return " ".join(part for part in (message[:READ].strip(), detail[:READ].strip()) if part)


def _number(text: str) -> int:
    text = text.lower()
    if text.startswith("0x"):
        return int(text, 16)
    if text.endswith("k"):
        return int(float(text[:-1]) * 1000)
    return int(text.replace(",", "").replace(".", ""))


def _suggestion(text: str) -> tuple[int, int] | None:
    match = SUGGESTION.search(text)
    if match is None:
        return None
    first, last = _number(match[1]), _number(match[2])
    return (first, last) if first <= last else None


def _retry_after(text: str, headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that a header or Infura's data names; dates are not understood."""
    named = next((value.strip() for name, value in headers.items() if name.lower() == "retry-after"), "")
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", named):
        return float(named)
    match = BACKOFF.search(text)
    return float(match[1]) if match else None
