"""One hub per process: the newest quotes, the watchers of each symbol, and the writing of frames.

    publish(quotes) -> the newest and the changed quotes
    tick            -> for every client concerned one frame, joined from parts encoded once

A tick touches the clients that watch a changed symbol and those whose regular batch has come due.
It works in slices and lets other tasks run between them. A client whose last write has not ended
is skipped: its update is computed when it is writable again, so nothing piles up and no other
client waits. A client that stays blocked too long is closed with 1013. How often a client gets
updates is in `pace`.
"""

import asyncio
import heapq
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, TypeVar

from identity.socket_rights import Right
from stream import metrics
from stream.protocol import Close, Problem, Quote, as_stale
from stream.throttle import Client
from stream.writes import started

logger = logging.getLogger(__name__)

SLICE = 500
TICK_S_MIN = 0.005

Key = TypeVar("Key", int, str)
Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


class Member:
    """A client with its socket, and the state the hub needs to write to it and to close it."""

    __slots__ = (
        "blocked_at",
        "client",
        "close",
        "heard_at",
        "present",
        "right",
        "scheduled",
        "send",
    )

    def __init__(
        self,
        *,
        client: Client,
        send: Send,
        close: Callable[[Close, Problem, str], None],
        right: Right,
        now: float,
    ) -> None:
        self.client = client
        self.send = send
        self.close = close
        self.right = right
        self.heard_at = now
        self.blocked_at: float | None = None
        self.scheduled = False
        self.present = True


