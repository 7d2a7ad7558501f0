"""What may be said of an RPC URL: a label; and what may never be: every part of it that can be a key."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, unquote, urlsplit

SHORTEST_SECRET = 8
"""Keys are longer; shorter parts of a path (`v2`, `eth`) are words that provider texts may hold."""
SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "or", "org"})
"""Under a country's domain these are no names of a provider: example.co.uk is `example`."""


def split_url(url: str, label: str) -> SplitResult:
    """Return the parts of an RPC URL; raises ValueError, without the URL, when it is none."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"{label}: not an RPC URL, it must look like https://host/path; check the environment")
    return parts


def label_of(url: str, index: int) -> str:
    """Return a label without secrets: provider name and position, such as `alchemy-1` or `local-1`."""
    try:
        host = urlsplit(url.strip()).hostname or ""
    except ValueError:
        host = ""
    return f"{_name_of(host)}-{index}"


def secrets_of(url: str) -> tuple[str, ...]:
    """Return the parts of a URL that provider texts may echo and nobody may read, longest first."""
    parts = urlsplit(url.strip())
    pieces = [*re.split(r"[/?&=]", f"{parts.path}?{parts.query}"), parts.username or "", parts.password or ""]
    long = {piece for piece in pieces if len(piece) >= SHORTEST_SECRET}
    found = {url.strip(), parts.netloc, parts.hostname or ""} | long | {unquote(piece) for piece in long}
    return tuple(sorted(found - {""}, key=len, reverse=True))


def _name_of(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return "local" if address.is_private else "address"
    names = [name for name in host.lower().split(".") if name]
    if len(names) > 2 and len(names[-1]) == 2 and names[-2] in SECOND_LEVEL:
        names.pop()
    name = names[-2] if len(names) > 1 else "".join(names)
    if name == "localhost":
        return "local"
    return re.sub(r"[^a-z0-9-]", "", name) or "endpoint"
