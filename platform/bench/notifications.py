"""Fan-out and delivery of a night that concerns very many people, and a security mail meanwhile.

NOTIFIED (10,000 people) may be set. Every person gets one event of the night, by notice, page and
mail. Mails go to a server on loopback that takes each at once, so the figures are ours, not the
network's. Meanwhile security events are announced one by one; their delay is from the commit of the
event to the server that took the mail.
"""

import os
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from bench.scale import seed
from identity.models import User
from jobs.operations import Message, announce, announce_all
from notifications.models import Delivery, Notice
from notifications.operations import deliver, relay

TARGETS = {"fan_out_per_second_min": 10_000, "urgent_delay_s_max": 5}
URGENT = 20
MAILS_MEASURED_S = 20.0


def run() -> dict[str, Any]:
    """Return rows fanned out a second, mails a second, and the delay of urgent mails."""
    people = int(os.environ.get("NOTIFIED", "10000"))
    now = timezone.now()
    tag = f"notified{int(now.timestamp())}"
    seeded = seed(accounts=people, holdings=1, tag=tag, now=now)
    users = list(User.objects.filter(pk__in=[user for user, *_ in seeded.members]).order_by("id"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    _announce(users, tag, now)
    started = time.perf_counter()
    done, failed = relay(now=timezone.now(), urgent=False, batches=10_000)
    fan_out_s = time.perf_counter() - started
    if failed or done < people:
        raise AssertionError(f"{done} of {people} events were fanned out, {failed} failed")
    since = now
    rows = (
        Delivery.objects.filter(created_at__gte=since).count()
        + Notice.objects.filter(created_at__gte=since).count()
    )
    live_started = time.perf_counter()
    live = deliver(channel="live", urgent=False, clock=timezone.now, budget_s=600)
    live_s = time.perf_counter() - live_started
    with _taking_mails() as taken:
        delays = _delays_under_flood(users[0], tag, taken)
    return {
        "targets": TARGETS,
        "people": people,
        "rows_written": rows,
        "fan_out_s": round(fan_out_s, 2),
        "fan_out_per_second": round(rows / fan_out_s),
        "live_events_per_second": round(live / live_s) if live_s else 0,
        **delays,
    }


def _announce(users: list[User], tag: str, now: datetime) -> None:
    with transaction.atomic():
        announce_all(
            topic="corporate_action_waiting",
            messages=[
                Message(
                    user.household_id,
                    f"{tag}:{user.pk}",
                    {"title": "ACME 2:1 split", "ex_date": "2026-06-10"},
                )
                for user in users
            ],
            now=now,
        )


def _delays_under_flood(user: User, tag: str, taken: "_Taken") -> dict[str, Any]:
    """Send the flood's mails in a thread; announce urgent ones beside it and measure each."""
    ended = threading.Event()
    flood = threading.Thread(target=_flood, args=(ended,))
    flood.start()
    started, delays = time.perf_counter(), []
    for number in range(URGENT):
        time.sleep(max(0.0, started + number * MAILS_MEASURED_S / URGENT - time.perf_counter()))
        began = time.perf_counter()
        with transaction.atomic():
            announce(
                topic="security",
                household_id=user.household_id,
                dedup_key=f"{tag}:urgent:{number}",
                payload={"kind": "password_changed", "user_id": str(user.public_id)},
                now=timezone.now(),
            )
        before = taken.urgent
        relay(now=timezone.now(), urgent=True)
        deliver(channel="email", urgent=True, clock=timezone.now, budget_s=60)
        if taken.urgent != before + 1:
            raise AssertionError("an urgent mail did not arrive")
        delays.append(time.perf_counter() - began)
    took_s = time.perf_counter() - started
    ended.set()
    flood.join()
    delays.sort()
    return {
        "flood_mails_per_second": round(taken.others / took_s),
        "urgent_delay_ms": {
            "p50": round(delays[len(delays) // 2] * 1000),
            "max": round(delays[-1] * 1000),
        },
    }


def _flood(ended: threading.Event) -> None:
    """Deliver the flood's mails until told to end, as the worker of `deliveries` does."""
    try:
        while not ended.is_set():
            deliver(channel="email", urgent=False, clock=timezone.now, budget_s=0)
    finally:
        connection.close()


class _Taken:
    """Counts of the mails that the server took."""

    urgent = 0
    others = 0


class _Smtp(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        taken: _Taken = self.server.taken
        self.wfile.write(b"220 bench\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b""
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    body += line
                if b"password" in body:
                    taken.urgent += 1
                else:
                    taken.others += 1
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 ok\r\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def _taking_mails() -> Iterator[_Taken]:
    """A mail server on loopback that Ballast sends through meanwhile."""
    kept = {
        name: getattr(settings, name)
        for name in ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS", "MAIL_ENABLED")
    }
    taken = _Taken()
    with _Server(("127.0.0.1", 0), _Smtp) as server:
        server.taken = taken  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
        settings.EMAIL_USE_TLS, settings.MAIL_ENABLED = False, True
        try:
            yield taken
        finally:
            for name, value in kept.items():
                setattr(settings, name, value)
            server.shutdown()
            thread.join()
