"""A local copy with toy processes instead of the application, for the tests beside this file.

    python local_copy.py DATA_DIR [--without-servers] NAME=COMMAND…

It prints `ready` once everything runs. The supervisor and the servers are the real ones.
"""

import sys
from contextlib import ExitStack
from pathlib import Path

from embedded.children import Program, say
from embedded.places import Refused, hold, places
from embedded.servers import start
from embedded.supervisor import Stopped, Supervisor


def main() -> int:
    data, *words = sys.argv[1:]
    given = {}
    if "--without-servers" in words:
        words.remove("--without-servers")
        given = {"DATABASE_URL": "none", "REDIS_URL": "none", "BROKER_URL": "none"}
    where = places(Path(data))
    with ExitStack() as ends:
        ends.enter_context(hold(where))
        supervisor = Supervisor(where)
        supervisor.listen()
        ends.callback(supervisor.shut_down)
        supervisor.adopt(start(where, given=given, lasting=True))
        for word in words:
            name, _, code = word.partition("=")
            command = [sys.executable, "-u", "-c", code]
            supervisor.start(
                [Program(name, command, {"PATH": "/usr/bin:/bin"}, where.data, stop_s_max=1.5)]
            )
        say("ready")
        while True:
            supervisor.watch_once()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stopped:
        sys.exit(0)
    except Refused as refusal:
        say(str(refusal))
        sys.exit(1)
