"""What samples write of themselves, from any process: a line of a file at once."""

import os


def note(file: str, text: object) -> None:
    if file:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{text}\n".encode())
        finally:
            os.close(descriptor)
