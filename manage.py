#!/usr/bin/env python3
"""The one entry to Footprint: `python3 manage.py demo`, `python3 manage.py test`, `python3 manage.py help`."""

import os
import sys

# This file must stay readable for every Python that may be called `python3`, so that it can say what is wrong.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "Footprint needs Python 3.11 or later and this is Python "
        + sys.version.split()[0]
        + ": run the same command with a later one, such as python3.11."
    )

if __name__ == "__main__":
    from config.environment import enter

    enter(sys.argv[1] if len(sys.argv) > 1 else "")

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config.command_line import execute

    execute(sys.argv)
