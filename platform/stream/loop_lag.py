"""How late the event loop wakes what is due: the time by which every socket waits longer."""

import asyncio
from collections.abc import Callable

from stream.metrics import LOOP_LAG_SECONDS

EVERY_S = 0.5


async def watch_lag(*, clock: Callable[[], float]) -> None:
    """Measure the lag twice a second until cancelled."""
    while True:
        due = clock() + EVERY_S
        await asyncio.sleep(EVERY_S)
        LOOP_LAG_SECONDS.observe(max(0.0, clock() - due))
