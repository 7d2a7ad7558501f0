"""The answers of the demo's web server, asked for over HTTP as any user would."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import urllib3

from .steps import DemoError

AT_ONCE = 4


class Web:
    """The web server at `base_url`. Raises DemoError where it does not answer with 200 and JSON."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._pool = urllib3.PoolManager(maxsize=AT_ONCE, timeout=30, retries=False)

    def look_up(self, address: str) -> dict[str, dict[str, Any]]:
        """The answer for one address, by chain."""
        url = f"{self._base_url}/api/v1/addresses/{address}"
        try:
            response = self._pool.request("GET", url)
        except urllib3.exceptions.HTTPError as error:
            raise DemoError(f"{url} does not answer: {error}") from error
        if response.status != 200:
            raise DemoError(f"{url} answers {response.status}: {response.data[:300].decode(errors='replace')}")
        answer = json.loads(response.data)
        if answer["address"] != address:
            raise DemoError(f"{url} answers for {answer['address']}")
        return {chain["chain"]: chain for chain in answer["chains"]}

    def look_up_all(self, addresses: Sequence[str]) -> list[dict[str, dict[str, Any]]]:
        """The answers for many addresses, in their order."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return list(threads.map(self.look_up, addresses))
