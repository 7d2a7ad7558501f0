"""How every command runs: what nobody catches is masked and logged, and wrong settings are one sentence."""

import os
import select
import signal
import sys

from django.core.management import execute_from_command_line

from config.logs import watch_uncaught
from config.masks import Mask
from config.options import EX_CONFIG, OptionError
from indexer.workers.child import supervised

CUT_OFF = 128 + signal.SIGPIPE
"""The exit code, as of a program that the signal ends."""


def execute(arguments: list[str]) -> None:
    """Run `manage.py …`; leaves with 78 where a setting cannot be used, with 141 where nobody reads on."""
    watch_uncaught(Mask())
    with supervised():
        try:
            execute_from_command_line(arguments)
            sys.stdout.flush()
        except OptionError as error:
            print(error, file=sys.stderr)
            sys.exit(EX_CONFIG)
        except BrokenPipeError:
            if not is_cut_off():
                raise
            sys.exit(CUT_OFF)


def is_cut_off() -> bool:
    """Whether whoever read what is printed has gone, as `head` does; then there is nobody to write the rest for."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not any(event & select.POLLERR for _, event in output.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