class Hub:
    """All members of this process. Every method is called from the one event loop."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.latest: dict[str, Quote] = {}
        self.members: set[Member] = set()
        self._of_user: defaultdict[int, set[Member]] = defaultdict(set)
        self._of_family: defaultdict[str, set[Member]] = defaultdict(set)
        self._watchers: defaultdict[str, set[Member]] = defaultdict(set)
        self._changed: dict[str, Quote] = {}
        self._changed_at = 0.0
        self._due: list[tuple[float, int, Member]] = []
        self._order = count()
        self._blocked: set[Member] = set()
        self._writes: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    @property
    def blocked_count(self) -> int:
        return len(self._blocked)

    # Members

    def join(self, member: Member) -> None:
        self.members.add(member)
        self._of_user[member.right.user_id].add(member)
        self._of_family[member.right.family].add(member)

    def leave(self, member: Member) -> None:
        """Drop a member; a write that has begun ends on its own."""
        member.present = False
        self.members.discard(member)
        _discard(self._of_user, member.right.user_id, member)
        _discard(self._of_family, member.right.family, member)
        self._blocked.discard(member)
        self._stop_watching(member, member.client.symbols)

    def of_user(self, user_id: int) -> Collection[Member]:
        return self._of_user.get(user_id, ())

    def of_family(self, family: str) -> Collection[Member]:
        """Return the members of one log-in."""
        return self._of_family.get(family, ())

    def watch(self, member: Member, symbols: Sequence[str]) -> None:
        """Watch symbols. The next batch has their snapshot: at once, if one is due."""
        for symbol in member.client.watch(symbols):
            self._watchers[symbol].add(member)
        self._schedule(member)
        self._wake.set()

    def unwatch(self, member: Member, symbols: Sequence[str]) -> list[str]:
        removed = member.client.unwatch(symbols)
        self._stop_watching(member, removed)
        return removed

    def _stop_watching(self, member: Member, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            _discard(self._watchers, symbol, member)

    # New quotes

    def publish(self, quotes: Iterable[Quote]) -> None:
        """Store new quotes; drop those without any change."""
        if not self._changed:
            self._changed_at = self._clock()
        for quote in quotes:
            known = self.latest.get(quote.symbol)
            if known is None or known.text != quote.text:
                self.latest[quote.symbol] = quote
                self._changed[quote.symbol] = quote
        if self._changed:
            self._wake.set()

    def mark_stale(self) -> None:
        """Mark the newest quotes as stale, which sends them to the clients again."""
        self.publish([as_stale(quote) for quote in self.latest.values() if not quote.stale])

    # Sending

    async def run(self) -> None:
        """Tick forever: when something changed, and when a client's regular batch comes due."""
        while True:
            wait_s = max(TICK_S_MIN, self._due[0][0] - self._clock()) if self._due else None
            # Not `wait_for`: on Python 3.11 it loses a cancellation that meets the event, and the
            # process would wait for this task forever at its end.
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            self._wake.clear()
            await self.tick()

    async def tick(self) -> None:
        """Run one round over the clients concerned."""
        changed, self._changed = self._changed, {}
        concerned = self._take_due()
        concerned.update(*(self._watchers.get(symbol, ()) for symbol in changed))
        if not concerned:
            return
        members = list(concerned)
        for start in range(0, len(members), SLICE):
            self._tell_slice(members[start : start + SLICE], changed)
            await asyncio.sleep(0)
        if changed:
            metrics.TICK_SECONDS.observe(self._clock() - self._changed_at)

    def _tell_slice(self, members: Sequence[Member], changed: dict[str, Quote]) -> None:
        now = self._clock()
        regular = urgent = coalesced = 0
        for member in members:
            client = member.client
            if not member.present:
                continue
            if member.blocked_at is not None:
                coalesced += 1
                continue
            if client.is_due(now):
                frame = client.regular(latest=self.latest, now=now)
                regular += frame is not None
            else:
                frame = client.urgent(changed=changed, now=now)
                urgent += frame is not None
                self._schedule(member)
            if frame is not None:
                self._write(member, frame, now)
        metrics.FRAMES_REGULAR.inc(regular)
        metrics.FRAMES_URGENT.inc(urgent)
        metrics.COALESCED.inc(coalesced)

    def _take_due(self) -> set[Member]:
        now = self._clock()
        due: set[Member] = set()
        while self._due and self._due[0][0] <= now:
            member = heapq.heappop(self._due)[2]
            member.scheduled = False
            due.add(member)
        return due

    def _schedule(self, member: Member) -> None:
        if not member.scheduled:
            member.scheduled = True
            heapq.heappush(self._due, (member.client.due_at, next(self._order), member))

    def _write(self, member: Member, frame: str, now: float) -> None:
        try:
            rest = started(member.send({"type": "websocket.send", "text": frame}))
        except (OSError, RuntimeError):  # the server raises one of these when the socket is closed
            self._gone(member)
            return
        if rest is not None:
            member.blocked_at = now
            self._blocked.add(member)
            task = asyncio.ensure_future(self._finish(member, rest))
            self._writes.add(task)
            task.add_done_callback(self._writes.discard)

    async def _finish(self, member: Member, rest: Awaitable[None]) -> None:
        try:
            await rest
        except (OSError, RuntimeError):
            self._gone(member)
            return
        member.blocked_at = None
        self._blocked.discard(member)
        if member.present:
            self._schedule(member)
            self._wake.set()

    def _gone(self, member: Member) -> None:
        metrics.WRITES_FAILED.inc()
        self.leave(member)

    # Closing members

    def close(self, member: Member, close: Close, problem: Problem, detail: str) -> None:
        """Drop a member and close its socket. Withdrawn access is in `revocation`."""
        self.leave(member)
        member.close(close, problem, detail)

    def close_slow(self, *, blocked_s_max: float) -> None:
        """Close members that have not taken a frame for too long."""
        now = self._clock()
        for member in list(self._blocked):
            if member.blocked_at is not None and now - member.blocked_at > blocked_s_max:
                self.close(member, Close.TRY_LATER, Problem.TOO_SLOW, "the client reads too slowly")

    def close_idle(self, *, idle_s_max: float) -> None:
        """Close members that watch nothing and have sent nothing for too long."""
        now = self._clock()
        for member in [m for m in self.members if not len(m.client)]:
            if now - member.heard_at > idle_s_max:
                self.close(
                    member,
                    Close.TIMEOUT,
                    Problem.IDLE,
                    "the connection was idle: no subscriptions and no messages",
                )


def _discard(members_by: dict[Key, set[Member]], key: Key, member: Member) -> None:
    members = members_by.get(key)
    if members is not None:
        members.discard(member)
        if not members:
            del members_by[key]
