"""Every setting that Footprint takes from its environment, in one table: read here, documented from here.

`python -m config.options --write` writes .env.example and docs/settings.md from it, `--check` says whether they are up
to date. No Django.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parent.parent
EX_CONFIG = 78
"""The exit code that says: no use in starting this again before its settings are changed."""
FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class OptionError(Exception):
    """A setting has a value that cannot be used; the text names it and says what would be right."""


class Option(NamedTuple):
    """A setting. `default` is its value as the environment would give it; `choices`, where given, are all there are.

    The value of a `secret` is never printed, and that of an `external` one is read elsewhere than in the settings.
    """

    name: str
    default: str
    meaning: str
    example: str = ""
    choices: tuple[str, ...] = ()
    secret: bool = False
    external: bool = False


class Group(NamedTuple):
    title: str
    options: tuple[Option, ...]


GROUPS = (
    Group(
        "Database",
        (
            Option(
                "DATABASE_URL",
                "",
                "The PostgreSQL (15 or later) that holds everything. Empty: an embedded one, for development.",
                "postgresql://user:password@host:5432/footprint",
                secret=True,
            ),
            Option(
                "DATABASE_REPLICA_URL",
                "",
                "A streaming replica that answers reads. Its answers are true for the block that it has itself.",
                "postgresql://user:password@replica:5432/footprint",
                secret=True,
            ),
            Option("STATEMENT_TIMEOUT", "10", "Seconds after which the web server gives a statement up."),
            Option("LOCK_TIMEOUT", "5", "Seconds a migration waits for a lock, so that nobody queues behind it."),
        ),
    ),
    Group(
        "Chains",
        (
            Option(
                "RPC_URLS_<CHAIN>",
                "",
                "The endpoints of a chain, with commas between, such as RPC_URLS_ETHEREUM.",
                "https://host/key,https://other-host/key",
                secret=True,
                external=True,
            ),
            Option(
                "RPC_BUDGET_<CHAIN>",
                "",
                "Requests a UTC day that one worker of the chain may make; empty for no limit.",
                "300000",
                external=True,
            ),
            Option(
                "WS_URLS_<CHAIN>",
                "",
                "WebSocket URLs that announce new blocks, so that they are read at once; nothing depends on them.",
                "wss://host/key",
                secret=True,
                external=True,
            ),
            Option(
                "RPC_URLS_FILE",
                "",
                "A file of such lines instead; a worker reads it again on SIGHUP.",
                "/etc/footprint/rpc-urls",
                external=True,
            ),
        ),
    ),
    Group(
        "Web server",
        (
            Option(
                "SECRET_KEY",
                "",
                "Signs sessions: fifty random characters, the same for all web servers. Empty: one of this machine's.",
                "fifty random characters",
                secret=True,
            ),
            Option(
                "ALLOWED_HOSTS",
                "localhost,127.0.0.1,[::1]",
                "Host names that requests may be for, with commas between.",
                "footprint.example",
            ),
            Option("HTTPS", "0", "1: reached by https only; cookies, redirects, HSTS (with subdomains) follow."),
            Option(
                "TRUST_PROXY",
                "0",
                "1: a proxy before the server sets X-Forwarded-Proto and X-Forwarded-For; they are believed.",
            ),
            Option("PUBLIC_READ", "1", "0: reading needs an API key or a login, too."),
            Option("CORS_ORIGINS", "", "Origins whose pages may call the API, with commas between; * for any."),
            Option("BODY_LIMIT", "1048576", "Bytes that a request's body may have."),
            Option("WATCH_LIST_LIMIT", "33554432", "Bytes that a watch list may have."),
            Option("WEB_BIND", "127.0.0.1:8000", "Where the web server listens."),
            Option("WEB_PROCESSES", "0", "Its processes; 0: as many as the machine has cores."),
            Option("WEB_THREADS", "2", "Threads of each of them."),
            Option("DEBUG", "0", "1: errors are shown with their code. Never where others can reach the server."),
        ),
    ),
    Group(
        "Workers",
        (
            Option("CHAINS", "", "The chains that run_workers takes and setup adds, with commas between. Empty: all."),
            Option("HISTORIC_HELPERS", "0", "Processes for each chain that help with the past, beside its worker."),
            Option(
                "EXTRA_APPS",
                "",
                "Django apps of your own, with commas between, whose background workers are found, too.",
                "mycompany.prices",
            ),
        ),
    ),
    Group(
        "Market data",
        (
            Option("DEFILLAMA_URL", "https://api.llama.fi", "Where protocols and chains are asked for."),
            Option("DEFILLAMA_YIELDS_URL", "https://yields.llama.fi", "Where pools and their charts are asked for."),
            Option("DEFILLAMA_PRO_URL", "https://pro-api.llama.fi", "Where what needs a paid key is asked for."),
            Option(
                "DEFILLAMA_API_KEY",
                "",
                "A paid key, by which pools come with the names that their adapters have for them. Empty: none.",
                "the key alone",
                secret=True,
            ),
            Option(
                "ALCHEMY_URL",
                "https://{network}.g.alchemy.com",
                "Where Alchemy is asked about tokens; {network} is its name of a chain, such as eth-mainnet.",
            ),
            Option(
                "ALCHEMY_API_KEY",
                "",
                "A key, by which Alchemy is asked whether a pool's contract is a token that is called so. Empty: none.",
                "the key alone",
                secret=True,
            ),
            Option("MORALIS_URL", "https://deep-index.moralis.io", "Where Moralis is asked about tokens."),
            Option(
                "MORALIS_API_KEY",
                "",
                "A key, by which Moralis is asked the same. Empty: none.",
                "the key alone",
                secret=True,
            ),
        ),
    ),
    Group(
        "Tasks",
        (
            Option("MAX_CONCURRENT_JOBS", "3", "Runs of tasks at once, in all processes of the deployment together."),
            Option(
                "API_RATE_LIMIT_MS",
                "200",
                "Milliseconds from one request with an off-chain API's key to the next one, of all processes together.",
            ),
            Option(
                "API_BUDGETS",
                "",
                "Requests a UTC day to off-chain APIs, with commas between; an API that is not named has no limit.",
                "defillama=10000,alchemy=5000",
            ),
        ),
    ),
    Group(
        "Watching",
        (
            Option(
                "AUDIT_PERCENT",
                "1",
                "How much of what was read is read again from a second endpoint, in the background; 0 for nothing.",
            ),
            Option("STALLED_AFTER", "600", "Seconds without a processed block after which a chain counts as stalled."),
            Option("METRICS_HOST", "127.0.0.1", "Where workers serve their metrics."),
            Option("METRICS_PORT", "9101", "The metrics port of the first worker that run_workers starts; 0: none."),
            Option(
                "PROMETHEUS_MULTIPROC_DIR",
                "",
                "Where the web server's processes add up their metrics. Empty: below the folder for temporary files.",
                external=True,
            ),
        ),
    ),
    Group(
        "Logs",
        (
            Option(
                "LOG_LEVEL",
                "info",
                "debug shows RPC calls and SQL.",
                choices=("debug", "info", "warning", "error", "critical"),
            ),
            Option("LOG_FORMAT", "text", "json: one object a line.", choices=("text", "json")),
            Option("LOG_DIR", "", "A folder for combined.log, error.log and exceptions.log, which rotate."),
            Option("LOG_ADDRESSES", "0", "1: the addresses that are looked up may stand in logs."),
        ),
    ),
    Group(
        "Development",
        (
            Option(
                "FOOTPRINT_STATE", "", "Where the embedded PostgreSQL and the demo keep their state.", external=True
            ),
            Option(
                "FOOTPRINT_NO_VENV", "", "1: take any Python as it is; 0: only a virtual environment.", external=True
            ),
            Option(
                "FOOTPRINT_SHARED", "", "The folder of recorded blocks and lists that some tests need.", external=True
            ),
        ),
    ),
)

TABLE = {option.name: option for group in GROUPS for option in group.options}


class Options:
    """The settings of one environment. Every reading raises OptionError where the value cannot be used."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.environ = environ

    def text(self, name: str) -> str:
        option = TABLE[name]
        value = self.environ.get(name, "").strip() or option.default
        if option.choices:
            value = value.lower()
            if value not in option.choices:
                raise OptionError(f"{name}={value} is not known: it is one of {', '.join(option.choices)}")
        return value

    def flag(self, name: str) -> bool:
        value = self.text(name).lower()
        if value not in FLAGS:
            raise OptionError(f"{name}={value} is neither 1 nor 0")
        return FLAGS[value]

    def number(self, name: str, *, least: int = 0) -> int:
        value = self.text(name)
        if not (value.isascii() and value.isdigit()) or int(value) < least:
            raise OptionError(f"{name}={value} is not a whole number of {least} or more")
        return int(value)

    def url(self, name: str) -> str:
        """A base URL, without a slash at its end."""
        value = self.text(name)
        try:
            parts = urlsplit(value)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise OptionError(f"{name}={value} is no base URL: it looks like https://host or http://host:port/path")
        return value.rstrip("/")

    def names(self, name: str) -> list[str]:
        """A list with commas between; empty parts are left out."""
        return [part.strip() for part in self.text(name).split(",") if part.strip()]


