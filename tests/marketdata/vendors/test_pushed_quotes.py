"""Quotes that a vendor pushes over a real WebSocket, taken by the feed's next tick."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from marketdata.operations.feeding import Feed
from marketdata.operations.provider_state import _local
from marketdata.operations.pushed_quotes import PushedQuotes
from marketdata.providers.alpaca_stream import AlpacaStream
from marketdata.queries import quotes
from stores.redis import redis_client
from tests.marketdata.providers.vendors import KEY, Vendors
from tests.marketdata.vendors.conftest import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def wait(holds: Callable[[], bool], *, what: str) -> None:
    pause = threading.Event()
    for _ in range(600):
        if holds():
            return
        pause.wait(0.05)
    raise AssertionError(f"waited in vain for {what}")


@pytest.fixture
def pushed(vendors: Vendors) -> Iterator[PushedQuotes]:
    redis_client().delete("provider:first_stream")
    _local.forget("first_stream")
    found = PushedQuotes(
        stream=AlpacaStream(KEY, KEY, url=vendors.stream.url, ping_s=1.0),
        provider="first",
        symbols_max=30,
        now=timezone.now,
    )
    yield found
    found.stop()
    redis_client().delete("provider:first_stream")


def subscribed(vendors: Vendors) -> None:
    wait(lambda: bool(vendors.stream.subscribers), what="a subscriber")


def test_a_pushed_trade_is_the_price_of_the_next_tick(
    pair: Any, vendors: Vendors, pushed: PushedQuotes, listed: Callable[..., Any]
) -> None:
    clock = [1000.0]
    feed = Feed(clock=lambda: clock[0], pushed=pushed)
    asset = listed("ACME")
    pair.set_price("ACME", "101.25")
    assert feed.tick(now=NOW) == 1
    asked = pair.calls("first")
    subscribed(vendors)
    vendors.set_price("ACME", "101.75", as_of=NOW.replace(second=5))
    vendors.stream.publish("ACME")
    wait(lambda: bool(pushed._latest), what="the trade")
    clock[0] += 1
    now = NOW.replace(second=6)
    assert feed.tick(now=now) == 1
    assert quotes(assets=[asset], now=now)[asset.pk].price == D("101.75")
    clock[0] += 30  # the interval of asking has passed, but the vendor pushes
    feed.tick(now=now)
    assert pair.calls("first") == asked
    clock[0] += 31
    feed.tick(now=now)
    assert pair.calls("first") == asked + 1


def test_a_doubtful_trade_waits_for_an_answer(
    pair: Any, vendors: Vendors, pushed: PushedQuotes, listed: Callable[..., Any]
) -> None:
    from marketdata.models import DailyPrice

    clock = [1000.0]
    feed = Feed(clock=lambda: clock[0], pushed=pushed)
    asset = listed("ACME")
    DailyPrice.objects.create(asset=asset, date=date(2026, 11, 20), close=D("100.5"))
    pair.set_price("ACME", "101.25")
    feed.tick(now=NOW)
    subscribed(vendors)
    vendors.set_price("ACME", "60", as_of=NOW.replace(second=5))
    vendors.stream.publish("ACME")
    wait(lambda: bool(pushed._latest), what="the trade")
    assert feed.tick(now=NOW.replace(second=6)) == 0
    assert quotes(assets=[asset], now=NOW)[asset.pk].price == D("101.25")


def test_only_the_newest_quote_of_a_symbol_is_kept(vendors: Vendors, pushed: PushedQuotes) -> None:
    pushed.watch(["ACME", "BOLT"])
    subscribed(vendors)
    for price in ("101", "102", "103"):
        vendors.set_price("ACME", price, as_of=datetime(2026, 11, 20, 17, tzinfo=UTC))
        vendors.stream.publish("ACME")
    wait(lambda: any(q.price == D(103) for q in pushed._latest.values()), what="the last trade")
    assert [quote.price for quote in pushed.take()] == [D(103)]
    assert pushed.take() == []


def test_a_connection_that_breaks_is_made_again(vendors: Vendors, pushed: PushedQuotes) -> None:
    pushed.watch(["ACME"])
    subscribed(vendors)
    vendors.stream.break_off()
    wait(lambda: vendors.stream.connections >= 2, what="another connection")
    subscribed(vendors)
    vendors.stream.publish("ACME")
    wait(lambda: bool(pushed._latest), what="the trade")


def test_another_list_of_symbols_is_subscribed_at_once(
    vendors: Vendors, pushed: PushedQuotes
) -> None:
    pushed.watch(["ACME"])
    subscribed(vendors)
    before = vendors.stream.connections
    pushed.watch(["ACME", "BOLT"])
    wait(lambda: vendors.stream.connections > before, what="the new subscription")
    subscribed(vendors)
    vendors.stream.publish("BOLT")
    wait(lambda: "BOLT" in pushed._latest, what="a trade of the new symbol")


def test_it_ends_within_seconds_though_nothing_is_traded(
    vendors: Vendors, pushed: PushedQuotes
) -> None:
    pushed.watch(["ACME"])
    subscribed(vendors)
    pushed.stop()
    assert pushed._thread is not None
    assert not pushed._thread.is_alive()
