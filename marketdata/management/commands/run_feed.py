"""Run the price feed: the vendors named in PROVIDERS, and in demo mode the replay.

The vendors have a thread of their own: one that hangs delays neither the replay nor the heartbeat.
"""

import logging
import signal
import threading
import time
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone

from marketdata.operations import Replay, opened, play, roll_forward
from marketdata.operations.asking import note_vendors, providers_of, pushing_vendor
from marketdata.operations.feeding import Feed
from marketdata.operations.rates import refresh_rates
from marketdata.providers.port import Capability
from stores.redis import redis_client

logger = logging.getLogger(__name__)

TICK_S = 1.0
ROLL_EVERY_TICKS = 60
# The heartbeat ends if the vendors' thread has done nothing for so long. A round in which every
# vendor hangs takes less.
SILENT_S_MAX = 120.0


class Command(BaseCommand):
    help = "Publishes prices until it receives SIGTERM or SIGINT."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--ticks", type=int, help="stop after this many ticks")

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        if not settings.DEMO and not providers_of(Capability.QUOTES):
            logger.warning(
                "no vendor of quotes is named in PROVIDERS, so no new prices are published"
            )
        vendors = _Vendors(stopping)
        vendors.start()
        feed = _Feed(demo=settings.DEMO, vendors=vendors)
        due = time.monotonic()
        ticks = 0
        while not stopping.is_set() and ticks != options["ticks"]:
            feed.tick(ticks)
            ticks += 1
            # No burst after a pause: the next tick is at least half a second away.
            due = max(due + TICK_S, time.monotonic() + TICK_S / 2)
            stopping.wait(due - time.monotonic())
        stopping.set()
        vendors.join(10)


class _Vendors(threading.Thread):
    """The feed of vendors. While the database or Redis is down its ticks fail, but it goes on."""

    def __init__(self, stopping: threading.Event) -> None:
        super().__init__(name="vendor feed", daemon=True)
        self.worked_at = time.monotonic()
        self._stopping = stopping

    def run(self) -> None:
        try:
            self._feed()
        finally:
            connections.close_all()

    def _feed(self) -> None:
        feed, begun = Feed(pushed=pushing_vendor(now=timezone.now)), False
        while not self._stopping.is_set():
            try:
                if not begun:
                    self._begin()
                    begun = True
                feed.tick(now=timezone.now())
                self.worked_at = time.monotonic()
            except (DatabaseError, redis.RedisError):
                logger.exception("a tick of the vendors' feed failed, trying again")
                close_old_connections()
            self._stopping.wait(TICK_S)

    def _begin(self) -> None:
        """Do at once what the schedule does later: a new installation has rates within seconds."""
        now = timezone.now()
        note_vendors(now=now)
        refresh_rates(now=now)


class _Feed:
    """One tick per second. While the database or Redis is down ticks fail, but the feed goes on."""

    def __init__(self, *, demo: bool, vendors: _Vendors) -> None:
        self.demo = demo
        self.replay: Replay | None = None
        self.vendors = vendors

    def tick(self, number: int) -> None:
        try:
            if self.demo:
                self._play(number)
            self._beat()
        except (DatabaseError, redis.RedisError):
            logger.exception("a tick of the price feed failed, trying again")
            self.replay = None
            close_old_connections()

    def _play(self, number: int) -> None:
        now = timezone.now()
        if number % ROLL_EVERY_TICKS == 0 and roll_forward(now=now):
            self.replay = None
        if self.replay is None or not self.replay.walks:
            self.replay = opened(as_of=now.date())
            logger.info("replaying the real sessions of %d series", len(self.replay.walks))
        self.replay, _ = play(replay=self.replay, now=now)

    def _beat(self) -> None:
        if not self.vendors.is_alive():
            raise RuntimeError("the feed of the vendors has ended; see its error above")
        if time.monotonic() - self.vendors.worked_at > SILENT_S_MAX:
            logger.error("the feed of the vendors does nothing")
            return
        redis_client().set("heartbeat:feed", int(timezone.now().timestamp()), ex=600)
