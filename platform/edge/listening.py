"""Listening sockets: bound here, or inherited from the process that starts ours.

An inherited socket outlives its processes. While one of them restarts, the kernel queues new
connections instead of refusing them.
"""

import argparse
import socket


def add_arguments(parser: argparse.ArgumentParser, *, host: str, port: int) -> None:
    """Add the arguments that say where a server listens."""
    parser.add_argument("--host", default=host)
    parser.add_argument("--port", type=int, default=port)
    parser.add_argument(
        "--fd", type=int, help="an inherited listening socket; --host and --port are then ignored"
    )


def listening_socket(arguments: argparse.Namespace) -> socket.socket:
    """Return the inherited socket, or bind a new one; `listen` is left to the server."""
    if arguments.fd is not None:
        inherited = socket.socket(fileno=arguments.fd)
        inherited.set_inheritable(False)
        return inherited
    family = socket.AF_INET6 if ":" in arguments.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((arguments.host, arguments.port))
    return bound
