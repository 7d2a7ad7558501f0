"""Alchemy's and Moralis's metadata of tokens: they know those that they are told of.

POST /{network}/v2/{key}              alchemy_getTokenMetadata
GET  /api/v2.2/erc20/metadata         with chain and addresses, the key in X-API-Key

Shapes: alchemy.com/docs (Token API) and docs.moralis.com (EVM API v2.2), as of 2026; fields that nobody here reads are
a few of theirs.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec

MORALIS = "/api/v2.2/erc20/metadata"
CHAINS = {
    "eth-mainnet": 1,
    "opt-mainnet": 10,
    "bnb-mainnet": 56,
    "gnosis-mainnet": 100,
    "polygon-mainnet": 137,
    "zksync-mainnet": 324,
    "base-mainnet": 8453,
    "arb-mainnet": 42161,
    "avax-mainnet": 43114,
    "linea-mainnet": 59144,
    "scroll-mainnet": 534352,
}
"""By what Alchemy calls them; of another network it has no host."""
ALCHEMY = re.compile(rf"/(?P<network>{'|'.join(CHAINS)})/v2(/[^/]+)?")


def without_key(path: str) -> str:
    """A path as it is counted, and as faults name it."""
    of = ALCHEMY.fullmatch(path)
    return f"/{of['network']}/v2" if of else path


class Tokens:
    """`symbols` by chain id and address in lower case; those of `spam` are said to be so by Moralis."""

    def __init__(self) -> None:
        self.symbols: dict[tuple[int, str], str] = {}
        self.spam: set[tuple[int, str]] = set()
        self.keys: list[str] = []
        """With which it was asked."""

    def answer(self, path: str, environ: dict[str, Any]) -> bytes | None:
        """None: the path is of neither."""
        if of := ALCHEMY.fullmatch(path):
            self.keys.append(str(environ["PATH_INFO"]).rpartition("/")[2])
            call = msgspec.json.decode(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            return msgspec.json.encode({"jsonrpc": "2.0", "id": call["id"], **self.tell(CHAINS[of["network"]], call)})
        if path == MORALIS:
            self.keys.append(str(environ["HTTP_X_API_KEY"]))
            query = parse_qsl(environ["QUERY_STRING"])
            chain_id = int(dict(query)["chain"], 16)
            addresses = [value.lower() for name, value in query if name.startswith("addresses[")]
            return msgspec.json.encode([self.row(chain_id, address) for address in addresses])
        return None

    def tell(self, chain_id: int, call: dict[str, Any]) -> dict[str, Any]:
        if call["method"] != "alchemy_getTokenMetadata":
            return {"error": {"code": -32601, "message": "Unsupported method"}}
        symbol = self.symbols.get((chain_id, call["params"][0].lower()))
        known = {"name": f"{symbol} Token", "symbol": symbol, "decimals": 18} if symbol else {}
        return {"result": {"name": None, "symbol": None, "decimals": None, "logo": None} | known}

    def row(self, chain_id: int, address: str) -> dict[str, Any]:
        symbol = self.symbols.get((chain_id, address), "")
        return {
            "address": address,
            "address_label": None,
            "name": f"{symbol} Token" if symbol else "",
            "symbol": symbol,
            "decimals": "18" if symbol else "",
            "logo": None,
            "thumbnail": None,
            "possible_spam": (chain_id, address) in self.spam,
            "verified_contract": False,
        }
