"""The texts providers really send, each with what a caller must do about it."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from indexer.rpc import (
    BlockUnknown,
    Endpoint,
    MethodUnsupported,
    Pruned,
    Refused,
    RpcError,
    Throttled,
    TooLarge,
    Transport,
    classify,
)
from indexer.rpc.errors import READ, TEXTS, QuotaSpent, error_from

from .scripted import ScriptedNode, each, refusing, sending


class Case(NamedTuple):
    who: str
    code: int | None
    text: str
    limit: int | None = None
    suggested: tuple[int, int] | None = None
    data: Any = None


TOO_LARGE = [
    Case(
        "Alchemy",
        -32602,
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range and no limit on the "
        "response size, or you can request any block range with a cap of 10K logs in the response. Based on your "
        "parameters and the response size limit, this block range should work: [0x0, 0xd043b8]",
        suggested=(0, 0xD043B8),
    ),
    Case(
        "Alchemy, free",
        -32600,
        "You can make eth_getLogs requests with up to a 500 block range. Based on your parameters, this block range "
        "should work: [0x1a30dfd, 0x1a30ff0]",
        limit=500,
        suggested=(0x1A30DFD, 0x1A30FF0),
    ),
    Case("Alchemy, old", None, "Log response size exceeded. Please reduce query block range."),
    Case(
        "Alchemy, inverted suggestion",
        None,
        "Log response size exceeded. this block range should work: [0x20, 0x10]",
    ),
    Case(
        "Infura",
        -32005,
        "query returned more than 10000 results. Try with this block range [0xBDE5F8, 0x102DBCC].",
        suggested=(0xBDE5F8, 0x102DBCC),
        data={"from": "0xBDE5F8", "limit": 10000, "to": "0x102DBCC"},
    ),
    Case("Infura, 2026", -32602, "range 1000000 exceeds limit of 10000", limit=10000),
    Case("Infura", None, "This query contains 5006 filters. The current limit is 5000."),
    Case(
        "zkSync Era",
        -32602,
        "Query returned more than 10000 results. Try with this block range [0x118dc91, 0x1198cc3].",
        suggested=(0x118DC91, 0x1198CC3),
    ),
    Case(
        "Tenderly",
        None,
        "Query returned more than 20000 results. Try with this block range [0xa6bba9, 0xa8680d].",
        suggested=(0xA6BBA9, 0xA8680D),
    ),
    Case(
        "Tenderly, in data",
        -32602,
        "invalid params",
        limit=2000,
        data={"payload": "range 9009594 is bigger than range limit 2000"},
    ),
    Case("QuickNode, a comma", -32614, "eth_getLogs is limited to a 10,000 range", limit=10000),
    Case("1RPC", None, "eth_getLogs is limited to a 1000 blocks range", limit=1000),
    Case("1RPC", None, "response size should not greater than 10000000 bytes"),
    Case("Blast", -32602, "eth_getLogs is limited to a 10,000 range", limit=10000),
    Case(
        "Blast, paid, in data",
        -32602,
        "Invalid params",
        limit=2000,
        data={"range": "the range 55074203 - 55124202 exceeds the range allowed for your plan (49999 > 2000)."},
    ),
    Case("BlockPI", None, "eth_getLogs is limited to 1024 block range", limit=1024),
    Case("Ankr", -32600, "block range is too wide"),
    Case("Ankr", -32600, "query exceeds max results"),
    Case("TAC", -32600, "maximum [from, to] blocks distance: 10000", limit=10000),
    Case(
        "Chainstack",
        -32602,
        "Block range limit exceeded. See more details at https://docs.chainstack.com/docs/limits#evm-range-limits",
    ),
    Case("PublicNode", -32000, "exceed maximum block range: 50000", limit=50000),
    Case("BSC", -32000, "exceed maximum block range: 5000", limit=5000),
    Case("Polygon, asked first", -32005, "eth_getLogs block range too large, range: 138001, max: 100000", limit=100000),
    Case("dRPC", None, "ranges over 10000 blocks are not supported on freetier", limit=10000),
    Case("Cloudflare", None, "Max range: 800", limit=800),
    Case("Cloudflare", None, "Max range: 3500", limit=3500),
    Case("thirdweb", None, "Maximum allowed number of requested blocks is 1000", limit=1000),
    Case("Coinbase", None, "please limit the query to at most 1000 blocks", limit=1000),
    Case("Merkle, k", None, "eth_getLogs range is too large, max is 10k blocks", limit=10000),
    Case("Merkle, k", None, "eth_getLogs range is too large, max is 1k blocks", limit=1000),
    Case("Merkle, a fraction of k", None, "eth_getLogs range is too large, max is 1.5k blocks", limit=1500),
    Case("Merkle, hex", None, "eth_getLogs range is too large, max is 0x7d0 blocks", limit=2000),
    Case("Merkle, dots", None, "eth_getLogs range is too large, max is 10.000 blocks", limit=10000),
    Case("Llama", -32602, "query exceeds max results 20000"),
    Case(
        "reth",
        -32602,
        "query exceeds max results 20000, retry with the range 6000000-6000509",
        suggested=(6000000, 6000509),
    ),
    Case("altitude", None, "allowed block range threshold exceeded"),
    Case("reth", -32008, "Response is too big", data="Exceeded max limit of 167772160"),
    Case("jsonrpsee, the code alone", -32008, "oversized"),
    Case("Base", None, "no backend is currently healthy to serve traffic"),
    Case("Base", None, "block range too large"),
    Case("Optimism", None, "Block range is too large"),
    Case("Optimism", None, "backend response too large"),
    Case("Arbitrum", None, "logs matched by query exceeds limit of 10000"),
    Case("Avalanche", -32000, "requested too many blocks from 1 to 4000, maximum is set to 2048", limit=2048),
    Case("Hyperliquid", None, "query exceeds max block range 50", limit=50),
    Case("Sei, asked first", None, "block range too large (2000), maximum allowed is 1000 blocks", limit=1000),
    Case("Moonbeam", None, "block range is too wide (maximum 1024)", limit=1024),
    Case("Harmony", None, "query must be smaller than size 1024", limit=1024),
    Case("Swell", None, "block range greater than 1000 max", limit=1000),
    Case("Somnia", None, "block range exceeds 1000", limit=1000),
    Case("Aurora", None, "up to a 2000 block range", limit=2000),
    Case("Tron", None, "exceed max block range: 5000", limit=5000),
    Case("Polygon zkEVM, of a block hash", -32602, "logs are limited to a 10000 block range", limit=10000),
    Case("Polygon zkEVM", -32602, "query returned more than 10000 results"),
    Case(
        "Morph, asked first",
        -32000,
        "block range is larger than max block range, block range = 5120, max block range = 5000",
        limit=5000,
    ),
    Case("Candle", -32600, "block range too high"),
    Case("Aurora", -32005, "query returned more than 10000 results"),
    Case("Aurora", -32603, "Internal Error - canceling statement due to statement timeout. "),
    Case("ZetaChain, of one block", -32000, "query returned more than 10000 results"),
    Case("address cap", None, "specify less number of address"),
    Case("geth, address cap", None, "exceed max addresses or topics per search position"),
    Case("timeout", None, "query timeout exceeded"),
    Case("timeout", None, "execution timeout"),
    Case("timeout", None, "execution aborted (timeout = 5s)"),
    Case("timeout", -32002, "request timed out"),
    Case(
        "eRPC, timeout",
        None,
        "failsafe timeout policy exceeded on network-level after 12.1529531s: timeout exceeded",
    ),
]

THROTTLED = [
    Case(
        "Alchemy",
        429,
        "Your app has exceeded its compute units per second capacity. If you have retries enabled, you can safely "
        "ignore this message. If not, check out https://docs.alchemy.com/reference/throughput",
    ),
    Case(
        "Alchemy, quota",
        -32000,
        "Monthly capacity limit exceeded. Visit https://dashboard.alchemyapi.io/settings/billing to upgrade your "
        "scaling policy for continued service.",
    ),
    Case("Infura", -32005, "daily request count exceeded, request rate limited"),
    Case(
        "QuickNode",
        -32007,
        "300/second request limit reached - reduce calls per second or upgrade your account at quicknode.com",
    ),
    Case("QuickNode, limited to", -32012, "credits limited to 6000/sec"),
    Case("QuickNode, the text alone", None, "credits limited to 6000/sec"),
    Case("QuickNode, the code alone", -32009, "slow down"),
    Case("dRPC", 42903, "There are not enough CUPs left to cover the CU required for current request."),
    Case("a gateway", -32029, "Rate limit exceeded. Consider upgrading your plan to increase your rate limit."),
    Case("any", None, "Too many requests"),
    Case("any", None, "Exceeded the quota"),
    Case("any", None, "You have reached the free tier"),
    Case("any, limited to", None, "requests limited to 100 per second"),
    Case("any", None, "node is under too much load"),
    Case("any", None, "No server available"),
    Case("any", None, "please upgrade your tier"),
    Case("Llama, Cloudflare", None, "code: 1015"),
    Case("a body code alone", 429, "nothing known"),
]

PRUNED = [
    Case("geth, reth", 4444, "pruned history unavailable"),
    Case("geth, the code alone", 4444, "gone"),
    Case("Nethermind", -32000, "Receipt not available for From block 5."),
    Case("a node", -32000, "failed to get logs for block #0 (0xd4e567..cb8fa3)"),
    Case("Erigon", -32000, "seek with txNum=100 but data before txNum=2000 is not available"),
    Case("a gateway", -32043, "Requested data is not available"),
    Case("Cosmos", -32000, "height is not available (requested height: 138913957, base height: 155251499)"),
    Case("geth", -32000, "missing trie node 0x12"),
    Case("AuRa", -32000, "header not found"),
    Case("a node", -32000, "No state available for block 5"),
]

BLOCK_UNKNOWN = [
    Case("geth, anvil", -32000, "unknown block"),
    Case("a node", -32000, "block not found"),
    Case("a node", -32000, "could not find block"),
    Case("a node", -32019, "block is out of range"),
    Case("the code alone", -32019, "beyond"),
    Case("geth", -32000, "hash 0xab is not currently canonical"),
    Case("eRPC", -32603, "upstream does not have the requested block yet"),
    Case("Avalanche", -32000, "requested to block 5 after last accepted block 4"),
    Case("Avalanche", -32000, "cannot query unfinalized data"),
    Case("Hyperliquid", -32602, "invalid block height"),
    Case("Hyperliquid, of the future", -32602, "invalid block range"),
    Case("any", None, "Node behind"),
    Case("geth, new", -32602, "block range extends beyond current head block"),
    Case("anvil", -32602, "BlockOutOfRangeError: block height is 6 but requested was 16"),
]

UNSUPPORTED = [
    Case("JSON-RPC", -32601, "the method eth_getBlockReceipts does not exist/is not available"),
    Case("QuickNode", -32612, "off"),
    Case("QuickNode", -32613, "off"),
    Case("BSC, no rate limit", -32005, "limit exceeded"),
    Case(
        "PublicNode BSC",
        -32701,
        "Please specify address in your request or, to remove restrictions, order a dedicated full node here: "
        "https://www.allnodes.com/bnb/host",
    ),
]

REFUSED = [
    Case("Polygon Amoy", -32000, "ReceiptGen.GetReceipt: txn is a state-sync transaction"),
    Case("Hyperliquid", None, "Unexpected error (code=40000)"),
    Case("dRPC", -32052, "message: API key is not allowed to access blockchain, json-rpc code: -32052, rest code: 403"),
    Case("a key", None, "invalid api key"),
    Case("a key", None, "key is inactive"),
    Case("no text", -32000, ""),
    Case("a code of many meanings", -32005, "some new limit"),
    Case("a text that is no range", -32000, "this plan is limited to a certain region"),
]

TRANSPORT = [
    Case(
        "dRPC",
        12,
        "Can't route your request to suitable provider, if you specified certain providers revise the list",
    ),
]

KINDS: list[tuple[type[RpcError], list[Case]]] = [
    (TooLarge, TOO_LARGE),
    (Throttled, THROTTLED),
    (Pruned, PRUNED),
    (BlockUnknown, BLOCK_UNKNOWN),
    (MethodUnsupported, UNSUPPORTED),
    (Refused, REFUSED),
    (Transport, TRANSPORT),
]
ALL = [
    pytest.param(kind, case, id=f"{kind.__name__}: {case.who}: {case.text[:40]}")
    for kind, cases in KINDS
    for case in cases
]


@pytest.mark.parametrize(("kind", "case"), ALL)
def test_a_text_has_its_meaning(kind: type[RpcError], case: Case) -> None:
    assert classify(case.code, case.text, case.data, 200, {}) is kind


@pytest.mark.parametrize(("kind", "case"), ALL)
def test_a_text_means_the_same_with_any_http_status(kind: type[RpcError], case: Case) -> None:
    if kind is not Refused:
        for status in (400, 413, 429, 503):
            assert classify(case.code, case.text, case.data, status, {}) is kind


@pytest.mark.parametrize(("kind", "case"), ALL)
def test_a_text_means_the_same_inside_data(kind: type[RpcError], case: Case) -> None:
    anchored = case.text.lower() in ("limit exceeded", "invalid block range")
    if kind is not Refused and not anchored and case.data is None:
        for data in (case.text, {"reason": case.text}, [case.text]):
            assert classify(case.code, "Server error", data, 200, {}) is kind


@pytest.mark.parametrize(("kind", "case"), ALL)
def test_no_text_is_claimed_by_rules_of_two_kinds(kind: type[RpcError], case: Case) -> None:
    assert {rule.kind for rule in TEXTS if rule.pattern.search(case.text)} <= {kind}


def test_every_rule_is_needed_by_some_text() -> None:
    texts = [case.text if case.data is None else str(case.data) + case.text for _, cases in KINDS for case in cases]
    assert [r.pattern.pattern for r in TEXTS if not any(r.pattern.search(text) for text in texts)] == []


@pytest.mark.parametrize("case", TOO_LARGE, ids=lambda case: f"{case.who}: {case.text[:40]}")
def test_a_refusal_names_its_limit_and_its_suggestion(case: Case) -> None:
    error = error_from(case.code, case.text, case.data, 200, {}, method="eth_getLogs")
    assert isinstance(error, TooLarge)
    assert (error.limit_blocks, error.suggested) == (case.limit, case.suggested)


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (402, {}, QuotaSpent),  # the bill is not paid
        (408, {}, Transport),
        (413, {}, TooLarge),
        (429, {}, Throttled),
        (500, {}, Transport),
        (503, {}, Transport),
        (503, {"Retry-After": "3"}, Throttled),  # it names its wait
        (520, {}, Transport),
        (200, {}, Refused),
        (400, {}, Refused),
        (401, {}, Refused),
        (403, {}, Refused),
        (410, {}, Refused),
    ],
)
def test_an_unknown_text_means_what_its_http_status_means(
    status: int, headers: dict[str, str], kind: type[RpcError]
) -> None:
    assert classify(-32000, "something new", None, status, headers) is kind


@pytest.mark.parametrize(
    ("headers", "data", "seconds"),
    [
        ({"Retry-After": "7"}, None, 7.0),
        ({"retry-after": " 1.5 "}, None, 1.5),
        ({}, {"backoff_seconds": 30, "rate": {}}, 30.0),  # Infura
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None, None),
        ({"Retry-After": "-5"}, None, None),
        ({"Retry-After": "nan"}, None, None),
        ({}, None, None),
    ],
)
def test_the_wait_a_provider_names_is_read(headers: dict[str, str], data: Any, seconds: float | None) -> None:
    error = error_from(429, "Too many requests", data, 429, headers)
    assert isinstance(error, Throttled)
    assert error.retry_after == seconds


@pytest.mark.parametrize("text", ["Method not found", "no backend is currently healthy to serve traffic"])
def test_a_method_every_node_serves_is_never_off_nor_too_large(text: str) -> None:
    assert type(error_from(-32601, text, None, 200, {}, method="eth_blockNumber")) is Transport


def test_a_text_of_any_size_is_bounded_and_harmless() -> None:
    for text in ("max is " + "9" * 100_000 + "k blocks", "max range: " + "1," * 100_000, "[0x" + "f" * 100_000):
        error = error_from(-32000, text, {"deep": [text]}, 200, {})
        assert len(error.text) < READ


ENVELOPES = {
    "HTTP 200": lambda case: refusing(case.code or -32000, case.text, case.data),
    "HTTP 400": lambda case: refusing(case.code or -32000, case.text, case.data, status=400),
    "HTTP 413": lambda case: refusing(case.code or -32000, case.text, case.data, status=413),
    "HTTP 503": lambda case: refusing(case.code or -32000, case.text, case.data, status=503),
    "in data": lambda case: refusing(case.code or -32000, "Server error", case.data or case.text),
    "bare object": lambda case: sending(
        b'{"code":%d,"message":"%s"}' % (case.code or -32000, case.text.encode()), status=400
    ),
    "plain text": lambda case: sending(case.text.encode(), status=400),
}


@pytest.mark.parametrize("envelope", ENVELOPES)
@pytest.mark.parametrize("who", [TOO_LARGE[0], TOO_LARGE[2], THROTTLED[0], THROTTLED[4], PRUNED[0], BLOCK_UNKNOWN[0]])
def test_a_text_is_understood_over_a_socket_in_any_envelope(
    who: Case, envelope: str, scripted: ScriptedNode, endpoint: Endpoint
) -> None:
    kind = next(kind for kind, cases in KINDS if who in cases)
    scripted.always = ENVELOPES[envelope](who)
    with pytest.raises(kind):
        endpoint.call("eth_getLogs", [{}], list[str])


@pytest.mark.parametrize("who", [TOO_LARGE[1], THROTTLED[4], BLOCK_UNKNOWN[0]])
def test_a_text_is_understood_in_an_element_of_a_batch(who: Case, scripted: ScriptedNode, endpoint: Endpoint) -> None:
    kind = next(kind for kind, cases in KINDS if who in cases)
    scripted.always = each(lambda call: {"code": who.code, "message": who.text} if call["id"] == 2 else "0x1")
    with pytest.raises(kind):
        endpoint.batch("eth_getLogs", [[{}], [{}], [{}]], str)
