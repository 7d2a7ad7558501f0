"""JSON-RPC to the local chain's own node, and the encoding of calls to its contracts.

For the demo's side of the chain only (deploying, traffic, truth); what indexes real chains lives in `indexer.rpc`.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import urllib3
from eth_abi.abi import encode
from eth_utils.crypto import keccak


class NodeError(RuntimeError):
    """The node answered with an error, or not at all."""


class Node:
    """One node at `url`. Safe to share between threads."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(maxsize=4, timeout=urllib3.Timeout(timeout), retries=False)

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of one request; raise NodeError where there is none."""
        return _result(self._post(_request(0, method, params)), method)

    def batch(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Return the results of `(method, *params)` requests, in their order.

        The node works on the requests of a batch at once and in any order: for reading only.
        """
        if not calls:
            return []
        answers = self._post([_request(i, method, params) for i, (method, *params) in enumerate(calls)])
        if not isinstance(answers, list):
            raise NodeError(f"{self.url} answered a batch with {str(answers)[:200]}")
        by_id = {answer["id"]: answer for answer in answers}
        return [_result(by_id.get(i, {}), call[0]) for i, call in enumerate(calls)]

    def number(self, method: str, *params: Any) -> int:
        """Return the result of one request that answers with a quantity."""
        return int(self.call(method, *params), 16)

    def head(self) -> int:
        return self.number("eth_blockNumber")

    def _post(self, body: object) -> Any:
        try:
            answer = self._pool.request(
                "POST", self.url, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
            )
            return json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise NodeError(f"the node at {self.url} does not answer: {error}") from error


def encode_call(signature: str, *values: Any) -> str:
    """Return the call data, 0x hex, of a function such as `transfer(address,uint256)`."""
    types = [kind for kind in re.sub(r".*\(|\)$", "", signature).split(",") if kind]
    return "0x" + (keccak(text=signature)[:4] + encode(types, values)).hex()


def _request(number: int, method: str, params: Sequence[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def _result(answer: Any, method: str) -> Any:
    if "result" not in answer:
        raise NodeError(f"{method}: {answer.get('error', {}).get('message', 'no answer')}")
    return answer["result"]
