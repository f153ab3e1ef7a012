"""One stream process: its hub, its Redis connections, its housekeeping and its shutdown.

The process starts and ends with the ASGI lifespan. Consumers find it in their scope, under `state`.
"""

import asyncio
import gc
import logging
import os
import random
import secrets
import signal
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from stream import metrics
from stream.hub import Hub
from stream.loop_lag import watch_lag
from stream.protocol import Close, Problem, Quote, as_stale, is_old
from stream.redis_feed import follow
from stream.revocation import Authority, Revocation
from stream.socket_counts import SocketCounts

logger = logging.getLogger(__name__)

STATE_KEY = "stream"
REDIS_TIMEOUT_S = 2.0
REDIS_CONNECTIONS_MAX = 32
DRAIN_S_PER_SOCKET = 0.1
SETTLE_S = 0.25
# With tens of thousands of sockets a full collection stops the process for tens of milliseconds,
# and finds nothing: sockets and quotes are freed by their reference counts.
GARBAGE_THRESHOLD = 50_000


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a deployment; config.asgi fills them from the settings."""

    redis_url: str
    allowed_hosts: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    allow_no_origin: bool
    trusted_proxy_count: int
    metrics_networks: tuple[str, ...]
    per_address_max: int
    in_all_max: int
    auth_timeout_s: float = 5.0
    messages_per_s_max: float = 10.0
    recheck_s: float = 1.0
    authority_s_max: float = 30.0
    idle_s_max: float = 900.0
    blocked_s_max: float = 10.0
    lease_s: float = 30.0
    quiet_s_max: float = 5.0
    stale_after_s: float = 15.0
    drain_s: float = 5.0


class StreamProcess:
    """The state that all sockets of one process share."""

    def __init__(
        self, options: Options, *, authority: Authority, now: Callable[[], datetime]
    ) -> None:
        self.options = options
        self._now = now
        self.loop = asyncio.get_running_loop()
        self.clock = self.loop.time
        self.hub = Hub(clock=self.clock)
        self.redis = _redis(options.redis_url, connections_max=REDIS_CONNECTIONS_MAX)
        self._subscriber = _redis(options.redis_url, connections_max=2)
        self.socket_counts = SocketCounts(
            redis=self.redis,
            process=secrets.token_hex(8),
            per_address_max=options.per_address_max,
            in_all_max=options.in_all_max,
            lease_s=options.lease_s,
        )
        self.sockets: set[Callable[[Close, Problem, str], None]] = set()
        self.draining = False
        self.source_up = False
        self._source_lost_at: float | None = self.clock()
        self.revocation = Revocation(
            hub=self.hub,
            authority=authority,
            sockets=self.sockets,
            recheck_s=options.recheck_s,
            authority_s_max=options.authority_s_max,
        )
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start to follow quotes, to tick and to run the chores."""
        options = self.options
        self._run(
            follow(
                redis=self._subscriber,
                deliver=self._deliver,
                end=self.revocation.close_ended,
                up=self._note_source,
                quiet_s_max=options.quiet_s_max,
            )
        )
        self._run(self.hub.run())
        self._run(self._every(1.0, self._keep_house))
        self._run(watch_lag(clock=self.clock))
        self._run(self._every(SETTLE_S, self.socket_counts.settle))
        self._run(self._every(options.lease_s / 3, self.socket_counts.renew))
        self._run(self.revocation.recheck())

    async def stop(self) -> None:
        """End the tasks, withdraw the socket counts and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.revocation.stop()
        try:
            await self.socket_counts.give_up()
        except RedisError as error:
            logger.warning(
                "Redis is down, these socket counts will expire by themselves: %s", error
            )
        await self.redis.aclose()
        await self._subscriber.aclose()

    def drain(self, then: Callable[[], None]) -> None:
        """Close each socket at a random moment of `drain_s`, to spread their reconnections.

        A few sockets need less time: a tenth of a second for each is enough.
        """
        if self.draining:
            return
        self.draining = True
        drain_s = min(self.options.drain_s, len(self.sockets) * DRAIN_S_PER_SOCKET)
        for close in list(self.sockets):
            self.loop.call_later(
                random.uniform(0, drain_s),
                close,
                Close.RESTARTING,
                Problem.RESTARTING,
                "the server is restarting; reconnect in a moment",
            )
        self.loop.call_later(drain_s, then)

    def _deliver(self, quotes: Sequence[Quote]) -> None:
        if quotes:
            newest = max(quote.as_of for quote in quotes)
            lag_s = (self._now() - newest).total_seconds()
            metrics.SOURCE_LAG_SECONDS.observe(max(0.0, lag_s))
        now = self._now()
        self.hub.publish(as_stale(quote) if is_old(quote, now=now) else quote for quote in quotes)

    def _note_source(self, up: bool) -> None:
        if up:
            if not self.source_up:
                self.revocation.recheck_soon()  # rights may have ended during the outage
            self._source_lost_at = None
        elif self.source_up:
            self._source_lost_at = self.clock()
            metrics.SOURCE_LOST.inc()
        self.source_up = up
        metrics.SOURCE_UP.set(up)

    async def _keep_house(self) -> None:
        options = self.options
        self.hub.close_slow(blocked_s_max=options.blocked_s_max)
        self.hub.close_idle(idle_s_max=options.idle_s_max)
        self._mark_old()
        lost_at = self._source_lost_at
        if lost_at is not None and self.clock() - lost_at > options.stale_after_s:
            self.hub.mark_stale()
        self.revocation.close_unchecked()
        metrics.SOCKETS.set(len(self.sockets))
        metrics.MEMBERS.set(len(self.hub.members))
        metrics.SYMBOLS.set(len(self.hub.latest))
        metrics.BLOCKED.set(self.hub.blocked_count)

    def _mark_old(self) -> None:
        """Mark quotes that grew old without a new one: the feed may have died, or its market."""
        now = self._now()
        self.hub.publish(
            [
                as_stale(quote)
                for quote in self.hub.latest.values()
                if not quote.stale and is_old(quote, now=now)
            ]
        )

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        """Run a chore forever. A failed run waits for the next: it must not end all sockets."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await chore()
            except (RedisError, OSError) as error:
                logger.warning(
                    "%s failed, it runs again in %s s: %s", chore.__name__, seconds, error
                )
            except Exception:
                metrics.CHORES_FAILED.labels(chore.__name__).inc()
                logger.exception("%s failed, trying again in %s s", chore.__name__, seconds)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Shut the process down when one of its tasks has ended; the supervisor restarts it."""
        if not task.cancelled():
            logger.critical(
                "%s ended unexpectedly, stopping the process",
                task.get_coro(),
                exc_info=task.exception(),
            )
            os.kill(os.getpid(), signal.SIGTERM)


def _redis(url: str, *, connections_max: int) -> "Redis":
    """Return a client that fails fast; its caller decides whether to retry.

    It retries once, because a restart of Redis breaks the connections in the pool. A call may
    safely run twice: a ticket is gone, and the next renewal repairs a count.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections_max,
        timeout=REDIS_TIMEOUT_S,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
    return Redis(connection_pool=pool)


