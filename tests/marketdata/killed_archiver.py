"""Moves prices in a child process that kills itself before a given event; one move a line of stdin.

    archive 17        archive; SIGKILL before the 17th event. 0: to the end
    restore 3         restore everything; SIGKILL before the third

Events are statements and commits on both databases, copies into tables, and requests to the
archive. The answer is a line: the number of events, or -1 if the child was killed.
"""

import json
import os
import signal
import sys
from typing import Any


def main() -> None:
    given = json.loads(sys.argv[1])
    import django

    django.setup()
    import marketdata.operations.archiving  # noqa: F401  the children inherit what is imported

    for line in sys.stdin:
        what, number = line.split()
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            count = move(what, int(number), given)
            os.write(writing, str(count).encode())
            os._exit(0)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        text = os.read(reading, 100).decode()
        os.close(reading)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write(f"{'-1' if killed else text or 'failed'}\n")
        sys.stdout.flush()


def move(what: str, number: int, given: dict[str, Any]) -> int:
    from django.conf import settings
    from django.db.backends.base.base import BaseDatabaseWrapper

    from marketdata.operations import archive_prices, price_copies, restore_prices
    from stores.objects import Objects
    from tests.marketdata import tiers

    settings.PRICE_ARCHIVE_URL = given["archive"]
    if given["warm"]:
        tiers.use_warm(given["warm"])
    events = 0

    def event() -> None:
        nonlocal events
        events += 1
        if events == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            event()
            return real(*arguments, **options)

        setattr(owner, name, call)

    def statement(execute: Any, sql: Any, values: Any, many: Any, context: Any) -> Any:
        event()
        return execute(sql, values, many, context)

    counted(BaseDatabaseWrapper, "commit")
    counted(price_copies, "copy_records")
    for name in ("put", "get", "delete", "paths"):
        counted(Objects, name)
    from django.db import connections

    for alias in connections.settings:
        connections[alias].execute_wrappers.append(statement)
    as_of, now = tiers.AS_OF, tiers.NOW
    if what == "archive":
        moved = list(archive_prices(as_of=as_of, now=now, lease_s=0))
    else:
        moved = list(
            restore_prices(
                table="marketdata_dailyprice",
                since=tiers.FIRST,
                until=as_of,
                as_of=as_of.replace(year=2020),
                now=now,
                lease_s=0,
            )
        )
    assert {one.outcome for one in moved} <= {"moved", "cleaned"}, moved
    return events


if __name__ == "__main__":
    main()
