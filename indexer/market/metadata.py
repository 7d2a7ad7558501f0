"""Services that know tokens by their addresses, each with a key of ours: what they call them.

Alchemy: alchemy_getTokenMetadata, one address each (alchemy.com/docs, Token API). Moralis: GET /erc20/metadata, several
addresses of a chain at once (docs.moralis.com, EVM API v2.2). Of what is no token they say null or empty fields.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import msgspec
from django.conf import settings

from indexer.market.source import Host, Source, SourceError, Unpaid
from indexer.tasks.declaring import Run
from indexer.tasks.hints import TOO_MANY

NETWORKS: Mapping[int, str] = MappingProxyType(
    {
        1: "eth-mainnet",
        10: "opt-mainnet",
        56: "bnb-mainnet",
        100: "gnosis-mainnet",
        137: "polygon-mainnet",
        324: "zksync-mainnet",
        8453: "base-mainnet",
        42161: "arb-mainnet",
        43114: "avax-mainnet",
        59144: "linea-mainnet",
        534352: "scroll-mainnet",
    }
)
"""What Alchemy calls chains, by chain id."""
MORALIS_CHAINS = frozenset({1, 10, 56, 100, 137, 8453, 42161, 43114, 59144})
METADATA = "/api/v2.2/erc20/metadata"
MOST_AT_ONCE = 10
"""Addresses of a request to Moralis."""
NO_TOKEN = -32602
"""Alchemy's error where an address is not what its method takes."""
ATTEMPTS = 3
T = TypeVar("T")


class Metadata(msgspec.Struct):
    """Of a token; what is not known is null or empty."""

    symbol: str | None = None


class Refusal(msgspec.Struct):
    code: int
    message: str = ""


class Envelope(msgspec.Struct):
    """JSON-RPC 2.0."""

    result: Metadata | None = None
    error: Refusal | None = None


class Row(msgspec.Struct):
    address: str
    symbol: str | None = None
    possible_spam: bool = False


class Service(ABC):
    """One of them, to be used in `with`, by one thread."""

    api: str
    chains: frozenset[int]

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.close()

    @abstractmethod
    def symbols(self, run: Run, chain_id: int, addresses: Sequence[str]) -> dict[str, str]:
        """By address, in lower case as given; what is not known, and what is taken for spam, is not in it.

        Raises SourceError, Unpaid, and what `run` raises, such as Wait.
        """

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Some failures pass: `run.reserve` waits between the attempts for as long as the service wants."""
        for _ in range(ATTEMPTS - 1):
            try:
                return ask()
            except Unpaid:
                raise
            except SourceError:
                continue
        return ask()

    def _source(self, host: Host) -> Source:
        if host.url not in self._sources:
            self._sources[host.url] = self._opened.enter_context(Source((host,)))
        return self._sources[host.url]


class Alchemy(Service):
    api = "alchemy"
    chains = frozenset(NETWORKS)

    def symbols(self, run: Run, chain_id: int, addresses: Sequence[str]) -> dict[str, str]:
        network = NETWORKS[chain_id]
        url = f"{settings.ALCHEMY_URL.replace('{network}', network)}/v2/{settings.ALCHEMY_API_KEY}"
        source = self._source(Host("", self.api, url, "ALCHEMY_URL"))
        name = f"{self.api}:{network}"
        known = {each: self._patiently(partial(self._symbol, run, source, name, each)) for each in addresses}
        return {address: symbol for address, symbol in known.items() if symbol}

    def _symbol(self, run: Run, source: Source, name: str, address: str) -> str | None:
        call = {"jsonrpc": "2.0", "id": 1, "method": "alchemy_getTokenMetadata", "params": [address]}
        _, headers, body = source.ask(run, name, "", msgspec.json.encode(call))
        answer: Envelope = decode(name, body, Envelope)
        result, error = answer.result, answer.error
        if error is not None and error.code != NO_TOKEN:
            if error.code == TOO_MANY:  # the HTTP status of some of these is 200
                run.learn(self.api, TOO_MANY, headers)
            raise SourceError(f"{name}: {error.message[:200]} ({error.code})")
        return None if result is None else result.symbol


class Moralis(Service):
    api = "moralis"
    chains = MORALIS_CHAINS

    def symbols(self, run: Run, chain_id: int, addresses: Sequence[str]) -> dict[str, str]:
        headers = {"x-api-key": settings.MORALIS_API_KEY}
        source = self._source(Host("", self.api, settings.MORALIS_URL, "MORALIS_URL", headers))
        known: dict[str, str] = {}
        for start in range(0, len(addresses), MOST_AT_ONCE):
            part = addresses[start : start + MOST_AT_ONCE]
            known |= self._patiently(partial(self._symbols, run, source, chain_id, part))
        return known

    def _symbols(self, run: Run, source: Source, chain_id: int, part: Sequence[str]) -> dict[str, str]:
        query = [("chain", hex(chain_id)), *((f"addresses[{place}]", each) for place, each in enumerate(part))]
        name = f"{self.api}:{METADATA}"
        body = source.ask(run, name, f"{METADATA}?{urlencode(query)}").body
        rows: list[Row] = decode(name, body, list[Row])
        known = {row.address.lower(): row.symbol for row in rows if row.symbol and not row.possible_spam}
        return {address: known[address] for address in part if address in known}


def services() -> list[Service]:
    """Those for which there is a key."""
    keys = {Alchemy: settings.ALCHEMY_API_KEY, Moralis: settings.MORALIS_API_KEY}
    return [kind() for kind, key in keys.items() if key]


def decode(name: str, body: bytearray, shape: Any) -> Any:
    """Raises SourceError."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = error
    raise SourceError(f"{name}: not what it is documented to answer: {reason}")
