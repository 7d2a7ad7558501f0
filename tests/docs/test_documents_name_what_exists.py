"""What the documents tell people to type, open or set is there."""

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import Resolver404, resolve

from config.options import PROJECT, TABLE

PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")])
CODE = re.compile(r"```.*?\n(.*?)```|`([^`\n]+)`", re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
COMMAND = re.compile(r"manage\.py ([a-z_]+)([^#|;&<>\n]*)")
ROUTE = re.compile(r"(?<![A-Za-z.])/(?:api/v1|health|metrics|user-pools|support|admin)[\w/{}.-]*")
SETTING = re.compile(r"\b([A-Z][A-Z_]{3,})=")
# Django's own and those of other programs.
FOREIGN = {"DJANGO_SETTINGS_MODULE", "PGDATABASE", "PGHOST", "PGPASSWORD", "PGPORT", "PGUSER"}
# A platform's, and one that compose.yaml reads itself.
FOREIGN |= {"PORT", "PUBLISH"}
PLACEHOLDERS = {
    "{address}": "0x" + "00" * 20,
    "{contract}": "0x" + "00" * 20,
    "{chain}": "hilltop",
    "{id}": "1",
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
    parser = command.create_parser("manage.py", name)
    return {option for action in parser._actions for option in action.option_strings}


@page
def test_routes_exist(path: Path) -> None:
    wrong = []
    for line in code_of(path):
        for route in ROUTE.findall(line):
            concrete = route
            for placeholder, value in PLACEHOLDERS.items():
                concrete = concrete.replace(placeholder, value)
            if "…" in line[line.find(route) + len(route) :][:1]:
                continue
            try:
                resolve(concrete)
            except Resolver404:
                wrong.append(route)
    assert not wrong


@page
def test_settings_exist(path: Path) -> None:
    named = {name for line in code_of(path) for name in SETTING.findall(line)}
    assert not {name for name in named if not name.startswith("RPC_URLS_")} - set(TABLE) - FOREIGN
