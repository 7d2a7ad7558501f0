"""Answers that mean harm or came to it, each with what it must become."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any, NamedTuple

from indexer.rpc import Log, Refused, RpcError, TooLarge, Transport

from .samples import log_json
from .wires import Talk, head, repeats, sends, sized

LARGEST = 16 << 20
"""The bound on answers here, in bytes."""
MB = 1 << 20
OPEN = b'{"jsonrpc":"2.0","id":1,"result":'
ERROR = b'{"jsonrpc":"2.0","id":1,"error":'
CHUNKED = head("transfer-encoding: chunked")


class Hostile(NamedTuple):
    """`means` is the error that it must become, or the answer; `batch` is how many calls it answers as one."""

    name: str
    talk: Talk
    means: type[RpcError] | object
    result: Any = list[Log]
    batch: int = 0


def body(text: bytes, *headers: str, status: str = "200 OK") -> Talk:
    return sends(sized(text, *headers, status=status))


def filled(start: bytes, part: bytes, size: int, end: bytes = b"") -> Talk:
    """A body of about `size` bytes that says the same over and over; it is made while it is sent."""
    block = part * per_block(part)
    times = size // MB
    length = len(start) + times * len(block) + len(end)
    return repeats(head(f"content-length: {length}") + start, block, times, end)


def per_block(part: bytes) -> int:
    return MB // len(part)


def bomb() -> bytes:
    """Four gigabytes of spaces in four megabytes: blocks that refer to nothing before them can be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    blocks = [packer.compress(b" " * MB) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2)]
    return blocks[0] + blocks[1] * 4095


