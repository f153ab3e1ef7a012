"""The parts of `make run`: the steps before it, its processes, and their environment."""

import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from embedded.children import Program
from embedded.places import ROOT, Places, Refused, secret_key

BIN = Path(sys.executable).parent
HOST = "127.0.0.1"
# The servers listen on this machine alone, so only its own names can reach them.
HOSTS_OF_THIS_MACHINE = "localhost,127.0.0.1"
# make's own variables, and one that would make every start compile all packages.
NOT_PASSED_ON = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHONDONTWRITEBYTECODE"}
# A worker whose queue has shown no heartbeat for this time no longer takes messages. Nightly work
# without a lease may rightly keep both of its processes busy for long.
HEARTBEAT_S_MAX = {
    "worker-interactive": ("interactive", 90.0),
    "worker-imports": ("imports", 90.0),
    "worker-nightly": ("nightly", 3600.0),
}
# Web and stream are polled at /healthz; a process that is silent for this time is restarted.
SILENCE_S_MAX = 30.0
PROBE_CONNECTIONS = 4

# A request waits less long than a worker does, for a statement and for a lock.
WEB_TIMEOUTS = {"STATEMENT_TIMEOUT_MS": "10000", "LOCK_TIMEOUT_MS": "3000"}


def port(name: str, default: int) -> int:
    """Return a port from the environment."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise Refused(f"{name} must be a port number from 1 to 65535, not {text!r}.")
    return int(text)


def environment(where: Places, urls: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of every process of the application."""
    found = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    found |= urls
    given = os.environ.get("BACKUP_DIR")
    found |= {
        "DATA_DIR": str(where.data),
        "PORT": str(port("PORT", 8000)),
        "STREAM_PORT": str(port("STREAM_PORT", 8001)),
        # One place however it was written: processes stand in other folders.
        "BACKUP_DIR": str((ROOT / given).absolute()) if given else "",
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secret_key(where.data),
        "DEMO": os.environ.get("DEMO") or "1",
        "ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS") or HOSTS_OF_THIS_MACHINE,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
        "LANG": os.environ.get("LANG") or "C.UTF-8",
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    return found


def manage(name: str, *words: str, environment: Mapping[str, str]) -> Program:
    """Return a `manage.py` command, as a step before the processes or as one of them."""
    return Program(
        name=name,
        command=[str(BIN / "python"), "manage.py", *words],
        environment=environment,
        folder=ROOT,
    )


def edges(
    where: Places, variables: Mapping[str, str], *, ports: Mapping[str, socket.socket]
) -> list[Program]:
    """Return the processes of the application; all of them may stop and start in any order.

    `ports`: the bound sockets of PORT and STREAM_PORT, which web and stream inherit.
    """
    metrics = where.data / "metrics"
    metrics.mkdir(exist_ok=True)
    for leftover in metrics.glob("*.db"):
        leftover.unlink()
    counted = {**variables, "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    # Celery warns against root; people who run a local copy as root have already decided so.
    working = {**counted, "PYTHONWARNINGS": "ignore:You're running the worker with superuser"}

    def process(
        name: str, *words: str, told: Mapping[str, str] = counted, port: str | None = None
    ) -> Program:
        listening = ports[port] if port else None
        words = (*words, "--fd", str(listening.fileno())) if listening else words
        return Program(
            name=name,
            command=[str(BIN / words[0]), *words[1:]],
            environment=told,
            folder=ROOT,
            stop_signal=signal.SIGTERM,
            stop_s_max=12.0,
            listening=listening,
            reload_signal=signal.SIGHUP if name == "web" else None,
        )

    def worker(queues: str, *, processes: int = 2) -> Program:
        name = queues.split(",")[0]
        return process(
            f"worker-{name}",
            *("celery", "--quiet", "-A", "config", "worker", "-Q", queues, "-n", f"{name}@%h"),
            *("--concurrency", f"{processes}", "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle"),
            told=working,
        )

    return [
        process(
            "web",
            *("python", "-m", "edge.server", "--workers", "2"),
            told={**WEB_TIMEOUTS, **counted},
            port="PORT",
        ),
        process(
            "stream",
            *("python", "-m", "stream.server"),
            told={**WEB_TIMEOUTS, **variables},
            port="STREAM_PORT",
        ),
        worker("interactive,notify"),
        worker("imports", processes=1),
        worker("nightly"),
        worker("urgent", processes=1),
        worker("deliveries", processes=1),
        process(
            "beat",
            *("celery", "--quiet", "-A", "config", "beat", "--pidfile=", "--loglevel", "WARNING"),
            *("--schedule", str(where.data / "beat-schedule")),
        ),
        manage("feed", "run_feed", environment=variables),
    ]
