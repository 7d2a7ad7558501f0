"""What must never be printed: the secrets of this process's environment, and whatever looks like one. No Django."""

import html
import json
import os
import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config.options import TABLE
from indexer.chains.endpoints import EndpointsError, read_file
from indexer.rpc.labels import secrets_of

BLOT = "***"
SHORTEST_PASSWORD = 6
"""Shorter ones are blotted where they stand as a password, not wherever the same letters do."""
WORD = re.compile(r"[a-z]+([-_][a-z]+)*")
"""ethereum, polygon-zkevm, anvil: keys have digits or capitals."""
URLS = "RPC_URLS_"
FILE = "RPC_URLS_FILE"

LOOKS_SECRET = (
    (re.compile(r"(?<=://)[^\s/@\"'\\]+@"), f"{BLOT}@"),
    (re.compile(r"(?i)\b(password=)[^\s&\"'\\]+"), rf"\1{BLOT}"),
    (re.compile(r"(?i)\b(bearer|basic) +[\w.~+/=-]{16,}"), rf"\1 {BLOT}"),
    (re.compile(r"\b(fp_[0-9a-f]{8})_[\w-]{16,}"), rf"\1_{BLOT}"),
    (re.compile(r"\bfp_[\w-]{20,}"), f"fp_{BLOT}"),
)
# Any other number of digits is an address with a typing error in it, but for 64, which are a hash.
ADDRESS = re.compile(
    r"(?<![0-9a-fA-F])[0-9a-fA-F]{40}(?![0-9a-fA-F])"
    r"|(?<=0[xX])(?![0-9a-fA-F]{64}(?![0-9a-fA-F]))[0-9a-fA-F]{8,}"
)


class Mask:
    """Blots the secrets of an environment out of texts: `mask(text)`. RPC_URLS_FILE is read again when it changes.

    A secret once seen stays one.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._file: tuple[int, int] | None = None
        self._secrets = set(database_secrets(environ))
        self._pattern: re.Pattern[str] | None = None
        self.add(part for name, value in environ.items() if is_urls(name) for part in url_secrets(value))

    def __repr__(self) -> str:
        return "<Mask>"

    def __call__(self, text: str) -> str:
        self._read_file()
        if self._pattern is not None:
            text = self._pattern.sub(BLOT, text)
        for pattern, replacement in LOOKS_SECRET:
            text = pattern.sub(replacement, text)
        return text

    def add(self, secrets: Iterable[str]) -> None:
        self._secrets |= {spelling for secret in secrets if secret for spelling in spell(secret)}
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def _read_file(self) -> None:
        file = self._environ.get(FILE)
        if not file:
            return
        try:
            status = Path(file).stat()
            seen = status.st_mtime_ns, status.st_size
            if seen == self._file:
                return
            entries = read_file(Path(file))
        except (OSError, EndpointsError, UnicodeDecodeError):
            return  # whoever asks for its endpoints says what is wrong with it
        self._file = seen
        self.add(part for value in entries.values() for part in url_secrets(value))


def hide_addresses(text: str) -> str:
    """0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045 as 0x…: some of its digits would tell whose it is."""
    return ADDRESS.sub("…", text)


def is_urls(name: str) -> bool:
    return name.upper().startswith(URLS) and name.upper() != FILE


def url_secrets(value: str) -> set[str]:
    """The secret parts of RPC URLs with commas between. A word, such as a chain, or a bare local host is none."""
    found: set[str] = set()
    for url in filter(None, map(str.strip, value.split(","))):
        try:
            found |= {part for part in secrets_of(url) if not WORD.fullmatch(part) and not is_local(part)}
            found.add(urlsplit(url).password or "")
        except ValueError:
            found.add(url)  # no URL at all, but somebody meant it to be one
    return {part for part in found if len(part) >= SHORTEST_PASSWORD}


def is_local(host: str) -> bool:
    """127.0.0.1, 10.1.2.3, ::1: they stand in many lines that have nothing to do with an endpoint."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return False


def database_secrets(environ: Mapping[str, str]) -> set[str]:
    """The values of the settings that are secret, and the passwords in those that are database URLs."""
    found: set[str] = set()
    for option in TABLE.values():
        value = environ.get(option.name, "").strip()
        if not option.secret or not value:
            continue
        found.add(value)
        try:
            parts = conninfo_to_dict(value)
            passwords = {str(parts.get("password") or ""), urlsplit(value).password or ""}
        except (ProgrammingError, ValueError):
            continue
        common = {parts.get("user"), parts.get("dbname")}
        found |= {password for password in passwords - common if len(password) >= SHORTEST_PASSWORD}
    return {spelling for secret in found for spelling in spell(secret)}


def spell(secret: str) -> set[str]:
    """As URLs, JSON, Python and HTML write it."""
    return {
        secret,
        unquote(secret),
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret),
    }
