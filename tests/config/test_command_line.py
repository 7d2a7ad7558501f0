"""How commands end that are not at fault."""

import os
import subprocess
import sys

from django.conf import settings


def test_a_command_whose_output_is_cut_off_ends_without_a_word() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "manage.py", "help", "--commands"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
