"""The feed as a process, while its vendor, Redis, PostgreSQL and it itself hang and die."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis

from embedded.places import ROOT
from tests.marketdata.providers.vendors import KEY, Vendors

# The feed with a vendor that is asked every second.
FEED = """
import django
django.setup()
from django.core.management import call_command
from marketdata.providers.registry import PROVIDERS
object.__setattr__(PROVIDERS["tiingo"], "poll_s", 1.0)
call_command("run_feed")
"""
ASSET = """
WITH made AS (
    INSERT INTO marketdata_asset (public_id, symbol, name, asset_class, currency, isin, exchange,
                                  fractional, tradable, half_spread_bp, price_adjustment,
                                  shifted_days, is_active, created_at)
    VALUES (gen_random_uuid(), 'ACME', 'Acme', 'equity', 'USD', '', '', true, true, 2, 'none', 0,
            true, now())
    RETURNING id)
INSERT INTO marketdata_listing (asset_id, provider, provider_symbol, rank, added_at, fault)
SELECT id, 'tiingo', 'ACME', 0, now(), '' FROM made
"""
PRICE = """
SELECT latest.price FROM marketdata_latestprice latest
  JOIN marketdata_asset asset ON asset.id = latest.asset_id WHERE asset.symbol = 'ACME'
"""


class Fed:
    """A feed process on the stack's servers and a vendor on loopback."""

    def __init__(self, stack: Any) -> None:
        self.stack = stack
        self.vendor = Vendors()
        self.begun = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        self.published: list[str] = []
        self.seen: set[str] = set()
        self.publish("101.25")
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        told = {
            **self.stack.variables,
            "DEMO": "0",
            "TESTING": "1",
            "PROVIDERS": "tiingo",
            "TIINGO_KEY": KEY,
            "TIINGO_URL": self.vendor.url("tiingo"),
            "TIINGO_QUOTA": "100000/minute",
        }
        log = (self.stack.supervisor.where.logs / "vendor-feed.log").open("ab")
        return subprocess.Popen(
            [sys.executable, "-c", FEED], env=told, cwd=ROOT, stdout=log, stderr=log
        )

    def publish(self, price: str) -> None:
        self.published.append(price)
        at = self.begun + timedelta(minutes=len(self.published))
        self.vendor.set_price("ACME", price, as_of=at)

    def price(self) -> str | None:
        try:
            rows = self.stack.rows(PRICE)
        except psycopg.Error:
            return None  # PostgreSQL is away: that is part of the test
        found = f"{rows[0][0]:.2f}" if rows else None
        if found is not None:
            self.seen.add(found)
        return found

    def until_stored(self, price: str) -> None:
        try:
            self.stack.until(lambda: self.price() == price, what=f"the price {price}", s_max=60)
        except AssertionError:
            raise AssertionError(self.stack.log("vendor-feed")[-6000:]) from None

    def beats(self) -> bool:
        """Return whether the feed's heartbeat is of the last five seconds."""
        client = redis.Redis.from_url(self.stack.variables["REDIS_URL"])
        try:
            beaten = client.get("heartbeat:feed")
        except redis.RedisError:
            return False
        finally:
            client.close()
        return beaten is not None and time.time() - int(beaten) < 5

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.vendor.close()


@pytest.fixture
def fed(stack: Any) -> Iterator[Fed]:
    stack.rows(ASSET + " RETURNING id")
    stack.kill("feed")  # the replay of the demo would beat too
    slot = next(slot for slot in stack.supervisor.slots if slot.program.name == "feed")
    slot.pause_s = 3600.0
    found = Fed(stack)
    try:
        yield found
    finally:
        found.end()
        stack.rows("DELETE FROM marketdata_listing WHERE provider_symbol = 'ACME' RETURNING id")
        stack.rows(
            "DELETE FROM marketdata_latestprice WHERE asset_id IN "
            "(SELECT id FROM marketdata_asset WHERE symbol = 'ACME') RETURNING asset_id"
        )
        stack.rows("DELETE FROM marketdata_asset WHERE symbol = 'ACME' RETURNING id")
        slot.pause_s, slot.due_s = 1.0, 0.0
        stack.until(lambda: stack.child_or_none("feed") is not None, what="the feed of the demo")


@pytest.mark.proof
def test_the_feed_outlives_its_vendor_redis_postgresql_and_itself(fed: Fed) -> None:
    fed.until_stored("101.25")

    # A vendor that accepts and says nothing: the last price stays, and the feed lives.
    fed.vendor.behave("tiingo", "silent")
    fed.stack.until(fed.beats, what="a heartbeat while the vendor hangs")
    assert fed.price() == "101.25"
    fed.vendor.behave("tiingo", "right")
    fed.publish("101.50")
    fed.until_stored("101.50")

    for price, victim in (("102.00", "redis-cache"), ("102.50", "postgres")):
        fed.stack.kill(victim)
        fed.publish(price)
        fed.until_stored(price)
        assert fed.process.poll() is None, f"the feed died with {victim}"

    fed.process.kill()
    fed.process.wait()
    fed.publish("103.00")
    fed.process = fed.start()
    fed.until_stored("103.00")
    fed.stack.until(fed.beats, what="a heartbeat at the end")
    # No price was ever stored that the vendor had not published.
    assert fed.seen <= set(fed.published)
    assert {"101.25", "101.50", "102.00", "102.50", "103.00"} <= fed.seen
