"""Start the web process: `python -m edge.server --host 127.0.0.1 --port 8000 --workers 2`.

This is granian with one listening socket for all workers. granian's own command opens a socket for
each worker, and connections that wait in a worker's queue are reset when that worker ends. Here
they wait for the next worker:

    SIGHUP    new workers load the code, then the old ones finish their requests and end
    SIGTERM   no new connection is taken, requests are finished, everything ends
    a worker that dies is replaced

Each worker takes 4096 connections: an idle one is cheap, because a request takes a thread only when
its body is complete. A connection that sends no complete head is closed after 20 s.
"""

import argparse
import multiprocessing
import os
import socket
from collections.abc import Sequence
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import MPServer

from edge.listening import add_arguments, listening_socket

APPLICATION = "config.rsgi:application"
CONNECTIONS_MAX = 4096
QUEUED_MAX = 1024
HEAD_READ_MS_MAX = 20_000
# A worker that is replaced has this time to finish its requests.
DRAIN_S_MAX = 30


class SharedSocketServer(MPServer):
    """granian whose workers accept from one socket."""

    def __init__(self, listening: socket.socket, **options: Any) -> None:
        super().__init__(APPLICATION, **options)
        self._listening = listening

    def _init_shared_socket(self) -> None:
        self._listening.setblocking(False)
        self._listening.listen(self.backlog)
        self._ssp = self._sso = None
        descriptor = self._listening.fileno()
        self._shd = SocketHolder(descriptor, False, self.backlog)  # type: ignore[call-arg,assignment]

    def _drop_shared_socket(self) -> None:
        self._listening.close()


def server(listening: socket.socket, *, workers: int, log_level: str) -> SharedSocketServer:
    host, port = listening.getsockname()[:2]
    return SharedSocketServer(
        listening,
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=workers,
        http=HTTPModes.http1,
        websockets=False,
        backlog=QUEUED_MAX,
        backpressure=CONNECTIONS_MAX,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_READ_MS_MAX),
        log_level=LogLevels(log_level),
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_S_MAX,
    )


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="edge.server", description=__doc__)
    add_arguments(parser, host="127.0.0.1", port=int(os.environ.get("PORT") or 8000))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--log-level", default="info", choices=[level.value for level in LogLevels])
    return parser.parse_args(words)


def main() -> None:
    asked = arguments()
    multiprocessing.set_start_method("fork")  # a worker inherits the socket
    listening = listening_socket(asked)
    server(listening, workers=asked.workers, log_level=asked.log_level).serve()


if __name__ == "__main__":
    main()
