"""The threads in which Django answers, and the bounded queue of requests in front of them.

    enter -> waiting -> a thread takes it -> answered
                     -> it waited longer than `wait_s_max`: expired, no thread ever sees it
    the queue is full: refused at once

`enter`, `sweep` and `stuck` belong to the event loop's thread; threads race only for `Turn.take`.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue

logger = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Turn:
    """One complete request in the queue. `ended` becomes True when it was answered."""

    answer: Callable[[], None]
    ended: "asyncio.Future[bool]"
    since_s: float
    _taken: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        """Return whether the caller is the first, and therefore the only one, to take this turn."""
        return self._taken.acquire(blocking=False)


class RequestThreads:
    """A fixed number of threads and a queue of at most `waiting_max` requests."""

    def __init__(self, *, count: int, waiting_max: int, wait_s_max: float) -> None:
        self.count, self.waiting_max, self.wait_s_max = count, waiting_max, wait_s_max
        self.inside = 0
        self.loop: asyncio.AbstractEventLoop
        self._progress_s = time.monotonic()
        self._line: deque[Turn] = deque()
        self._handed: SimpleQueue[Turn | None] = SimpleQueue()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the threads; call this in the process that answers."""
        self.loop = loop
        for number in range(self.count):
            name = f"request-{number + 1}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def stop(self) -> None:
        """Let every thread end after its current request."""
        for _ in range(self.count):
            self._handed.put(None)

    @property
    def full(self) -> bool:
        return self.inside >= self.count + self.waiting_max

    async def enter(self, answer: Callable[[], None]) -> bool:
        """Run `answer` in a thread. Return False if it waited too long and was never run."""
        now = time.monotonic()
        if self.inside < self.count:
            self._progress_s = now  # a thread was free: the queue moves
        self.inside += 1
        turn = Turn(answer, self.loop.create_future(), now)
        self._line.append(turn)
        self._handed.put(turn)
        try:
            return await turn.ended
        finally:
            self.inside -= 1
            self._progress_s = time.monotonic()

    def sweep(self) -> None:
        """Expire requests that have waited too long. Call this about once a second."""
        oldest_s = time.monotonic() - self.wait_s_max
        while self._line and (self._line[0].ended.done() or self._line[0].since_s < oldest_s):
            turn = self._line.popleft()
            if not turn.ended.done() and turn.take():
                turn.ended.set_result(False)

    def stuck(self, s_max: float) -> bool:
        """Return whether all threads are busy and none has finished any for `s_max` seconds."""
        return self.inside >= self.count and time.monotonic() - self._progress_s > s_max

    def _work(self) -> None:
        while (turn := self._handed.get()) is not None:
            if not turn.take():
                continue
            try:
                turn.answer()
            except BaseException:
                # Django answers its own errors; anything that arrives here must not end the thread.
                logger.exception("a request got no response")
            self.loop.call_soon_threadsafe(_end, turn.ended)


def _end(ended: "asyncio.Future[bool]") -> None:
    if not ended.done():
        ended.set_result(True)
