"""How every command runs: what nobody catches is masked and logged, and wrong settings are one sentence."""

import sys

from django.core.management import execute_from_command_line

from config.logs import watch_uncaught
from config.masks import Mask
from config.options import EX_CONFIG, OptionError
from indexer.workers.child import supervised


def execute(arguments: list[str]) -> None:
    """Run `manage.py …`; leaves with 78 where a setting cannot be used."""
    watch_uncaught(Mask())
    with supervised():
        try:
            execute_from_command_line(arguments)
        except OptionError as error:
            print(error, file=sys.stderr)
            sys.exit(EX_CONFIG)
