"""The texts, codes and HTTP statuses of providers, each with its meaning; captured ones, from public threads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from indexer.rpc.errors import (
    BlockUnknown,
    Forbidden,
    MethodUnsupported,
    NullRound,
    Pruned,
    QuotaSpent,
    RpcError,
    Throttled,
    TooLarge,
    Transport,
    What,
)

NUMBER = r"(?>0x[0-9a-f]{1,64}|\d{1,9}(?:\.\d{1,9})?k\b|\d{1,3}(?:[,.]\d{3}){1,9}|\d{1,40})"
"""10000, 10,000, 2K, 1.5k and 0x7d0, as providers write them. Atomic: a number is taken whole or not at all."""


class Rule(NamedTuple):
    """A text and what it means, unless it comes with one of the HTTP statuses in `but`.

    A group named `limit` holds the greatest number of blocks per request, one named `addresses` that of addresses, one
    named `block` the block spoken of. `what` is what TooLarge wants less of.
    """

    kind: type[RpcError]
    pattern: re.Pattern[str]
    but: frozenset[int] = frozenset()
    what: What = "range"


def _rules(
    kind: type[RpcError], *patterns: str, but: frozenset[int] = frozenset(), what: What = "range"
) -> tuple[Rule, ...]:
    """`^` and `$` are the ends of the message, or of one text in its data."""
    spelled = (
        pattern.replace("LIMIT", f"(?P<limit>{NUMBER})")
        .replace("ADDRESSES", f"(?P<addresses>{NUMBER})")
        .replace("BLOCK", f"(?P<block>{NUMBER})")
        .replace("NUM", NUMBER)
        for pattern in patterns
    )
    return tuple(Rule(kind, re.compile(pattern, re.IGNORECASE | re.MULTILINE), but, what) for pattern in spelled)


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
    *_rules(NullRound, r"requested epoch was a null round(?: \(BLOCK\))?"),  # Lotus
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
    *_rules(
        TooLarge,
        r"query contains NUM filters\. the current limit is ADDRESSES",  # Infura
        r"specify less number of address",
        r"exceed max addresses or topics per search position",  # geth
        what="addresses",
    ),
    # Results and time: the size that worked says nothing about the next range, so none names a limit.
    *_rules(
        TooLarge,
        r"log response size exceeded",  # Alchemy; its 2K is no limit: any range with few enough logs works
        r"query returned more than NUM results",
        r"query exceeds max results",
        r"logs matched by query exceeds limit of NUM",
        r"response size should not (?:be )?greater than",
        r"response (?:is )?too (?:big|large)",
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
    # BSC's public nodes say so of a method that is switched off; with HTTP 429 the words are meant.
    *_rules(MethodUnsupported, r"^limit exceeded$", but=frozenset({429})),
    *_rules(MethodUnsupported, r"please specify (?:an )?address in your request"),  # topics alone are not served
    *_rules(
        Forbidden,
        r"api key is not allowed to access",
        r"invalid api key",
        r"key is inactive",
    ),
    *_rules(
        QuotaSpent,
        r"monthly capacity limit exceeded",
        r"daily request count exceeded",
        r"exceeded the quota",
        r"reached the free tier",
    ),
    *_rules(
        Throttled,
        r"compute units per second",
        r"request rate limited",
        r"/second request limit reached",
        r"credits limited to NUM/sec",
        r"not enough cups left",
        r"rate limit exceeded",
        r"too many requests",
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
    -32052: Forbidden,  # the key is not allowed to access this chain
    -32614: TooLarge,  # QuickNode
}
"""Codes with one meaning, where the text is not known. -32000, -32005, -32600, -32602 and -32603 mean anything."""

STATUSES: Mapping[int, type[RpcError]] = {
    401: Forbidden,
    402: QuotaSpent,  # the bill is not paid
    403: Forbidden,
    404: Forbidden,  # a wrong path
    408: Transport,
    410: Forbidden,
    413: TooLarge,
    429: Throttled,
}
"""HTTP statuses with one meaning, where neither text nor code is known."""

SMALL = frozenset({"eth_blockNumber", "eth_chainId", "eth_getBlockByHash", "eth_getBlockByNumber"})
"""Every node serves these and their answers are small: told otherwise, the provider is not well."""
