"""Servers for a test session, up before Django reads its settings; a clean Redis for every test.

DATABASE_URL, REDIS_URL and BROKER_URL replace the embedded servers. A Redis given from outside is
emptied (its database number only), so give an empty one.

With several processes (`pytest -n auto`) the controller starts PostgreSQL, where each process has
its own database. Each process starts its own Redis: a published message reaches every database of a
server, so database numbers would not separate the processes.
"""

import gc
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

# More processes would wait for PostgreSQL and for the longest tests.
PROCESSES_MAX = 8
# The collected suite is a quarter of a million objects, which live as long as the process. Python
# would look through them again and again: a fifth of all its work.
GARBAGE_THRESHOLDS = (50_000, 20, 10)
# Machine code of the engine takes half a minute to compile. It lies by the state of the source that
# it was compiled from, so every session and process may use what another has compiled.
COMPILED = Path(sys.prefix) / "compiled"
COMPILED_STATES_MAX = 5
DATABASE, REDIS = ("DATABASE_URL",), ("REDIS_URL", "BROKER_URL")
_open = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Iterator[None]:
    """Start the servers around pytest-django, which reads the settings in this very hook."""
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    os.environ.setdefault("TESTING", "1")
    # Redis may be slow on a busy machine: no test may depend on that by accident.
    os.environ.setdefault("REDIS_REQUEST_TIMEOUT_MS", "2000")
    if not {"--help", "-h", "--version", "-V"} & set(args):
        dealt_out = getattr(early_config.known_args_namespace, "numprocesses", None)
        if dealt_out and "PYTEST_XDIST_WORKER" not in os.environ:
            _start_for_workers()
        else:
            _start(DATABASE + REDIS)
    yield


# First, because pytest-xdist has an answer of its own, and is loaded later.
@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return two more than the cores: some tests spend their time waiting for other processes."""
    return min((os.cpu_count() or 1) + 2, PROCESSES_MAX)


def _start_for_workers() -> None:
    """Start PostgreSQL; the workers inherit its address and start their own Redis."""
    if found := [name for name in REDIS if os.environ.get(name)]:
        raise pytest.UsageError(
            f"{' and '.join(found)} is set, but several test processes cannot share one Redis. Add "
            "-n 0."
        )
    ours = not os.environ.get("DATABASE_URL")
    _start(DATABASE)
    if ours:
        os.environ["BALLAST_TEST_SHARED"] = os.environ["DATA_DIR"]


def _start(wanted: tuple[str, ...]) -> None:
    """Start the servers for these addresses, unless the environment names them."""
    folder = Path(tempfile.mkdtemp(prefix="ballast-test-"))
    folder.chmod(0o755)
    _open.callback(shutil.rmtree, folder, ignore_errors=True)
    where = places(folder)
    _open.callback(shutil.rmtree, where.sockets, ignore_errors=True)
    given = {
        name: os.environ.get(name) or ("" if name in wanted else "none")
        for name in DATABASE + REDIS
    }
    running = _open.enter_context(servers(where, given=given, lasting=False))
    os.environ.update({name: running.urls[name] for name in wanted})
    os.environ["DATA_DIR"] = str(folder)
    (folder / "static").mkdir()
    if os.access(COMPILED.parent, os.W_OK):
        COMPILED.mkdir(exist_ok=True)
        forget_old_states(COMPILED)
        (folder / "compiled").symlink_to(COMPILED)


def forget_old_states(compiled: Path) -> None:
    """Remove the machine code of all states of the source but the newest."""
    newest_last = sorted(compiled.iterdir(), key=lambda state: state.lstat().st_mtime)
    for state in newest_last[:-COMPILED_STATES_MAX]:
        shutil.rmtree(state, ignore_errors=True)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    _open.close()


@pytest.fixture(scope="session")
def _redis_clients() -> "list[redis.Redis]":
    broker = os.environ["BROKER_URL"].replace("redis+socket://", "unix://")
    broker = broker.replace("virtual_host=", "db=")
    return [redis.Redis.from_url(os.environ["REDIS_URL"]), redis.Redis.from_url(broker)]


@pytest.fixture(autouse=True)
def _clean_redis(_redis_clients: "list[redis.Redis]") -> None:
    """Empty Redis, so that no test sees another test's keys."""
    for client in _redis_clients:
        client.flushdb()


@pytest.fixture(scope="session")
def browser_program() -> str:
    """Return Chromium's path. Without one, skip the test with a message, or fail in CI."""
    found = chromium()
    if found is None:
        reason = (
            "Chromium is not installed: install Debian's `chromium` (`make test` as root does it)"
        )
        if os.environ.get("BALLAST_REQUIRE_BROWSER") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    shown = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)
    sys.stdout.write(f"browser: {shown.stdout.strip()}\n")
    return found
