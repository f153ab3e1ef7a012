"""Writing to many sockets from one task, without a task for each.

An ASGI `send` almost always ends without waiting: the bytes go into the socket's buffer. Making
a task for it costs more than the write. So the coroutine is run by hand up to its first wait;
only when it does wait (the client reads too slowly) a task has to carry it to its end.
"""

from collections.abc import Awaitable, Coroutine, Generator
from types import coroutine
from typing import Any, cast


def started(sending: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Runs a coroutine up to its first wait: None when it has ended, else what is left to await."""
    try:
        waits_for = sending.send(None)
    except StopIteration:
        return None
    return cast(Awaitable[None], _rest(sending, waits_for))


@coroutine
def _rest(sending: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Goes on where `started` stopped: hands each awaited thing to the event loop, and back."""
    while True:
        try:
            result = yield waits_for
        except BaseException as error:  # the task was cancelled: the coroutine must hear of it
            try:
                waits_for = sending.throw(error)
            except StopIteration:
                return
        else:
            try:
                waits_for = sending.send(result)
            except StopIteration:
                return
