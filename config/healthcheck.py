"""Whether this machine's web server is alive: `python -m config.healthcheck`, exit code 0 or 1.

For container engines; it needs no curl. A chain that stands still does not make the web server unhealthy.
"""

import sys
from urllib.error import URLError
from urllib.request import Request, urlopen

from config.options import OptionError, Options

PATH = "/health/live"
SECONDS = 4
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}


def make_request(options: Options) -> Request:
    """As a client would ask: by a name that the server answers to, and as if https ended before it."""
    host, _, port = options.text("WEB_BIND").rpartition(":")
    allowed = options.names("ALLOWED_HOSTS")[0].removeprefix(".")
    headers = {"Host": "localhost" if allowed == "*" else allowed}
    return Request(f"http://{EVERY_ADDRESS.get(host, host)}:{port}{PATH}", headers=headers)


def main() -> int:
    try:
        with urlopen(make_request(Options()), timeout=SECONDS) as answer:
            print(f"{PATH}: {answer.status}")
            return 0
    except (URLError, OSError, ValueError, OptionError) as error:
        print(f"{PATH}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
