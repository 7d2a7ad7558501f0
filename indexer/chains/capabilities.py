"""What an endpoint can do for a worker, found out by asking it."""

from collections.abc import Callable, Sized
from typing import NamedTuple

from indexer.chains.profiles import Finality
from indexer.rpc import Endpoint, Header, Log, Node, RpcError

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


class Capability(NamedTuple):
    """`needed`: the worker cannot do without it; `detail`: what was found, or the endpoint's words."""

    name: str
    works: bool
    needed: bool
    detail: str
    says_other_chain: bool = False


def probe_endpoint(endpoint: Endpoint, chain_id: int, finality: Finality) -> list[Capability]:
    """Chain id first; the rest only where that is right. Raises nothing: what fails is a finding."""
    node = Node(endpoint, attempts=2)
    findings = [probe_chain_id(node, chain_id)]
    if not findings[0].works:
        return findings
    header: list[Header] = []

    def find_head() -> str:
        newest = node.header("latest")
        if newest is None:
            raise RpcError("null for the latest block")
        header.append(newest)
        return f"{newest.number:,}"

    findings.append(try_out("head", True, find_head))
    if not findings[-1].works:
        return findings
    newest = header[0]
    if finality.tag:
        findings.append(try_out(f"tag {finality.tag}", True, lambda: find_tag(node, finality.tag or "")))
    by_hash = try_out("logs by block hash", False, lambda: count(logs_by_hash(endpoint, newest)))
    findings.append(by_hash)
    findings.append(
        try_out("logs by range", True, lambda: count(node.range_logs(newest.number, newest.number, None, [TRANSFER])))
    )
    findings.append(try_out("block receipts", not by_hash.works, lambda: count(node.receipts_logs(newest))))
    findings.append(try_out("proofs", False, lambda: prove(node, newest)))
    findings.append(try_out("block 0", False, lambda: "" if node.header(0) else "null"))
    return findings


def prove(node: Node, header: Header) -> str:
    """Whether blocks can be proved by this endpoint: their hash by the header's fields, their logs by the receipts."""
    if not header.hash_checks:
        raise RpcError("the header's hash is not that of its fields")
    if node.receipts(header).root != header.receipts_root:
        raise RpcError("the header's receipts root is not that of the receipts")
    return "(hash and receipts root of the newest block fit)"


def probe_chain_id(node: Node, chain_id: int) -> Capability:
    try:
        answer = node.chain_id()
    except RpcError as error:
        return Capability("chain id", False, True, str(error))
    if answer != chain_id:
        return Capability("chain id", False, True, f"{answer}, not {chain_id}", says_other_chain=True)
    return Capability("chain id", True, True, str(answer))


def try_out(name: str, needed: bool, ask: Callable[[], str]) -> Capability:
    try:
        return Capability(name, True, needed, ask())
    except RpcError as error:
        return Capability(name, False, needed, str(error))


def logs_by_hash(endpoint: Endpoint, header: Header) -> list[Log]:
    """Not by way of Node, which would read the receipts instead."""
    question = {"blockHash": "0x" + header.hash.hex(), "topics": [[TRANSFER]]}
    logs: list[Log] = endpoint.call("eth_getLogs", [question], list[Log])
    return logs


def find_tag(node: Node, tag: str) -> str:
    header = node.header(tag)
    if header is None:
        raise RpcError(f"null for the block tag {tag}")
    return f"{header.number:,}"


def count(found: Sized) -> str:
    return f"({len(found)} in the newest block)"
