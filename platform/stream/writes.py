"""Writing to many sockets from one task, without a task for each.

An ASGI `send` almost always ends without waiting: the bytes go into the socket's buffer. A task
for it costs more than the write. So the coroutine is run by hand up to its first wait. Only when
it does wait (the client reads too slowly) does a task run it to its end.
"""

from collections.abc import Awaitable, Coroutine, Generator
from types import coroutine
from typing import Any, cast


def started(sending: Coroutine[Any, Any, None]) -> Awaitable[None] | None:
    """Run a coroutine up to its first wait; return None if it has ended, else the rest to await."""
    try:
        waits_for = sending.send(None)
    except StopIteration:
        return None
    return cast(Awaitable[None], _rest(sending, waits_for))


@coroutine
def _rest(sending: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """Continue where `started` stopped, passing each future to the event loop and back."""
    while True:
        try:
            result = yield waits_for
        except BaseException as error:  # the task was cancelled: pass that on to the coroutine
            try:
                waits_for = sending.throw(error)
            except StopIteration:
                return
        else:
            try:
                waits_for = sending.send(result)
            except StopIteration:
                return
