"""Processes under the supervisor: ended in order, restarted, never left behind."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from embedded.__main__ import answers
from embedded.children import Program
from embedded.logs import LogFile
from embedded.places import ROOT, places
from embedded.probes import Probe
from embedded.supervisor import Supervisor
from tests.embedded.conftest import LocalCopy, eventually

Start = Callable[..., LocalCopy]

POLITE = "polite=import time; print('here'); time.sleep(600)"
# Ignores every signal to stop, and leaves a process of its own behind.
STUBBORN = (
    "stubborn=import signal, subprocess, sys, time\n"
    "for n in (signal.SIGTERM, signal.SIGINT): signal.signal(n, signal.SIG_IGN)\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print('stubborn is here'); time.sleep(600)"
)
BRITTLE = "brittle=print('one more try'); raise SystemExit(3)"


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(
    start_copy: Start, data_folder: Path, ending: signal.Signals
) -> None:
    copy = start_copy(data_folder, "--without-servers", POLITE).says("here")
    os.kill(copy.process.pid, ending)
    assert copy.wait() == 0
    assert copy.left() == {}
    assert copy.text.endswith("stopped")


def test_ctrl_c_ends_what_does_not_listen(start_copy: Start, data_folder: Path) -> None:
    copy = start_copy(data_folder, "--without-servers", STUBBORN, POLITE).says("stubborn is here")
    assert len(copy.left()) == 4
    assert copy.press_ctrl_c() == 0
    assert copy.left() == {}
    assert "stubborn did not stop in time and was killed" in copy.text
    assert "polite did not stop" not in copy.text


def test_a_second_ctrl_c_ends_the_waiting(start_copy: Start, data_folder: Path) -> None:
    copy = start_copy(data_folder, "--without-servers", STUBBORN).says("stubborn is here")
    started = time.monotonic()
    os.killpg(copy.process.pid, signal.SIGINT)
    copy.says("stopping")
    time.sleep(0.35)  # shorter counts as the same press: make passes signals on
    assert copy.press_ctrl_c() == 0
    assert time.monotonic() - started < 1.4  # the patience with this process is 1.5 s
    assert copy.left() == {}


def test_a_crash_is_reported_and_the_pauses_grow(start_copy: Start, data_folder: Path) -> None:
    copy = start_copy(data_folder, "--without-servers", BRITTLE, POLITE)
    copy.says("brittle ended (exit code 3); restarting it in 1 s")
    copy.says("brittle was restarted")
    copy.says("brittle ended (exit code 3); restarting it in 2 s")
    assert "polite has ended" not in copy.text
    assert copy.press_ctrl_c() == 0
    assert copy.left() == {}


def test_a_killed_process_is_replaced(start_copy: Start, data_folder: Path) -> None:
    copy = start_copy(data_folder, "--without-servers", POLITE).says("here")
    first = copy.pid_of("-c import time")
    os.kill(first, signal.SIGKILL)
    copy.says("polite ended (killed by SIGKILL)")
    copy.says("polite was restarted")
    eventually(lambda: copy.text.count("| here") == 2, what="the new process to speak")
    assert copy.pid_of("-c import time") != first


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_killing_the_supervisor_leaves_nothing(start_copy: Start, data_folder: Path) -> None:
    copy = start_copy(data_folder, POLITE).says("ready").says("here")
    assert len(copy.left()) >= 4
    copy.process.kill()
    copy.wait()
    eventually(lambda: copy.left() == {}, what="every child to end", patience_s=20)


def test_output_is_kept_in_a_file_per_process(start_copy: Start, data_folder: Path) -> None:
    copy = start_copy(data_folder, "--without-servers", POLITE).says("here")
    eventually(lambda: (data_folder / "log" / "polite.log").read_text() == "here\n", what="log")
    assert "polite            | here" in copy.text


def test_the_last_words_of_a_step_are_heard(
    data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talker = [sys.executable, "-c", "print('\\n'.join(map(str, range(2000))))"]
    Supervisor(places(data_folder)).run_steps([Program("talker", talker, {}, data_folder)])
    assert capsys.readouterr().out.splitlines()[-1] == "talker            | 1999"


def test_a_second_copy_on_the_same_data_is_refused(start_copy: Start, data_folder: Path) -> None:
    first = start_copy(data_folder, "--without-servers", POLITE).says("here")
    second = start_copy(data_folder, "--without-servers", POLITE)
    assert second.wait() == 1
    assert (
        f"Ballast is already running on {data_folder} (process {first.process.pid})" in second.text
    )
    assert first.process.poll() is None
    assert first.press_ctrl_c() == 0


def refused_run(data: Path, **variables: str) -> str:
    """Return the output of `make run` when it refuses at once."""
    done = subprocess.run(
        [sys.executable, "-m", "embedded", "run"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(data), **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert not (data / "postgres").exists()
    return done.stdout


@pytest.mark.parametrize("name", ["PORT", "STREAM_PORT"])
def test_a_port_in_use_is_refused_before_anything_starts(data_folder: Path, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text = refused_run(
            data_folder, **{"PORT": "18431", "STREAM_PORT": "18432", name: str(port)}
        )
    assert f"{name} {port} cannot be used" in text
    assert "Address already in use" in text


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "80.5"])
def test_a_port_that_is_none_is_refused(data_folder: Path, value: str) -> None:
    assert f"PORT must be a port number from 1 to 65535, not '{value}'" in refused_run(
        data_folder, PORT=value
    )


def test_one_port_for_both_is_refused(data_folder: Path) -> None:
    text = refused_run(data_folder, PORT="18431", STREAM_PORT="18431")
    assert "PORT and STREAM_PORT are the same" in text


def test_a_worker_without_heartbeat_is_started_anew(data_folder: Path) -> None:
    supervisor = Supervisor(places(data_folder))
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    supervisor.start(
        [Program(name, sleeper, {}, data_folder) for name in ("deaf", "lively", "beat")]
    )
    before = {slot.program.name: slot.child for slot in supervisor.slots}
    try:
        for beat in ("1", "2"):
            time.sleep(0.2)
            supervisor.listen_for("lively", beat, 0.1)
            supervisor.listen_for("deaf", "1", 0.1)
        ended = {name for name, child in before.items() if child is not None and not child.alive}
        assert ended == {"deaf", "beat"}  # perhaps it has received no task yet
        supervisor.listen_for("lively", None, 0.1)
        time.sleep(0.2)
        supervisor.listen_for("lively", "2", 0.1)
        assert before["lively"] is not None
        assert before["lively"].alive  # silence does not count while heartbeats cannot be read
    finally:
        supervisor.shut_down()


TALKER = (
    "talker=import os, time\n"
    "for n in range(10**9):\n"
    "    print('line', n, 'x' * 200)\n"
    "    open('count.new', 'w').write(str(n)); os.replace('count.new', 'count'); time.sleep(0.001)"
)


def test_a_full_disk_stops_no_process_and_the_log_goes_on_afterwards(
    start_copy: Start, data_folder: Path
) -> None:
    copy = start_copy(data_folder, "--without-servers", TALKER).says("ready")
    log = data_folder / "log" / "talker.log"

    def count() -> int:
        return int((data_folder / "count").read_text())

    eventually(lambda: log.exists() and log.stat().st_size > 20_000, what="a log")
    # The kernel refuses a file at its size limit just as a full disk does.
    _, hard = resource.prlimit(copy.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(copy.process.pid, resource.RLIMIT_FSIZE, (10_000, hard))
    time.sleep(0.1)
    size, before = log.stat().st_size, count()
    # far more than a pipe can hold
    eventually(lambda: count() > before + 2_000, what="the process to go on while the disk is full")
    assert log.stat().st_size == size
    resource.prlimit(copy.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    eventually(lambda: log.stat().st_size > size + 1_000, what="the log to go on")
    assert re.search(r"^\[\d+ lines are missing ", log.read_text(), re.MULTILINE)
    assert copy.press_ctrl_c() == 0


def test_a_log_is_private_and_bounded(data_folder: Path) -> None:
    path = data_folder / "talker.log"
    path.write_text("of an earlier version\n")
    path.chmod(0o644)
    log = LogFile(path, bytes_max=1_000)
    for number in range(100):
        log.write(f"{number:99}\n")
    log.close()
    older = path.with_suffix(".log.1")
    for file in (path, older):
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.stat().st_size <= 1_100
    assert (older.read_text() + path.read_text()).splitlines()[-1] == f"{99:99}"
    assert sorted(data_folder.glob("talker*")) == [path, older]


ANSWERING = (
    "import http.server, sys\n"
    "class Answers(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self): self.send_response(200); self.end_headers()\n"
    "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Answers).serve_forever()\n"
)


def test_an_edge_that_hangs_is_started_again(data_folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    supervisor = Supervisor(places(data_folder))
    command = [sys.executable, "-c", ANSWERING, port]
    supervisor.start([Program("web", command, {}, data_folder, stop_s_max=0.5)])
    probe = Probe(partial(answers, f"http://127.0.0.1:{port}/"), silence_s_max=0.5, every_s=0.05)

    def watched(holds: Callable[[], object]) -> Callable[[], object]:
        def look() -> object:
            supervisor.watch_once()
            supervisor.heed({"web": probe}, first_answer_s=20)
            return holds()

        return look

    try:
        probe.start()
        first = supervisor.slots[0].child
        assert first is not None
        eventually(probe.answers, what="the first answer")
        first.started_s -= 60  # it has run for a while
        watched(lambda: True)()
        assert first.alive
        first.send(signal.SIGSTOP)
        eventually(watched(lambda: not first.alive), what="the end of what hangs")
        eventually(watched(probe.answers), what="its successor to answer")
        second = supervisor.slots[0].child
        eventually(watched(lambda: not probe.overdue(not_before_s=0)), what="silence to end")
        assert second is supervisor.slots[0].child  # and it is left alone
    finally:
        supervisor.shut_down()
