"""Where a chain's endpoints come from: the environment, or a file it names; never the database."""

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from indexer.rpc import (
    Budget,
    Endpoint,
    EndpointPool,
    Limits,
    Node,
    Observer,
    RpcError,
    Rulebook,
    Together,
    Transport,
    Trust,
    WrongChain,
    label_of,
)

CHECK_PATIENCE = 10.0
"""Seconds that endpoints are waited for at start once one has answered; the others are checked when they do."""

ENTRY = re.compile(r"\s*(?:export\s+)?([A-Za-z0-9_]+)\s*=\s*(.*?)\s*\Z")


class EndpointsError(Exception):
    """The endpoints of a chain are not configured, or not usable as configured."""


class Identity(NamedTuple):
    """What an endpoint says it serves; `genesis` is the hash of block 0, None where it does not give that."""

    chain_id: int
    genesis: bytes | None


def urls_of(slug: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """The RPC URLs of a chain: RPC_URLS_<CHAIN>, comma separated, from the environment or from RPC_URLS_FILE.

    The file is read anew at every call. Raises EndpointsError with the remedy.
    """
    environ = os.environ if environ is None else environ
    key = f"RPC_URLS_{slug.upper()}"
    value = environ.get(key)
    file = environ.get("RPC_URLS_FILE")
    if not value and file:
        value = read_file(Path(file)).get(key)
    urls = [url.strip() for url in (value or "").split(",") if url.strip()]
    if not urls:
        where = f"{key}, comma separated, or a line {key}=… in RPC_URLS_FILE ({file})" if file else key
        raise EndpointsError(f"{slug} has no RPC URL: set {where}")
    return urls


def read_file(path: Path) -> dict[str, str]:
    """Lines KEY=value as in an .env file, # for comments. Raises EndpointsError naming file and line."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise EndpointsError(f"RPC_URLS_FILE {path} cannot be read: {error.strerror}") from None
    entries: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = ENTRY.match(line)
        if match is None:
            raise EndpointsError(f"RPC_URLS_FILE {path} line {number} is not of the form RPC_URLS_<CHAIN>=url,url")
        entries[match[1].upper()] = match[2].strip("\"'")
    return entries


def open_endpoints(
    slug: str, *, timeout: float = 30.0, observe: Observer | None = None, rulebook: Rulebook | None = None
) -> list[Endpoint]:
    """Every endpoint configured for the chain, all with one rulebook. Raises EndpointsError, never naming a URL."""
    shared = rulebook or Rulebook()
    try:
        return [
            Endpoint(url, label_of(url, index), timeout, observe=observe, rulebook=shared)
            for index, url in enumerate(urls_of(slug), 1)
        ]
    except ValueError as error:
        raise EndpointsError(f"{slug}: {error}") from None


def identify(endpoint: Endpoint, pause: Callable[[float], None], attempts: int) -> Identity:
    """Ask an endpoint what it serves. Raises RpcError when it does not say."""
    node = Node(endpoint, attempts=attempts, pause=pause)
    chain_id = node.chain_id()
    try:
        first = node.header(0)
    except RpcError:
        first = None
    return Identity(chain_id, None if first is None else first.hash)


def identify_all(endpoints: Sequence[Endpoint], pause: Callable[[float], None]) -> dict[str, Identity | RpcError]:
    """Ask all endpoints at once; once one has answered, the others have CHECK_PATIENCE seconds."""
    together: Together[str, Identity] = Together()
    for endpoint in endpoints:
        together.ask(endpoint.label, lambda endpoint=endpoint: identify(endpoint, pause, 2))  # type: ignore[misc]
    found: dict[str, Identity | RpcError] = {}
    for label, answer in together.gather():
        found[label] = answer
        if not isinstance(answer, RpcError):
            break
    found |= dict(together.gather(CHECK_PATIENCE))
    late = Transport("has not answered yet")
    return {endpoint.label: found.get(endpoint.label, late) for endpoint in endpoints}


def check_chain_id(slug: str, label: str, found: Identity, chain_id: int) -> None:
    if found.chain_id != chain_id:
        raise WrongChain(
            f"{slug}: {label} serves chain id {found.chain_id}, not {chain_id}: correct RPC_URLS_{slug.upper()}"
        )


def check_genesis(slug: str, label: str, found: Identity, genesis: bytes | None) -> None:
    """The same chain id on another block 0 is another chain: a test network, or one that began anew."""
    if genesis is not None and found.genesis is not None and found.genesis != genesis:
        raise WrongChain(
            f"{slug}: {label} has another block 0, 0x{found.genesis.hex()}, than the other endpoints, "
            f"0x{genesis.hex()}: correct RPC_URLS_{slug.upper()}"
        )


def agree_on_genesis(found: Mapping[str, Identity]) -> bytes | None:
    """The hash of block 0 that most endpoints give, of equally many the one given first; None where none gives one."""
    given = Counter(identity.genesis for identity in found.values() if identity.genesis is not None)
    return given.most_common(1)[0][0] if given else None


def check_endpoints(
    slug: str, endpoints: Sequence[Endpoint], chain_id: int, pause: Callable[[float], None]
) -> tuple[dict[str, Identity], bytes | None]:
    """The endpoints that answer, by label, each of them of this chain, and its block 0's hash where that is known.

    Raises WrongChain when one serves another chain, RpcError with what each said when none answers.
    """
    answers = identify_all(endpoints, pause)
    found = {label: answer for label, answer in answers.items() if not isinstance(answer, RpcError)}
    for label, identity in found.items():
        check_chain_id(slug, label, identity, chain_id)
    genesis = agree_on_genesis(found)
    for label, identity in found.items():
        check_genesis(slug, label, identity, genesis)
    if not found:
        raise RpcError("; ".join(str(answer) for answer in answers.values()))
    return found, genesis


def open_node(slug: str, chain_id: int, pause: Callable[[float], None], *, observe: Observer | None = None) -> Node:
    """The first endpoint of the chain that answers, for a command that asks little.

    Raises EndpointsError when none is configured, WrongChain when one serves another chain, RpcError when none answers.
    """
    endpoints = open_endpoints(slug, observe=observe)
    found, _ = check_endpoints(slug, endpoints, chain_id, pause)
    return Node(next(endpoint for endpoint in endpoints if endpoint.label in found), pause=pause)


def open_pool(
    slug: str,
    chain_id: int,
    pause: Callable[[float], None],
    *,
    observe: Observer | None = None,
    rulebook: Rulebook | None = None,
    limits: Mapping[str, Limits] | None = None,
    trust: Trust | None = None,
    budget: Budget | None = None,
    hedge_after: float | None = None,
    blamed: Callable[[str, str], None] | None = None,
) -> EndpointPool:
    """All endpoints of the chain, each that answers checked for its chain id and its block 0.

    One that does not answer now is checked before it is first used, and any of them again when it gives reason to; it
    is refused then if it is wrong. Raises EndpointsError when none is configured, WrongChain when one serves another
    chain, RpcError when none answers.
    """
    endpoints = open_endpoints(slug, observe=observe, rulebook=rulebook)
    found, genesis = check_endpoints(slug, endpoints, chain_id, pause)

    def check_late(endpoint: Endpoint) -> None:
        identity = identify(endpoint, pause, 1)
        check_chain_id(slug, endpoint.label, identity, chain_id)
        check_genesis(slug, endpoint.label, identity, genesis)

    return EndpointPool(
        [Node(endpoint) for endpoint in endpoints],
        limits=limits,
        trust=trust,
        budget=budget,
        hedge_after=hedge_after,
        pause=pause,
        blamed=blamed,
        checks={
            endpoint.label: lambda endpoint=endpoint: check_late(endpoint)  # type: ignore[misc]
            for endpoint in endpoints
        },
        checked=found,
    )


def configured_slugs(environ: Mapping[str, str] | None = None) -> list[str]:
    """The chains that have RPC_URLS_<CHAIN> in the environment or in RPC_URLS_FILE. Raises EndpointsError."""
    environ = os.environ if environ is None else environ
    file = environ.get("RPC_URLS_FILE")
    given = [*environ.items(), *(read_file(Path(file)).items() if file else ())]
    keys = {key for key, urls in given if key.startswith("RPC_URLS_") and key != "RPC_URLS_FILE" and urls.strip()}
    return sorted(key.removeprefix("RPC_URLS_").lower() for key in keys)
