"""Commands of the Makefile: `python -m embedded run | reload | shell | backup | restore | …`."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import redis

from embedded import backups, plan, restoring
from embedded.browser import install
from embedded.children import say
from embedded.places import (
    ROOT,
    Places,
    Refused,
    hold,
    places,
    running_environment,
    running_process,
    write_private,
)
from embedded.probes import Probe
from embedded.servers import servers, start
from embedded.supervisor import Stopped, Supervisor

GIVEN = ("DATABASE_URL", "REDIS_URL", "BROKER_URL")
LOG_INS = (
    "investor  demo@ballast.example  / ballast-demo",
    "operator  admin@ballast.example / ballast-admin",
)


def data_folder() -> Places:
    return places(Path(os.environ.get("DATA_DIR") or ".data"))


def given() -> dict[str, str]:
    return {name: os.environ[name] for name in GIVEN if os.environ.get(name)}


def bound_ports(ports: Mapping[str, int]) -> dict[str, socket.socket]:
    """Bind each port, or refuse with one sentence. A server that inherits it starts to listen."""
    if len(set(ports.values())) < len(ports):
        raise Refused("PORT and STREAM_PORT are the same. Choose two different ports.")
    bound = {}
    for name, number in ports.items():
        bound[name] = socket.socket()
        bound[name].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound[name].bind((plan.HOST, number))
        except OSError as error:
            raise Refused(
                f"{name} {number} cannot be used ({error.strerror}). Stop the program that "
                f"uses it, or choose another port, for example `make run {name}=8100`."
            ) from None
    return bound


def static_mark() -> str:
    """Return a digest that changes whenever a static file or an installed package changes."""
    found = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    for path in sorted(ROOT.glob("platform/*/static/**/*")):
        status = path.stat()
        found.update(f"{path}\n{status.st_size}\n{status.st_mtime_ns}\n".encode())
    return found.hexdigest()


def prepare(supervisor: Supervisor, where: Places, variables: Mapping[str, str]) -> None:
    """Prepare the database schema, the demo and the static files in parallel."""
    started = time.monotonic()
    lines = [[plan.manage("migrate", "migrate", "--noinput", "-v1", environment=variables)]]
    if variables["DEMO"] == "1":
        lines[0].append(plan.manage("load-demo", "load_demo", environment=variables))
    mark, collected = static_mark(), where.data / "static.mark"
    fresh = (
        collected.exists() and collected.read_text() == mark and (where.data / "static").exists()
    )
    if not fresh:
        words = ("collectstatic", "--noinput", "-v0")
        lines.append([plan.manage("collectstatic", *words, environment=variables)])
    supervisor.run_steps(*lines)
    collected.write_text(mark)
    say(f"database and files are ready after {time.monotonic() - started:.0f} s")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def alive(origin: str) -> bool:
    """Check that the process responds on several connections, which reach different workers."""
    return all(answers(f"{origin}/healthz") for _ in range(plan.PROBE_CONNECTIONS))


def heartbeat(client: "redis.Redis", queue: str) -> str | None:
    """Return the last heartbeat written by a task of this queue."""
    try:
        return str(client.get(f"heartbeat:{queue}"))
    except redis.RedisError:
        return None


def run() -> None:
    """Start servers, steps and processes, then supervise them until Ctrl-C."""
    started = time.monotonic()
    where = data_folder()
    with ExitStack() as ends:
        ends.enter_context(hold(where))
        ends.callback(shutil.rmtree, where.sockets, ignore_errors=True)
        supervisor = Supervisor(where)
        supervisor.listen()
        ends.callback(where.environment.unlink, missing_ok=True)
        ends.callback(supervisor.shut_down)
        ports = bound_ports(
            {"PORT": plan.port("PORT", 8000), "STREAM_PORT": plan.port("STREAM_PORT", 8001)}
        )
        for listening in ports.values():
            ends.enter_context(listening)
        folder = backups.backup_folder()
        log = backups.log_folder(folder) if folder and "DATABASE_URL" not in given() else None
        say(f"starting PostgreSQL and Redis, data in {where.data}")
        running = start(where, given=given(), lasting=True, log=log)
        supervisor.adopt(running)
        variables = plan.environment(where, running.urls)
        write_private(where.environment, json.dumps(variables))
        prepare(supervisor, where, variables)
        supervisor.start(plan.edges(where, variables, ports=ports))
        address = f"http://{plan.HOST}:{variables['PORT']}"
        supervisor.wait_until(lambda: answers(f"{address}/readyz"), what="the web process")
        stream = f"http://{plan.HOST}:{variables['STREAM_PORT']}"
        supervisor.wait_until(lambda: answers(f"{stream}/readyz"), what="the stream")
        say(f"ready after {time.monotonic() - started:.0f} s: {address}/")
        if variables["DEMO"] == "1":
            for line in LOG_INS:
                say(f"  log in as {line}")
        elif variables["ALLOWED_HOSTS"] == plan.HOSTS_OF_THIS_MACHINE:
            say("  only this machine's own names are served; for others set ALLOWED_HOSTS=name,…")
        say("Ctrl-C stops everything")
        client = redis.Redis.from_url(running.urls["REDIS_URL"], socket_timeout=2)
        supervisor.watch(
            heartbeats={
                name: (partial(heartbeat, client, queue), silence_s_max)
                for name, (queue, silence_s_max) in plan.HEARTBEAT_S_MAX.items()
            },
            probes={
                name: Probe(partial(alive, origin), silence_s_max=plan.SILENCE_S_MAX)
                for name, origin in (("web", address), ("stream", stream))
            },
        )


def reload() -> None:
    """Ask the running copy to load changed code into its web process."""
    os.kill(running_process(data_folder()), signal.SIGUSR1)
    say("the web process loads its code again; see the terminal of `make run`")


def shell(words: list[str]) -> None:
    """Replace this process by the command, with the environment of the running servers."""
    variables = running_environment(data_folder())
    command = words[1:] if words[:1] == ["--"] else words
    command = command or [os.environ.get("SHELL") or "/bin/sh"]
    os.chdir(ROOT)
    os.execvpe(command[0], command, {**os.environ, **variables})


def bench(words: list[str]) -> None:
    """Run the benchmarks on their own servers and data; the demo's data stays unchanged."""
    os.environ.setdefault("DATA_DIR", ".data/bench")
    where = data_folder()
    with ExitStack() as ends:
        ends.enter_context(hold(where))
        supervisor = Supervisor(where)
        supervisor.listen()
        running = ends.enter_context(servers(where, given=given(), lasting=True))
        variables = plan.environment(where, running.urls)
        supervisor.run_steps(
            [plan.manage("migrate", "migrate", "--noinput", "-v0", environment=variables)]
        )
        program = plan.manage("bench", "bench", *(words or ["all"]), environment=variables)
        # A program may read its output, so the output is passed on unchanged.
        done = subprocess.run(
            program.command, env=program.environment, cwd=program.folder, check=False
        )
        if done.returncode and not supervisor.signals:
            raise Refused(
                f"The benchmarks failed (exit code {done.returncode}). See the output above."
            )


def test(words: list[str]) -> None:
    """Run the test suite in several processes; pytest's plugin starts the servers."""
    install()
    os.chdir(ROOT)
    for name in plan.NOT_PASSED_ON:
        os.environ.pop(name, None)
    # Test processes cannot share an external Redis, so use one process. A `-n` in `words` wins.
    processes = "0" if {"REDIS_URL", "BROKER_URL"} & given().keys() else "auto"
    os.execv(sys.executable, [sys.executable, "-m", "pytest", "-n", processes, *words])


def main() -> int:
    command, words = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    try:
        match command:
            case "run":
                run()
            case "reload":
                reload()
            case "shell":
                shell(words)
            case "backup":
                backups.command(words)
            case "restore":
                restoring.command(words)
            case "bench":
                bench(words)
            case "test":
                test(words)
            case _:
                sys.stderr.write(f"{__doc__}\n")
                return 2
    except Refused as refusal:
        say(str(refusal))
        return 1
    except (Stopped, KeyboardInterrupt):
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