class Lifespan:
    """The ASGI lifespan: creates the process, and spreads the closing of its sockets over time.

    The server closes all sockets at once on SIGTERM. So this class handles the signal first: it
    closes the sockets one by one and then passes the signal on to the server. A second signal is
    passed on at once.
    """

    def __init__(
        self, options: Options, *, authority: Authority, now: Callable[[], datetime]
    ) -> None:
        self._options = options
        self._authority = authority
        self._now = now

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        await receive()
        process = StreamProcess(self._options, authority=self._authority, now=self._now)
        scope["state"][STATE_KEY] = process
        process.start()
        for signum in (signal.SIGTERM, signal.SIGINT):
            _take_signal(signum, process)
        gc.freeze()  # objects made at start-up stay: collections can skip them
        gc.set_threshold(GARBAGE_THRESHOLD, 20, 100)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await process.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _take_signal(signum: signal.Signals, process: StreamProcess) -> None:
    servers_own = signal.getsignal(signum)
    if not callable(servers_own):
        return

    def go(frame: FrameType | None = None) -> None:
        servers_own(signum, frame)

    def taken(_: int, frame: FrameType | None) -> None:
        if process.draining:
            go(frame)
        else:
            process.loop.call_soon_threadsafe(process.drain, go)

    signal.signal(signum, taken)
