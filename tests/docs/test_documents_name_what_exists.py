"""What the documents tell people to type, open or set is there."""

import importlib.util
import json
import re
import shlex
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import Resolver404, resolve

from api.metrics import show_readiness
from api.openapi import read_schema
from config.options import PROJECT, TABLE
from indexer.market.exposition import show_market
from indexer.positions.exposition import (
    show_budget,
    show_chains,
    show_database,
    show_endpoints,
    show_jobs,
    show_meter,
    show_remaining,
)
from indexer.positions.meter import Meter
from indexer.positions.readiness import Readiness
from indexer.positions.watchlist import read_watch_list
from indexer.tasks.exposition import Figures, show_tasks

PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])
CODE = re.compile(r"```.*?\n(.*?)```|`([^`\n]+)`", re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
COMMAND = re.compile(r"manage\.py ([a-z_]+)([^#|;&<>\n]*)")
JSON_BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
METRIC = re.compile(r"\bfootprint_[a-z_]+")
MODULE = re.compile(r"python3?,? -m,? ([\w.]+)")
FILE = re.compile(
    r"(?<![\w./:-])((?:\.ci|api|benchmarks|config|docs|indexer|tests)/[\w./*-]*"
    r"|[\w-]+\.(?:py|toml|yaml)|Dockerfile|requirements[\w-]*\.txt)"
)
QUERY = re.compile(r"(/api/v1/[\w/{}.-]+|/user-pools/[\w{}]+|/support)\?([\w=&{},%.:-]+)")
ROUTE = re.compile(r"(?<![A-Za-z.])/(?:api/v1|health|metrics|user-pools|support|admin)[\w/{}.-]*")
SETTING = re.compile(r"\b([A-Z][A-Z_]{3,})=")
# Django's own and those of other programs.
FOREIGN = {"DJANGO_SETTINGS_MODULE", "PGDATABASE", "PGHOST", "PGPASSWORD", "PGPORT", "PGUSER"}
# A platform's, and one that compose.yaml reads itself.
FOREIGN |= {"PORT", "PUBLISH"}
# A database.
NO_METRICS = {"footprint_restored"}
PLACEHOLDERS = {
    "{address}": "0x" + "00" * 20,
    "{contract}": "0x" + "00" * 20,
    "{chain}": "hilltop",
    "{id}": "1",
    "{proposal}": "1",
}

page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))


def code_of(path: Path) -> list[str]:
    """The lines of code in a page, continued ones joined."""
    blocks = [block or inline for block, inline in CODE.findall(path.read_text())]
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]


@page
def test_links_lead_somewhere(path: Path) -> None:
    links = [link for link in LINK.findall(path.read_text()) if "://" not in link and not link.startswith("mailto:")]
    assert not [link for link in links if not (path.parent / link).exists()]


@page
def test_links_lead_to_headings(path: Path) -> None:
    wrong = []
    for target, heading in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", path.read_text()):
        if "://" in target:
            continue
        headings = HEADING.findall((path.parent / target if target else path).read_text())
        if heading not in {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}:
            wrong.append(f"{target}#{heading}")
    assert not wrong


@page
def test_files_exist(path: Path) -> None:
    named = {name for line in code_of(path) for name in FILE.findall(line)}
    assert not [name for name in named if not any(PROJECT.glob(name.rstrip("./")))]


@page
def test_modules_exist(path: Path) -> None:
    named = {name for line in code_of(path) for name in MODULE.findall(line)}
    assert not [name for name in named if importlib.util.find_spec(name) is None]


@page
def test_metrics_exist(path: Path) -> None:
    assert not set(METRIC.findall(path.read_text())) - set(metric_names()) - NO_METRICS


def metric_names() -> Iterator[str]:
    """As Prometheus knows them; a histogram by its own name, too."""
    for metric in [
        *show_chains([], timedelta(0)),
        *show_jobs([], []),
        show_database(up=True),
        show_remaining("hilltop", None),
        *show_meter("hilltop", Meter()),
        *show_endpoints("hilltop", []),
        *show_budget("hilltop", None),
        *show_readiness(Readiness([], [])),
        *show_market([]),
        *show_tasks([], Figures()),
    ]:
        yield f"{metric.name}_total" if metric.type == "counter" else metric.name
        if metric.type == "histogram":
            yield from (f"{metric.name}_{part}" for part in ("bucket", "count", "sum"))


@page
def test_examples_in_json_are_json_and_watch_lists_are_accepted(path: Path) -> None:
    for block in JSON_BLOCK.findall(path.read_text()):
        data = json.loads(block)
        if "watches" in data:
            assert read_watch_list(data).entries


@page
def test_commands_and_their_options_exist(path: Path) -> None:
    known = get_commands()
    wrong = []
    for line in code_of(path):
        for name, rest in COMMAND.findall(line):
            if name not in known:
                wrong.append(f"{name} in: {line}")
                continue
            wrong += [f"{name} {option}" for option in options_in(rest) if option not in options_of(name)]
    assert not wrong


def options_in(rest: str) -> list[str]:
    try:
        words = shlex.split(rest, comments=True)
    except ValueError:  # prose around it, with an apostrophe
        words = rest.split()
    return [word.split("=")[0] for word in words if word.startswith("--") and len(word) > 2]


def options_of(name: str) -> set[str]:
    source = get_commands()[name]
    command = source if isinstance(source, BaseCommand) else load_command_class(source, name)
    if name == "test":  # passes everything on to pytest
        return {"--help", "--version"}
    return options_taken(command.create_parser("manage.py", name))


def options_taken(parser: ArgumentParser) -> set[str]:
    """Those of its subcommands, too."""
    taken = {option for action in parser._actions for option in action.option_strings}
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            taken |= set().union(*map(options_taken, action.choices.values()))
    return taken


@page
def test_routes_exist(path: Path) -> None:
    wrong = []
    for line in code_of(path):
        for route in ROUTE.findall(line):
            if "…" in line[line.find(route) + len(route) :][:1]:
                continue
            try:
                resolve(fill(route))
            except Resolver404:
                wrong.append(route)
    assert not wrong


def fill(route: str) -> str:
    for placeholder, value in PLACEHOLDERS.items():
        route = route.replace(placeholder, value)
    return route


@page
def test_query_parameters_are_in_the_schema(path: Path) -> None:
    paths = json.loads(read_schema())["paths"]
    wrong = []
    for route, query in QUERY.findall("\n".join(code_of(path))):
        pattern = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", resolve(fill(route)).route)
        known = {
            parameter["name"]
            for operation in paths[pattern].values()
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "query"
        }
        wrong += [f"{route}?{name}" for name, _ in parse_qsl(query) if name not in known]
    assert not wrong


@page
def test_settings_exist(path: Path) -> None:
    named = {name for line in code_of(path) for name in SETTING.findall(line)}
    assert not {name for name in named if not name.startswith("RPC_URLS_")} - set(TABLE) - FOREIGN
