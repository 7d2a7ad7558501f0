"""Every way a node can fail, one exception class per way a caller handles it."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict, Unpack

What: TypeAlias = Literal["range", "addresses"]
"""What a provider wants less of."""


class Where(TypedDict, total=False):
    """What every RpcError may be given."""

    endpoint: str
    method: str
    code: int | None


class RpcError(Exception):
    """A node did not give what was asked.

    `endpoint` is a label, never a URL; `text` is the provider's own text (shortened), `code` its JSON-RPC code and
    `status` that of HTTP, None where there was none. `blocks` are the first and the last asked for, set by who asked.
    """

    status: int | None = None
    blocks: tuple[int, int] | None = None

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

    `what` is to be less: "range" (fewer blocks, or fewer of everything) or "addresses" (fewer contracts or topics, over
    the same blocks). `suggested` is the range the provider says would work (first and last block, ordered);
    `limit_blocks` the greatest number of blocks per request it named, `limit_addresses` that of addresses. All are
    claims: a suggestion may equal what was asked.
    """

    def __init__(
        self,
        text: str,
        *,
        suggested: tuple[int, int] | None = None,
        limit_blocks: int | None = None,
        what: What = "range",
        limit_addresses: int | None = None,
        **where: Unpack[Where],
    ) -> None:
        super().__init__(text, **where)
        self.what = what
        self.limit_addresses = limit_addresses
        self.suggested = suggested
        self.limit_blocks = limit_blocks


class Throttled(RpcError):
    """Too many requests: wait `retry_after` seconds where the provider named them, which is a claim of any size."""

    def __init__(
        self,
        text: str,
        *,
        retry_after: float | None = None,
        **where: Unpack[Where],
    ) -> None:
        super().__init__(text, **where)
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


class NullRound(RpcError):
    """There is no block at this height and never will be (Filecoin); `block` is the height where the node named it."""

    def __init__(
        self,
        text: str,
        *,
        block: int | None = None,
        **where: Unpack[Where],
    ) -> None:
        super().__init__(text, **where)
        self.block = block


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
