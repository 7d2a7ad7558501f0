"""Command lines of deployment files, held against the commands that there are."""

from collections.abc import Sequence

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from gunicorn.config import Config  # type: ignore[import-untyped]  # it has no type information

from tests.processes import PROJECT

PYTHONS = ("python", "/opt/footprint/.venv/bin/python")


def check_command(words: Sequence[str]) -> None:
    """Fails for a command line that would not begin: an unknown command, a wrong argument, a file that is not there."""
    if words[0] in PYTHONS:
        words = words[1:]
    if words[0] == "-m":
        words = words[1:]
    match words:
        case ["manage.py", name, *arguments]:
            app = get_commands()[name]
            command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
            command.create_parser("manage.py", name).parse_args(arguments)
        case ["gunicorn", *arguments]:
            given = Config(prog="gunicorn").parser().parse_args(arguments)
            assert (PROJECT / given.config).is_file()
            assert given.args == ["config.wsgi"]
        case ["config.healthcheck"]:
            assert (PROJECT / "config" / "healthcheck.py").is_file()
        case _:
            raise AssertionError(f"{words} is no command of the project")
