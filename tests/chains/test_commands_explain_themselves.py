"""`--help` of every command of the rooms says what it does and what each argument is."""

from importlib import import_module
from pkgutil import iter_modules

import pytest
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

import indexer.chains.management.commands
import indexer.positions.management.commands
import indexer.workers.management.commands

COMMANDS = [
    (package.__name__.removesuffix(".management.commands"), module.name)
    for package in (
        indexer.chains.management.commands,
        indexer.positions.management.commands,
        indexer.workers.management.commands,
    )
    for module in iter_modules(package.__path__)
]
# What Django gives every command.
COMMON = {
    "help",
    "version",
    "verbosity",
    "settings",
    "pythonpath",
    "traceback",
    "no_color",
    "force_color",
    "skip_checks",
}


def test_the_commands_of_the_issue_are_there() -> None:
    assert {name for _, name in COMMANDS} >= {
        "add_chain",
        "remove_chain",
        "check_chains",
        "import_watches",
        "list_watches",
        "run_chain_worker",
        "lookup",
        "plan",
        "rescan",
        "rewind",
        "audit_chain",
        "run_workers",
        "setup",
        "supervisor_config",
    }


@pytest.mark.parametrize(("app", "name"), COMMANDS)
def test_a_command_explains_itself_and_every_argument(app: str, name: str) -> None:
    command = load_command_class(app, name)
    assert isinstance(command, BaseCommand)
    assert len(command.help.split()) >= 5
    parser = command.create_parser("manage.py", name)
    own = [action for action in parser._actions if action.dest not in COMMON]
    assert [action.dest for action in own if not action.help] == []
    text = parser.format_help()
    assert all(option in text for action in own for option in action.option_strings)


@pytest.mark.parametrize(("app", "name"), COMMANDS)
def test_a_command_is_a_module_that_says_its_purpose(app: str, name: str) -> None:
    assert import_module(f"{app}.management.commands.{name}").__doc__
