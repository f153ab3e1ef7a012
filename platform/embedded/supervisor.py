"""Keep the processes of one copy running until a signal stops it.

    running --SIGINT, SIGTERM, SIGHUP--> stopping: edges together, then Redis, PostgreSQL last
    SIGUSR1 -> the processes that can do so load their code again without refusing a connection
    a process ends by itself -> reported, restarted after 1, 2, 4 ... 30 s
    a worker without heartbeat, an edge that does not answer -> restarted
Everything is started from the main thread: children end with the thread that started them.
"""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

from embedded.children import Child, Program, say, stop
from embedded.places import Places, Refused
from embedded.probes import Probe
from embedded.servers import Servers

TICK_S = 0.1
PAUSE_S_MAX = 30.0
STEADY_S = 60.0  # after this time without a crash the pauses start small again
HEARTBEAT_EVERY_S = 10.0
FIRST_ANSWER_S = 60.0  # the time a process may take until it answers
ONE_PRESS_S = 0.3


# The newest sign of life; "" if there was none yet, None if it cannot be read.
Heartbeat = Callable[[], str | None]


class Stopped(Exception):
    """A signal asked the supervisor to stop."""


@dataclass
class Slot:
    """A program that should run, and its current state."""

    program: Program
    child: Child | None = None
    is_server: bool = False
    pause_s: float = 1.0
    due_s: float = 0.0


