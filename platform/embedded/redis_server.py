"""Redis on a socket: one server for the cache, one for the broker."""

import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from embedded.binaries import redis_server
from embedded.children import Child, Program
from embedded.places import Refused

READY_S_MAX = 30.0
FOREVER = ("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction")
FORGETFUL = ("--appendonly", "no", "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lfu")


def program(
    *, name: str, path: Path, folder: Path, durable: bool, environment: Mapping[str, str]
) -> Program:
    """Return a redis-server that listens only on socket `path` and writes only below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--save", ""]
    return Program(
        name=name,
        command=[
            *(str(redis_server()), *options, "--dir", str(folder), "--daemonize", "no"),
            *(FOREVER if durable else FORGETFUL),
        ],
        environment=environment,
        folder=folder,
        stop_signal=signal.SIGTERM,
        stop_s_max=5.0,
        quiet=True,
    )


def answer(path: Path, *words: str, timeout_s: float = 2.0) -> str:
    """Return the first line of a server's response; raise OSError if there is no server."""
    request = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        connection.connect(str(path))
        connection.sendall(request.encode())
        return connection.makefile().readline().strip()


def stop_stale(path: Path) -> None:
    """Stop a server that outlived its supervisor, and remove its socket."""
    try:
        answer(path, "SHUTDOWN")
        time.sleep(0.2)
    except OSError:
        pass  # no server is running, so there is nothing to stop
    path.unlink(missing_ok=True)


def wait_ready(child: Child, path: Path) -> None:
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline:
        if not child.alive:
            break
        try:
            if answer(path, "PING") == "+PONG":
                return
        except OSError:
            time.sleep(0.02)  # not listening yet
            continue
        time.sleep(0.02)  # still loading its file
    raise Refused(
        "\n".join(
            [
                *child.last_lines(),
                f"{child.program.name} did not start; its last messages are above.",
            ]
        )
    )