def write_env_example() -> str:
    lines = [
        "# Made by `python -m config.options --write`. Copy to .env and say what differs; docs/settings.md explains.",
    ]
    for group in GROUPS:
        lines += ["", f"# {group.title}"]
        for option in group.options:
            lines.append(f"# {option.meaning}")
            lines.append(f"#{option.name.replace('<CHAIN>', 'ETHEREUM')}={option.default or option.example}")
    return "\n".join(lines) + "\n"


def write_page() -> str:
    lines = [
        "# Settings",
        "",
        "All come from the environment; no file is read by itself. Docker compose takes them from `.env`, systemd from",
        "`/etc/footprint/environment`, a shell by `set -a; . ./.env; set +a`. This page is made:",
        "`python -m config.options --write`.",
    ]
    for group in GROUPS:
        lines += ["", f"## {group.title}", "", "| name | default | what it does |", "|---|---|---|"]
        for option in group.options:
            default = f"`{option.default}`" if option.default else ""
            notes = f" One of {', '.join(f'`{choice}`' for choice in option.choices)}." if option.choices else ""
            notes += f" Example: `{option.example}`." if option.example else ""
            notes += " Never stored, never shown." if option.secret else ""
            lines.append(f"| `{option.name}` | {default} | {option.meaning}{notes} |")
    return "\n".join(lines) + "\n"


DOCUMENTS = {PROJECT / ".env.example": write_env_example, PROJECT / "docs" / "settings.md": write_page}


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        for path, write in DOCUMENTS.items():
            path.write_text(write())
        return 0
    if arguments != ["--check"]:
        print("usage: python -m config.options --write | --check", file=sys.stderr)
        return 2
    stale = [str(path.relative_to(PROJECT)) for path, write in DOCUMENTS.items() if read(path) != write()]
    if stale:
        print(f"{', '.join(stale)}: not up to date; run python -m config.options --write", file=sys.stderr)
    return 1 if stale else 0


def read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
