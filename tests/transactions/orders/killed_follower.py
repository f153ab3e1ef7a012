"""Follows an order in a child process that kills itself before a given event; a line of stdin each.

    17 42     follow the order with key 42 twice; SIGKILL before the 17th event. 0: to the end

Events are statements and commits, and the calls of the broker, before they go out and after their
answers came. The answer is a line: the number of events, or -1 if the child was killed.
"""

import json
import os
import signal
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    given = json.loads(sys.argv[1])
    import django

    django.setup()
    import transactions.operations.orders.following  # noqa: F401  the children inherit it

    for line in sys.stdin:
        number, pk = line.split()
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            count = followed(int(number), int(pk), given)
            os.write(writing, str(count).encode())
            os._exit(0)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        text = os.read(reading, 100).decode()
        os.close(reading)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write(f"{'-1' if killed else text or 'failed'}\n")
        sys.stdout.flush()


def followed(number: int, pk: int, given: dict[str, Any]) -> int:
    from django.conf import settings
    from django.db import connection
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.utils import timezone

    from transactions.models import Order
    from transactions.operations.orders.following import follow

    alpaca: Any = import_module("transactions.orders.brokers.alpaca")
    for name, value in given.items():
        setattr(settings, name, value)
    events = 0

    def event() -> None:
        nonlocal events
        events += 1
        if events == number:
            os.kill(os.getpid(), signal.SIGKILL)

    commit, answered = BaseDatabaseWrapper.commit, alpaca.answered

    def committed(self: Any) -> None:
        event()
        commit(self)

    def called(request: Any) -> Any:
        event()
        answer = answered(request)
        event()
        return answer

    def statement(execute: Any, sql: Any, values: Any, many: Any, context: Any) -> Any:
        event()
        return execute(sql, values, many, context)

    BaseDatabaseWrapper.commit = committed  # type: ignore[method-assign]
    alpaca.answered = called
    order = Order.objects.get(pk=pk)
    connection.execute_wrappers.append(statement)
    for _ in range(2):
        follow(order=order, now=timezone.now())
    return events


if __name__ == "__main__":
    main()