@dataclass
class Supervisor:
    """The processes of one copy."""

    where: Places
    signals: int = 0
    reload_asked: bool = False
    slots: list[Slot] = field(default_factory=list)
    servers: Servers | None = None
    heartbeats: dict[str, tuple[str, float]] = field(default_factory=dict)
    _signalled_s: float = -ONE_PRESS_S

    def listen(self) -> None:
        """From now on count stop signals instead of obeying them at once."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._signalled)
        signal.signal(signal.SIGUSR1, self.reload_on_signal)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        # make repeats a signal that the whole group has received already: both count once
        now = time.monotonic()
        if now - self._signalled_s > ONE_PRESS_S:
            self.signals += 1
        self._signalled_s = now

    def reload_on_signal(self, number: int, frame: FrameType | None) -> None:
        self.reload_asked = True

    def check(self) -> None:
        if self.signals:
            raise Stopped

    def child(self, program: Program) -> Child:
        return Child(program, self.where.logs / f"{program.name}.log")

    def run_steps(self, *lines: Sequence[Program]) -> None:
        """Run the groups of steps one after the other, and the steps of a group side by side."""
        waiting = [list(line) for line in lines]
        running: list[Child] = []
        try:
            while running or any(waiting):
                busy = {child.program.name for child in running}
                for line in waiting:
                    if line and line[0].name not in busy:
                        running.append(self.child(line[0]))
                for child in [x for x in running if not x.alive]:
                    if child.process.returncode:
                        raise Refused(
                            f"{child.program.name} failed ({child.ending()}). "
                            f"See {self.where.logs}/{child.program.name}.log."
                        )
                    running.remove(child)
                    waiting = [x[1:] if x and x[0] is child.program else x for x in waiting]
                self.check()
                time.sleep(TICK_S)
        finally:
            stop(running)

    def adopt(self, servers: Servers) -> None:
        """From now on watch the servers like the processes of the application."""
        self.servers = servers
        self.slots += [Slot(child.program, child, is_server=True) for child in servers.children]

    def start(self, programs: Sequence[Program]) -> None:
        for program in programs:
            self.slots.append(Slot(program, self.child(program)))

    def wait_until(self, holds: Callable[[], bool], *, what: str, s_max: float = 120.0) -> None:
        """Watch while waiting; restart a process that crashes meanwhile."""
        deadline = time.monotonic() + s_max
        while not holds():
            if time.monotonic() > deadline:
                raise Refused(f"{what} is not ready after {s_max:.0f} s. See {self.where.logs}.")
            self.watch_once()

    def watch_once(self) -> None:
        """Run one round: find processes that have ended and restarts that are due."""
        self.check()
        if self.reload_asked:
            self.reload_asked = False
            self._reload()
        for slot in self.slots:
            now = time.monotonic()
            if slot.child is not None and not slot.child.alive:
                self._ended(slot, slot.child, now=now)
            if slot.child is None and now >= slot.due_s:
                self._restart(slot)
        time.sleep(TICK_S)

    def _reload(self) -> None:
        for slot in self.slots:
            number = slot.program.reload_signal
            if slot.child is not None and number is not None:
                say(f"{slot.program.name} loads its code again")
                slot.child.send(number)

    def _ended(self, slot: Slot, child: Child, *, now: float) -> None:
        child.kill_group()
        if now - child.started_s > STEADY_S:
            slot.pause_s = 1.0
        name = slot.program.name
        if slot.program.quiet:
            for line in child.last_lines(5):
                say(line, name=name)
        say(f"{name} ended ({child.ending()}); restarting it in {slot.pause_s:.0f} s")
        slot.child, slot.due_s = None, now + slot.pause_s
        slot.pause_s = min(PAUSE_S_MAX, slot.pause_s * 2)

    def _restart(self, slot: Slot) -> None:
        if slot.is_server and self.servers is not None:
            self.servers.prepare(slot.program)
        slot.child = self.child(slot.program)
        say(f"{slot.program.name} was restarted")

    def watch(
        self,
        *,
        heartbeats: Mapping[str, tuple[Heartbeat, float]],
        probes: Mapping[str, Probe],
    ) -> None:
        """Watch until a signal to stop.

        `heartbeats`: worker -> its heartbeat and its longest silence; `probes`: edge -> its probe.
        """
        for probe in probes.values():
            probe.start()
        asked_s = 0.0
        while True:
            self.watch_once()
            self.heed(probes)
            if time.monotonic() - asked_s > HEARTBEAT_EVERY_S:
                asked_s = time.monotonic()
                for name, (heartbeat, silence_s_max) in heartbeats.items():
                    self.listen_for(name, heartbeat(), silence_s_max)

    def heed(self, probes: Mapping[str, Probe], *, first_answer_s: float = FIRST_ANSWER_S) -> None:
        """Stop each process that has not responded for too long, so that it is restarted."""
        for slot in self.slots:
            probe = probes.get(slot.program.name)
            if probe is None or slot.child is None:
                continue
            if probe.overdue(not_before_s=slot.child.started_s + first_answer_s):
                say(f"{slot.program.name} does not respond, restarting it")
                stop([slot.child])

    def listen_for(self, name: str, beat: str | None, silence_s_max: float) -> None:
        """Restart a worker whose heartbeat has not changed for too long by our clock."""
        if beat is None:
            self.heartbeats.clear()  # no silence counts while heartbeats cannot be read
            return
        now = time.monotonic()
        last, heard_s = self.heartbeats.get(name, ("", now))
        if beat != last:
            self.heartbeats[name] = (beat, now)
        elif now - heard_s > silence_s_max:
            self.heartbeats[name] = (beat, now)
            for slot in self.slots:
                if slot.program.name in {name, "beat"} and slot.child is not None:
                    say(f"{name} sent no heartbeat, restarting {slot.program.name}")
                    stop([slot.child])

    def shut_down(self) -> None:
        """Stop everything in order; a second signal stops at once."""
        if not self.slots:
            return
        patience = self.signals

        def impatient() -> bool:
            return self.signals > patience

        say("stopping")
        running = [(slot.is_server, slot.child) for slot in self.slots if slot.child is not None]
        servers = [child for is_server, child in running if is_server]
        stop([child for is_server, child in running if not is_server], impatient=impatient)
        stop([child for child in servers if child.program.name != "postgres"])
        stop([child for child in servers if child.program.name == "postgres"])
        say("stopped")
