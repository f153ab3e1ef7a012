"""Servers for a test session, up before Django reads its settings; a clean Redis for every test.

DATABASE_URL, REDIS_URL and BROKER_URL replace the embedded servers. A Redis that is given is
emptied (its database number only), so give one that holds nothing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from embedded.browser import chromium
from embedded.places import places
from embedded.servers import servers

ADDRESSES = ("DATABASE_URL", "REDIS_URL", "BROKER_URL")
_open = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(args: list[str]) -> Iterator[None]:
    """Around pytest-django, which reads the settings in this very hook."""
    os.environ.setdefault("TESTING", "1")
    if not {"--help", "-h", "--version", "-V"} & set(args):
        _start()
    yield


def _start() -> None:
    folder = Path(tempfile.mkdtemp(prefix="ballast-test-"))
    folder.chmod(0o755)
    _open.callback(shutil.rmtree, folder, ignore_errors=True)
    where = places(folder)
    _open.callback(shutil.rmtree, where.sockets, ignore_errors=True)
    given = {name: os.environ[name] for name in ADDRESSES if os.environ.get(name)}
    running = _open.enter_context(servers(where, given=given, lasting=False))
    os.environ.update(running.urls)
    os.environ["DATA_DIR"] = str(folder)


def pytest_unconfigure() -> None:
    _open.close()


@pytest.fixture(scope="session")
def _redis_clients() -> "list[redis.Redis]":
    broker = os.environ["BROKER_URL"].replace("redis+socket://", "unix://")
    broker = broker.replace("virtual_host=", "db=")
    return [redis.Redis.from_url(os.environ["REDIS_URL"]), redis.Redis.from_url(broker)]


@pytest.fixture(autouse=True)
def _clean_redis(_redis_clients: "list[redis.Redis]") -> None:
    """No test sees what another left in Redis."""
    for client in _redis_clients:
        client.flushdb()


@pytest.fixture(scope="session")
def browser_program() -> str:
    """The path of Chromium. Without one the test is skipped aloud; in CI that is a failure."""
    found = chromium()
    if found is None:
        reason = "no Chromium here: install Debian's `chromium` (as root `make test` does it)"
        if os.environ.get("BALLAST_REQUIRE_BROWSER") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    shown = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    sys.stdout.write(f"browser: {shown.stdout.strip()}\n")
    return found
