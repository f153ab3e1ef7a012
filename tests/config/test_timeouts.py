"""How long the processes wait for PostgreSQL, in `make run` and in docker-compose.yml."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from embedded import plan
from embedded.places import ROOT, places

# A person gives up after some seconds; a job may work longer.
WEB_ANSWER_MS_MAX = 15_000
PGBOUNCER_QUEUE_MS = 5_000
FACING_PEOPLE = ("web", "stream")


def timeouts_ms(environment: dict[str, str]) -> tuple[int, int]:
    """Return the timeout of a statement and of an answer in a process with this environment."""
    code = "from config import settings as s; print(s.STATEMENT_TIMEOUT_MS, s.ANSWER_TIMEOUT_MS)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "SECRET_KEY": "x" * 50, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    statement, answer = done.stdout.split()
    return int(statement), int(answer)


@pytest.fixture
def started(tmp_path: Path) -> dict[str, dict[str, str]]:
    """Return the environment of each process of `make run`."""
    with socket.socket() as one, socket.socket() as other:
        where, ports = places(tmp_path), {"PORT": one, "STREAM_PORT": other}
        programs = plan.edges(where, plan.environment(where, {}), ports=ports)
    kept = ("STATEMENT_TIMEOUT_MS", "ANSWER_TIMEOUT_MS", "DEMO")
    return {
        program.name: {x: program.environment[x] for x in kept if x in program.environment}
        for program in programs
    }


def test_a_request_waits_at_most_fifteen_seconds_for_a_database_that_hangs(
    started: dict[str, dict[str, str]],
) -> None:
    for name in FACING_PEOPLE:
        statement, answer = timeouts_ms(started[name])
        assert statement + PGBOUNCER_QUEUE_MS <= answer <= WEB_ANSWER_MS_MAX, name
    for name in ("worker-interactive", "worker-imports", "worker-nightly"):
        assert timeouts_ms(started[name]) == (30_000, 35_000), name


def test_the_containers_wait_as_long_as_their_roles_allow() -> None:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    roles = (ROOT / "platform/docker/roles.sh").read_text()
    units_ms = {"s": 1_000, "min": 60_000}
    seen = set()
    for name, service in services.items():
        environment = service.get("environment") or {}
        role = re.search(r"//(ballast_[a-z]+):", environment.get("DATABASE_URL", ""))
        if role is None or name in ("beat", "feed"):
            continue  # nobody waits for those two
        set_to = re.search(rf"ROLE {role[1]} SET statement_timeout = '(\d+)(s|min)'", roles)
        assert set_to is not None, name
        told = {x: value for x, value in environment.items() if x.endswith("_TIMEOUT_MS")}
        statement, answer = timeouts_ms(told)
        assert statement == int(set_to[1]) * units_ms[set_to[2]], name
        assert answer == statement + PGBOUNCER_QUEUE_MS, name
        if name in FACING_PEOPLE:
            assert answer <= WEB_ANSWER_MS_MAX, name
        seen.add(name)
    assert {"web", "stream", "worker-interactive", "worker-imports", "worker-nightly"} <= seen
