"""Where a chain's endpoints come from: the environment, or a file it names; never the database."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from indexer.rpc import Endpoint, Node, Observer, RpcError, WrongChain, label_of

ENTRY = re.compile(r"\s*(?:export\s+)?([A-Za-z0-9_]+)\s*=\s*(.*?)\s*\Z")


class EndpointsError(Exception):
    """The endpoints of a chain are not configured, or not usable as configured."""


class Checked(NamedTuple):
    """One endpoint's answer to what it is; `problem` is None where it serves the chain."""

    label: str
    chain_id: int | None
    problem: str | None


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


def open_endpoints(slug: str, *, timeout: float = 30.0, observe: Observer | None = None) -> list[Endpoint]:
    """Every endpoint configured for the chain. Raises EndpointsError, never naming a URL."""
    try:
        return [
            Endpoint(url, label_of(url, index), timeout, observe=observe) for index, url in enumerate(urls_of(slug), 1)
        ]
    except ValueError as error:
        raise EndpointsError(f"{slug}: {error}") from None


def check_endpoint(endpoint: Endpoint, chain_id: int, pause: Callable[[float], None]) -> Checked:
    try:
        answer = Node(endpoint, attempts=2, pause=pause).chain_id()
    except RpcError as error:
        return Checked(endpoint.label, None, str(error))
    if answer != chain_id:
        return Checked(endpoint.label, answer, f"serves chain id {answer}, not {chain_id}")
    return Checked(endpoint.label, answer, None)


def open_node(slug: str, chain_id: int, pause: Callable[[float], None], *, observe: Observer | None = None) -> Node:
    """The first endpoint of the chain that answers, every one of them checked for its chain id.

    Raises EndpointsError when none is configured, WrongChain when one serves another chain, RpcError when none answers.
    """
    endpoints = open_endpoints(slug, observe=observe)
    checks = [check_endpoint(endpoint, chain_id, pause) for endpoint in endpoints]
    for check in checks:
        if check.chain_id is not None and check.problem:
            raise WrongChain(f"{slug}: {check.label} {check.problem}: correct RPC_URLS_{slug.upper()}")
    for endpoint, check in zip(endpoints, checks, strict=True):
        if check.problem is None:
            return Node(endpoint, pause=pause)
    raise RpcError("; ".join(check.problem or "" for check in checks))


def configured_slugs(environ: Mapping[str, str] | None = None) -> list[str]:
    """The chains that have RPC_URLS_<CHAIN> in the environment or in RPC_URLS_FILE. Raises EndpointsError."""
    environ = os.environ if environ is None else environ
    file = environ.get("RPC_URLS_FILE")
    given = [*environ.items(), *(read_file(Path(file)).items() if file else ())]
    keys = {key for key, urls in given if key.startswith("RPC_URLS_") and key != "RPC_URLS_FILE" and urls.strip()}
    return sorted(key.removeprefix("RPC_URLS_").lower() for key in keys)
