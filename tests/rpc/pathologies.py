"""The rows of rpc-pathologies.md that are texts: what providers really sent, and what a caller must do about each.

One table for the tests of the error classes and for the simulation. `section` is the facts' own; `statuses` are the
HTTP statuses that a text is known with or, where nobody wrote them down, 200.
"""

from __future__ import annotations

from indexer.rpc import (
    BlockUnknown,
    Forbidden,
    MethodUnsupported,
    NullRound,
    Pruned,
    QuotaSpent,
    Throttled,
    TooLarge,
    Transport,
)

from .cases import Case, Page
from .range_texts import RANGES

RATES = (
    Case(
        "Alchemy, compute units",
        "5.2",
        429,
        "Your app has exceeded its compute units per second capacity. If you have retries enabled, you "
        "can safely ignore this message. If not, check out https://docs.alchemy.com/reference/throughput",
        Throttled,
        statuses=(200, 429),
    ),
    Case(
        "Alchemy, the month's quota",
        "5.2",
        -32000,
        "Monthly capacity limit exceeded. Visit https://dashboard.alchemyapi.io/settings/billing to "
        "upgrade your scaling policy for continued service.",
        QuotaSpent,
        statuses=(200, 429),
    ),
    Case(
        "Infura, the day's quota",
        "5.2",
        -32005,
        "daily request count exceeded, request rate limited",
        QuotaSpent,
        data={
            "rate": {"allowed_rps": 1, "backoff_seconds": 30, "current_rps": 1.4},
            "see": "https://infura.io/dashboard",
        },
        statuses=(200, 429),
        wait=30.0,
    ),
    Case(
        "QuickNode, requests a second",
        "5.2",
        -32007,
        "300/second request limit reached - reduce calls per second or upgrade your account at quicknode.com",
        Throttled,
        statuses=(200, 429),
    ),
    Case("QuickNode, credits a second", "5.2", -32012, "credits limited to 6000/sec", Throttled),
    Case("QuickNode, a rate code with a new text", "5.2", -32009, "slow down", Throttled),
    Case("QuickNode, another rate code with a new text", "5.2", -32007, "slow down", Throttled),
    Case("QuickNode, a range code with a new text", "5.2", -32614, "ask for less", TooLarge, statuses=(413,)),
    Case("QuickNode, method off", "5.2", -32612, "not on this plan", MethodUnsupported),
    Case("QuickNode, method off here", "5.2", -32613, "not on this network", MethodUnsupported),
    Case(
        "dRPC, compute units",
        "5.2",
        42903,
        "There are not enough CUPs left to cover the CU required for current request.",
        Throttled,
    ),
    Case(
        "Ankr through dRPC, a key without this chain",
        "5.2",
        -32052,
        "message: API key is not allowed to access blockchain, json-rpc code: -32052, rest code: 403",
        Forbidden,
        statuses=(200, 403),
    ),
    Case(
        "dRPC, no provider behind it",
        "5.2",
        12,
        "Can't route your request to suitable provider, if you specified certain providers revise the list",
        Transport,
        statuses=(400,),
    ),
    Case(
        "a gateway, rate",
        "5.2",
        -32029,
        "Rate limit exceeded. Consider upgrading your plan to increase your rate limit.",
        Throttled,
        statuses=(200, 429),
    ),
    Case("too many requests", "5.2", None, "Too many requests", Throttled, statuses=(200, 429)),
    Case("the quota is used up", "5.2", None, "Exceeded the quota", QuotaSpent),
    Case("the free plan is used up", "5.2", None, "You have reached the free tier", QuotaSpent),
    Case("requests limited to a number", "5.2", None, "requests limited to 100 per second", Throttled),
    Case("too much load", "5.2", None, "node is under too much load", Throttled),
    Case("no server", "5.2", None, "No server available", Throttled),
    Case("a greater plan", "5.2", None, "please upgrade your tier", Throttled),
    Case("Llama behind Cloudflare", "5.2", None, "code: 1015", Throttled, statuses=(200, 429)),
    Case("an unknown key", "5.2", None, "invalid api key", Forbidden, statuses=(200, 401, 403)),
    Case("a key that is off", "5.2", None, "key is inactive", Forbidden, statuses=(200, 401, 403)),
)
"""Section 5.2: rates, quotas and keys."""