def table() -> list[Hostile]:
    log = json.dumps(log_json(16, 2)).encode()
    packed = bomb()
    return [
        Hostile("10 MB of opening brackets", filled(b"", b"[", 10 * MB), Transport),
        Hostile("10 MB of opening brackets in a result", filled(OPEN, b"[", 10 * MB), Transport),
        Hostile("10 MB of opening brackets in an error", filled(ERROR, b"[", 10 * MB), Transport),
        Hostile("10 MB of opening objects", filled(b"", b'{"a":', 10 * MB), Transport),
        Hostile("10 MB of opening objects in an id", filled(b'{"id":', b'{"a":', 10 * MB), Transport),
        Hostile("a tower of brackets that ends", body(OPEN + b"[" * 900 + b"]" * 900 + b"}"), Transport),
        Hostile("truncated JSON", body(OPEN + b"[" + log), Transport),
        Hostile("NaN", body(OPEN + b"[NaN]}"), Transport),
        Hostile("a number without end", filled(OPEN, b"9", 5 * MB, b"}"), Transport),
        Hostile("a number without end as id", filled(b'{"result":[],"id":', b"9", 5 * MB, b"}"), Transport),
        Hostile(
            "a number without end as code", filled(ERROR + b'{"code":', b"9", 5 * MB, b',"message":"x"}}'), Refused
        ),
        Hostile("an exponent", body(OPEN + b"1e999999999}"), Transport),
        Hostile(
            "300 MB of a string", repeats(head("content-length: 314572800") + OPEN + b'"', b"a" * MB, 300), TooLarge
        ),
        Hostile("300 MB without an end", repeats(head() + OPEN + b'"', b"a" * MB, 300), TooLarge),
        Hostile("300 MB in chunks", repeats(CHUNKED, b"100000\r\n" + b"a" * MB + b"\r\n", 300), TooLarge),
        Hostile("a gzip bomb", body(packed, "content-encoding: gzip"), TooLarge),
        Hostile(
            "a gzip bomb in a chunk",
            sends(head("transfer-encoding: chunked", "content-encoding: gzip"), b"%x\r\n" % len(packed), packed),
            TooLarge,
        ),
        Hostile("a gzip bomb in a gzip", body(gzip.compress(packed), "content-encoding: gzip, gzip"), TooLarge),
        Hostile(
            "a hundred gzips in each other", body(packed, "content-encoding: " + ", ".join(["gzip"] * 100)), Transport
        ),
        Hostile("deflated garbage", body(b"garbage", "content-encoding: deflate"), Transport),
        Hostile("zstd garbage", body(b"\x28\xb5\x2f\xfdgarbage", "content-encoding: zstd"), Transport),
        Hostile("zstd called nothing", body(b"\x28\xb5\x2f\xfd\x04\x00garbage"), Transport),
        Hostile("an encoding nobody knows", body(OPEN + b"[]}", "content-encoding: rot13"), []),
        Hostile("fewer bytes than promised", sends(head("content-length: 1000"), OPEN + b"[]}"), Transport),
        Hostile("more bytes than promised", sends(head("content-length: 36"), OPEN + b"[]}junk"), []),
        Hostile("a negative length", sends(head("content-length: -5"), OPEN + b"[]}"), []),
        Hostile("two lengths", sends(head("content-length: 3", "content-length: 36"), OPEN + b"[]}"), Transport),
        Hostile("a length that is no number", sends(head("content-length: many"), OPEN + b"[]}"), []),
        Hostile("a chunk of -1 bytes", sends(CHUNKED, b"-1\r\n" + b"a" * MB), Transport),
        Hostile("a chunk of -5 bytes", sends(CHUNKED, b"-5\r\n" + b"a" * MB), Transport),
        Hostile("a chunk that has no size", sends(CHUNKED, b"zz\r\n"), Transport),
        Hostile("a chunk's size without end", repeats(CHUNKED + b"5;", b"a" * MB, 100), Transport),
        Hostile("broken off in a chunk", sends(CHUNKED, b"100\r\n", OPEN), Transport),
        Hostile("trailers without end", repeats(CHUNKED + b"0\r\n", b"a: b\r\n" * 100_000, 1000), Transport),
        Hostile("a header without end", repeats(b"HTTP/1.1 200 OK\r\na: ", b"a" * MB, 100), Transport),
        Hostile("headers without end", repeats(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 100_000, 100), Transport),
        Hostile("a status without end", repeats(b"HTTP/1.1 200 ", b"O" * MB, 100), Transport),
        Hostile("interim answers without end", repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40_000, 100), Transport),
        Hostile("no HTTP", body(b"", status="twohundred"), Transport),
        Hostile("noise", sends(bytes(range(256)) * 100), Transport),
        Hostile("nothing", sends(), Transport),
        Hostile("another version of HTTP", sends(b"HTTP/9.9 200 OK\r\n\r\n" + OPEN + b"[]}"), Transport),
        Hostile("HTML with HTTP 200", filled(b"<html>", b"a", 10 * MB), Transport),
        Hostile("a redirect to itself", body(b"", "location: /", status="302 Found"), Transport),
        Hostile("the result twice", body(OPEN + b'[],"result":[%s]}' % log), 1),
        Hostile("an error, then none", body(ERROR + b'{"message":"new"},"error":null,"result":[]}'), []),
        Hostile("a wrong id", body(b'{"id":2,"result":[]}'), Transport),
        Hostile("true for an id", body(b'{"id":true,"result":[]}'), Transport),
        Hostile("a list for an id", filled(b'{"result":[],"id":[', b"[],", 10 * MB, b"[]]}"), Transport),
        Hostile("no UTF-8 in a result", body(OPEN + b'["\xff\xfe\x80"]}'), Transport),
        Hostile("no UTF-8 in an error", body(ERROR + b'{"message":"\xff\xfe\x80"}}'), Refused),
        Hostile("no UTF-8 in a name", body(OPEN + b'[],"\xff":1}'), []),
        Hostile("half a surrogate", body(ERROR + b'{"message":"\\ud800"}}'), Transport),
        Hostile("NUL in an error", body(ERROR + b'{"message":"a\\u0000b"}}'), Refused),
        Hostile("UTF-16", body((OPEN + b"[]}").decode().encode("utf-16")), Transport),
        Hostile("millions of zeros", filled(OPEN + b"[", b"0,", 12 * MB, b"0]}"), Transport),
        Hostile("millions of nulls", filled(OPEN + b"[", b"null,", 12 * MB, b"null]}"), Transport),
        Hostile("millions of empty lists", filled(OPEN + b"[", b"[],", 12 * MB, b"[]]}"), Transport),
        Hostile(
            "millions of objects beside a result", filled(b'{"id":1,"x":[', b"{},", 12 * MB, b'{}],"result":[]}'), []
        ),
        Hostile("millions of objects in an error", filled(ERROR + b"[", b"{},", 12 * MB, b"{}]}"), Refused),
        Hostile(
            "millions of objects in an error's message",
            filled(ERROR + b'{"message":[', b"{},", 12 * MB, b"0]}}"),
            Refused,
        ),
        Hostile(
            "12 MB of an error's data", filled(ERROR + b'{"message":"new","data":"', b"a", 12 * MB, b'"}}'), Refused
        ),
        Hostile(
            "12 MB of data beside a known text",
            filled(
                ERROR + b'{"code":-32000,"message":"exceed maximum block range: 50","data":[', b"{},", 12 * MB, b"0]}}"
            ),
            TooLarge,
        ),
        Hostile("12 MB of a code", filled(ERROR + b'{"message":"new","code":[', b"0,", 12 * MB, b"0]}}"), Refused),
        Hostile("12 MB of an unknown page", sends(sized(b"a" * 12 * MB, status="400 Bad Request")), Refused),
        Hostile("100,000 topics", body(OPEN + b"[" + with_topics(100_000) + b"]}"), Transport),
        Hostile("five topics", body(OPEN + b"[" + with_topics(5) + b"]}"), Transport),
        Hostile("logs of any type", body(OPEN + b"[" + log + b',1,"a",null]}'), Transport),
        Hostile("a null log among logs", body(OPEN + b"[" + log + b",null]}"), Transport),
        Hostile(
            "a block number beyond any",
            body(OPEN + log.replace(b'"0x10"', b'"0x%s"' % (b"f" * 64)) + b"}"),
            Transport,
            Log,
        ),
        Hostile("12 MB of a block number", filled(OPEN + b'[{"blockNumber":"0x', b"0", 12 * MB, b'"}]}'), Transport),
        Hostile("12 MB of logs", filled(OPEN + b"[", log + b",", 12 * MB, log + b"]}"), 12 * per_block(log + b",") + 1),
        Hostile("an error that is a number", body(ERROR + b"429}"), Refused),
        Hostile("an error that is false", body(ERROR + b"false}"), Refused),
        Hostile("an error that is a text", body(ERROR + b'"query returned more than 10000 results"}'), TooLarge),
        Hostile("an error that is a list", body(ERROR + b'[{"message":"exceed maximum block range: 50"}]}'), TooLarge),
        Hostile(
            "a message that is an object",
            body(ERROR + b'{"message":{"x":"exceed maximum block range: 50"}}}'),
            TooLarge,
        ),
        Hostile(
            "an error that names itself otherwise", body(ERROR + b'{"msg":"exceed maximum block range: 50"}}'), TooLarge
        ),
        Hostile("a batch for one call", body(b"[" + OPEN + b"[]}]"), Transport),
        Hostile("a batch of millions", filled(b"[", b"{},", 12 * MB, b"{}]"), Transport, batch=3),
        Hostile("a batch of millions of numbers", filled(b"[", b"0,", 12 * MB, b"0]"), Transport, batch=3),
        Hostile("a batch that is short", body(batch_of(1, 2)), Transport, batch=3),
        Hostile("a batch that is long", body(batch_of(1, 2, 3, 4)), Transport, batch=3),
        Hostile("a batch in another order", body(batch_of(3, 1, 2)), [2, 3, 1], int, batch=3),
        Hostile("a batch that says one thing twice", body(batch_of(1, 2, 2)), Transport, batch=3),
        Hostile("an empty batch", body(b"[]"), Transport, batch=3),
        Hostile("a single answer for a batch", body(OPEN + b"1}"), Refused, int, batch=3),
        Hostile("a null among a batch", body(b"[null," + batch_of(2, 3)[1:]), Transport, batch=3),
        Hostile(
            "12 MB of an error for a batch",
            filled(ERROR + b'{"message":"new","data":[', b"{},", 12 * MB, b"0]}}"),
            Refused,
            batch=3,
        ),
    ]


def with_topics(count: int) -> bytes:
    return json.dumps(log_json(16, 2) | {"topics": ["0x" + "ab" * 32] * count}).encode()


def batch_of(*ids: int) -> bytes:
    return json.dumps([{"jsonrpc": "2.0", "id": number, "result": ids.index(number) + 1} for number in ids]).encode()
