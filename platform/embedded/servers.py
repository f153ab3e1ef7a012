"""All servers of one copy: PostgreSQL and the two Redis, or those the environment names.

with servers(places(folder), lasting=False) as running:
    os.environ.update(running.urls)      DATABASE_URL, REDIS_URL, BROKER_URL
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from embedded import postgres as database
from embedded import redis_server
from embedded.children import Child, Program, stop
from embedded.places import Places
from embedded.postgres import Postgres


@dataclass
class Servers:
    """The running servers; `urls` are passed to the application."""

    urls: dict[str, str]
    children: list[Child] = field(default_factory=list)
    sockets: dict[str, Path] = field(default_factory=dict)
    postgres: Postgres | None = None

    def wait_ready(self, child: Child) -> None:
        """Wait until a started or restarted server answers."""
        if self.postgres is not None and child.program.name == "postgres":
            database.wait_ready(self.postgres, child)
        else:
            redis_server.wait_ready(child, self.sockets[child.program.name])

    def prepare(self, program: Program) -> None:
        """Remove all obstacles before a server starts."""
        if self.postgres is not None and program.name == "postgres":
            database.put_back(self.postgres)
            database.prepare(self.postgres)
        else:
            redis_server.stop_stale(self.sockets[program.name])


def addresses(where: Places, *, given: Mapping[str, str]) -> dict[str, str]:
    """Return the three addresses: the given ones, and our own sockets for the others."""
    ours = {
        "DATABASE_URL": f"postgresql://{database.USER}@/{database.DATABASE}"
        f"?host={where.sockets / 'pg'}",
        "REDIS_URL": f"unix://{where.sockets / 'cache.sock'}?db=0",
        "BROKER_URL": f"redis+socket://{where.sockets / 'broker.sock'}?virtual_host=0",
    }
    return {name: given.get(name) or address for name, address in ours.items()}


def programs(
    where: Places,
    servers: Servers,
    *,
    given: Mapping[str, str],
    lasting: bool,
    log: Path | None = None,
) -> list[Program]:
    """Return the servers that are ours to run."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    found = []
    for variable, name, file, durable in [
        ("REDIS_URL", "redis-cache", "cache.sock", False),
        ("BROKER_URL", "redis-broker", "broker.sock", lasting),
    ]:
        if not given.get(variable):
            servers.sockets[name] = where.sockets / file
            found.append(
                redis_server.program(
                    name=name,
                    path=where.sockets / file,
                    folder=where.data / name,
                    durable=durable,
                    environment=environment,
                )
            )
    if not given.get("DATABASE_URL"):
        servers.postgres = database.postgres(
            where, environment=environment, lasting=lasting, log=log
        )
        found.append(servers.postgres.program())
    return found


def start(
    where: Places, *, given: Mapping[str, str], lasting: bool, log: Path | None = None
) -> Servers:
    """Start servers that are not given and wait for them; stop all if one cannot start.

    `log`: the folder where PostgreSQL archives its write-ahead log.
    """
    servers = Servers(urls=addresses(where, given=given))
    try:
        for program in programs(where, servers, given=given, lasting=lasting, log=log):
            servers.prepare(program)
            servers.children.append(Child(program, where.logs / f"{program.name}.log"))
        for child in servers.children:
            servers.wait_ready(child)
    except BaseException:
        stop(servers.children)
        raise
    return servers


@contextmanager
def servers(
    where: Places,
    *,
    given: Mapping[str, str] | None = None,
    lasting: bool,
    log: Path | None = None,
) -> Iterator[Servers]:
    """Run the servers for the length of a block. lasting=False: fast, nothing survives."""
    running = start(where, given=given or {}, lasting=lasting, log=log)
    try:
        yield running
    finally:
        stop(running.children)