BLOCKS = (
    Case("pruned: geth and reth", "5.3 #6", 4444, "pruned history unavailable", Pruned),
    Case("pruned: Nethermind", "5.3 #6", -32000, "Receipt not available for From block 5.", Pruned),
    Case("pruned: logs of the genesis", "5.3 #6", -32000, "failed to get logs for block #0 (0xd4e567..cb8fa3)", Pruned),
    Case("pruned: Erigon", "5.3 #6", -32000, "seek with txNum=100 but data before txNum=2000 is not available", Pruned),
    Case("pruned: a gateway", "5.3 #6", -32043, "Requested data is not available", Pruned),
    Case(
        "pruned: Cosmos",
        "5.3 #6",
        -32000,
        "height is not available (requested height: 138913957, base height: 155251499)",
        Pruned,
    ),
    Case("pruned: geth, state", "5.3 #6", -32000, "missing trie node 0x12", Pruned),
    Case("pruned: AuRa", "5.3 #6", -32000, "header not found", Pruned),
    Case("pruned: no state", "5.3 #6", -32000, "No state available for block 5", Pruned),
    Case("unknown block: geth and anvil", "5.3 #19", -32000, "unknown block", BlockUnknown),
    Case("unknown block: block not found", "5.3 #19", -32000, "block not found", BlockUnknown),
    Case("unknown block: could not find", "5.3 #19", -32000, "could not find block", BlockUnknown),
    Case("unknown block: out of range", "5.3 #19", -32019, "block is out of range", BlockUnknown),
    Case("unknown block: the code alone", "5.3 #19", -32019, "beyond", BlockUnknown),
    Case("unknown block: not canonical", "5.3 #19", -32000, "hash 0xab is not currently canonical", BlockUnknown),
    Case("unknown block: eRPC", "5.3 #19", -32603, "upstream does not have the requested block yet", BlockUnknown),
    Case(
        "unknown block: Avalanche, accepted",
        "5.3 #19",
        -32000,
        "requested to block 5 after last accepted block 4",
        BlockUnknown,
    ),
    Case("unknown block: Avalanche, unfinalized", "5.3 #19", -32000, "cannot query unfinalized data", BlockUnknown),
    Case("unknown block: Hyperliquid", "5.3 #19", -32602, "invalid block height", BlockUnknown),
    Case("unknown block: behind", "5.3 #19", None, "Node behind", BlockUnknown),
    Case("unknown block: new geth", "5.3 #19", -32602, "block range extends beyond current head block", BlockUnknown),
    Case(
        "unknown block: new anvil",
        "5.3 #19",
        -32602,
        "BlockOutOfRangeError: block height is 6 but requested was 16",
        BlockUnknown,
    ),
    Case("null round: Lotus", "5.3 #20", 12, "requested epoch was a null round (3847253)", NullRound, block=3847253),
    Case("null round: Lotus, without its number", "5.3 #20", 12, "requested epoch was a null round", NullRound),
)
"""Section 5.3, rows 6, 19 and 20: history that is gone, blocks that are not there yet, heights without one."""

CASES = (*RANGES, *RATES, *BLOCKS)

PAGES = (
    Page("the bill is not paid", "5.2", 402, "payment required", QuotaSpent),
    Page("no key", "5.2", 401, "Unauthorized", Forbidden),
    Page("a key without rights", "5.2", 403, '{"message": "Forbidden"}', Forbidden),
    Page("a firewall", "5.2", 403, "<!DOCTYPE html><html><title>Attention Required!</title></html>", Forbidden),
    Page("dRPC, withdrawn", "5.2", 410, "", Forbidden),
    Page("a wrong path", "5.2", 404, "404 page not found", Forbidden),
    Page("Alchemy behind Cloudflare", "5.2", 520, "<html>Web server is returning an unknown error</html>", Transport),
    Page("Alchemy behind Cloudflare, TLS", "5.2", 525, "<html>SSL handshake failed</html>", Transport),
    Page("a bad gateway", "5.2", 502, "<html><h1>502 Bad Gateway</h1></html>", Transport),
    Page("unavailable", "5.2", 503, "<html><h1>503 Service Unavailable</h1></html>", Transport),
    Page("a gateway's timeout", "5.2", 504, "<html><h1>504 Gateway Time-out</h1></html>", Transport),
    Page("unavailable for a while", "5.2", 503, "", Throttled, (("Retry-After", "3"),), wait=3.0),
    Page("Cloudflare, rate", "5.2", 429, "error code: 1015", Throttled),
    Page("too many requests, seconds", "5.2", 429, "<html></html>", Throttled, (("Retry-After", "7"),), wait=7.0),
    Page(
        "too many requests, a date",
        "5.2",
        429,
        "{}",
        Throttled,
        (("Date", "Thu, 26 Nov 2026 12:00:00 GMT"), ("Retry-After", "Thu, 26 Nov 2026 12:01:30 GMT")),
        wait=90.0,
    ),
    Page("HTML with HTTP 200", "5.3 #18", 200, "<html>Too many requests</html>", Transport),
    Page("nothing with HTTP 200", "5.3 #18", 200, "", Transport),
    Page("truncated JSON", "5.3 #18", 200, '{"jsonrpc":"2.0","id":1,"result":[', Transport),
    Page("neither result nor error", "5.3 #7", 200, '{"jsonrpc":"2.0","id":1}', Transport),
    Page("an empty object", "5.3 #7", 200, "{}", Transport),
)
"""Sections 5.2 and 5.3, rows 7 and 18: bodies that are no JSON-RPC answer."""

__all__ = ["BLOCKS", "CASES", "PAGES", "RANGES", "RATES", "Case", "Page"]
