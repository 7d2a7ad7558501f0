"""New blocks announced over a WebSocket: they wake the latest loop early, and nothing depends on them."""

import json
import logging
from collections.abc import Callable, Iterator
from threading import Event
from time import monotonic

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from indexer.rpc import label_of

log = logging.getLogger(__name__)
QUIET = logging.getLogger(f"{__name__}.wire")
QUIET.setLevel(logging.CRITICAL)  # its lines print paths, and paths hold API keys

SUBSCRIBE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
SILENCE = 60.0
"""Seconds without a word after which a connection is made anew."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
OPEN_SECONDS = 10.0
LOOK_AGAIN = 0.5
"""Seconds after which it is looked whether to stop."""
LARGEST_MESSAGE = 1 << 20
"""Bytes; a header in JSON is a few thousand."""


class NewHeads:
    """Listens at one URL until told to stop, and calls `wake` for every block that is announced.

    A connection that is lost, silent or refused is made again after a pause that grows; until then the loop asks at its
    own pace. Only the URL's label is ever shown.
    """

    def __init__(self, url: str, number: int, stop: Event, wake: Callable[[], object]) -> None:
        self.url = url
        self.label = label_of(url, number)
        self.stop = stop
        self.wake = wake

    def listen(self) -> None:
        """For a thread of its own."""
        pause = FIRST_PAUSE
        while not self.stop.is_set():
            try:
                for _ in self.announcements():
                    pause = FIRST_PAUSE
                    self.wake()
            except (WebSocketException, OSError, ValueError) as error:
                # The words of the library may hold the URL.
                log.info("%s: no announcements of new blocks (%s)", self.label, type(error).__name__)
            self.stop.wait(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    def announcements(self) -> Iterator[None]:
        """One for every block, until told to stop. Raises what a lost connection raises, ValueError for a refusal."""
        with connect(self.url, open_timeout=OPEN_SECONDS, max_size=LARGEST_MESSAGE, logger=QUIET) as connection:
            connection.send(SUBSCRIBE)
            heard = monotonic()
            while not self.stop.is_set():
                try:
                    message = json.loads(connection.recv(timeout=LOOK_AGAIN))
                except TimeoutError:
                    if monotonic() - heard > SILENCE:
                        raise
                    continue
                heard = monotonic()
                if not isinstance(message, dict) or message.get("error") is not None:
                    raise ValueError("the subscription is refused")
                if message.get("method") == "eth_subscription":
                    yield
