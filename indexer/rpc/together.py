"""Several questions at once, each in a thread of its own, their answers in the order in which they come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from indexer.rpc.errors import RpcError

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class Together(Generic[K, T]):
    """Asks and gathers. A thread that nobody waits for any more ends by itself, and keeps no process alive."""

    def __init__(self) -> None:
        self._came: SimpleQueue[tuple[K, T | BaseException]] = SimpleQueue()
        self.missing: set[K] = set()

    def ask(self, key: K, question: Callable[[], T]) -> None:
        self.missing.add(key)
        threading.Thread(target=self._run, args=(key, question), name=f"ask {key}", daemon=True).start()

    def gather(self, seconds: float | None = None) -> Iterator[tuple[K, T | RpcError]]:
        """Yield what comes within so many seconds from now, until nothing is missing.

        What is raised besides RpcError (an interrupted pause) is raised here.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        while self.missing:
            try:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                key, answer = self._came.get(timeout=left)
            except Empty:
                return
            self.missing.discard(key)
            if isinstance(answer, BaseException) and not isinstance(answer, RpcError):
                raise answer
            yield key, answer

    def _run(self, key: K, question: Callable[[], T]) -> None:
        try:
            answer: T | BaseException = question()
        except BaseException as error:
            answer = error
        self._came.put((key, answer))
