"""The web process on a free port, and load against it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.utils import timezone

from identity.authentication import token_key
from identity.models import TokenFamily
from identity.token_signing import Access, access_token


@contextmanager
def server(*, workers: int, threads: int) -> Iterator[int]:
    """Run the web process on a free port and yield the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        *(sys.executable, "-m", "edge.server", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(workers), "--log-level", "warning"),
    ]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "LOG_LEVEL": "WARNING",
        "WEB_THREADS": str(threads),
    }
    process = subprocess.Popen(command, env=environment)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the web process exited with code {process.returncode}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the web process did not respond within 30 s")


def tokens(members: Sequence[tuple[int, str, str]]) -> list[str]:
    """Return an access token for every seeded user, each from its own log-in."""
    now = timezone.now()
    families = TokenFamily.objects.bulk_create(
        [
            TokenFamily(user_id=user_id, created_at=now, expires_at=now + timedelta(days=1))
            for user_id, _, _ in members
        ]
    )
    return [
        access_token(
            key=token_key(),
            claims=Access(user_id, public_id, 1, str(family.pk)),
            now=now,
            lifetime=timedelta(hours=1),
        )
        for (user_id, public_id, _), family in zip(members, families, strict=True)
    ]


def get(path: str, bearer: str | None = None) -> str:
    """Return the bytes of a GET request, as text."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: keep-alive"]
    if bearer:
        lines.append(f"Authorization: Bearer {bearer}")
    return "\r\n".join(lines) + "\r\n\r\n"


def loaded(
    *,
    port: int,
    requests: Sequence[str],
    total: int,
    connections: int,
    rate: float | None = None,
) -> dict[str, Any]:
    """Return what the load generator measured (see load.Outcome)."""
    job = {
        "port": port,
        "requests": list(requests),
        "total": total,
        "connections": connections,
        "rate": rate,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
        timeout=600 + (total / rate if rate else 0),
    )
    outcome: dict[str, Any] = json.loads(done.stdout)
    if outcome["errors"]:
        raise RuntimeError(
            f"{outcome['errors']} of {outcome['requests']} responses did not have status 200"
        )
    return outcome
