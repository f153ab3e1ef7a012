"""Poll a process from a thread to see whether it responds, without blocking the supervisor."""

import threading
import time
from collections.abc import Callable

EVERY_S = 5.0


class Probe:
    """The time since which a process has not answered."""

    def __init__(
        self, answers: Callable[[], bool], *, silence_s_max: float, every_s: float = EVERY_S
    ) -> None:
        self.answers, self.silence_s_max, self.every_s = answers, silence_s_max, every_s
        self._silent_since_s: float | None = None

    def start(self) -> None:
        threading.Thread(target=self._ask, daemon=True).start()

    def overdue(self, *, not_before_s: float) -> bool:
        """Return whether the silence is too long; time before `not_before_s` does not count."""
        since_s = self._silent_since_s
        if since_s is None:
            return False
        return time.monotonic() - max(since_s, not_before_s) > self.silence_s_max

    def _ask(self) -> None:
        while True:
            asked_s = time.monotonic()
            if self.answers():
                self._silent_since_s = None
            elif self._silent_since_s is None:
                self._silent_since_s = asked_s
            time.sleep(self.every_s)
