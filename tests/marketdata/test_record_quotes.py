"""The one entry of prices: what is believed is published and stored, the rest leaves no trace."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from identity.models import Household
from marketdata.models import LatestPrice
from marketdata.operations import IncomingQuote, record_quotes
from marketdata.operations.quotes import QUOTES
from marketdata.queries import live_quotes, quotes
from stores.redis import redis_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_quotes")]

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def quote(symbol: str = "AAA", price: str = "50", **fields: Any) -> IncomingQuote:
    defaults = {"as_of": NOW, "source": "acme"}
    return IncomingQuote(symbol=symbol, price=D(price), **{**defaults, **fields})


def stored() -> list[tuple[str, D, datetime]]:
    return list(
        LatestPrice.objects.order_by("asset__symbol").values_list("asset__symbol", "price", "as_of")
    )


def published_prices() -> dict[Any, str]:
    found: dict[Any, Any] = redis_client().hgetall("quotes")
    return {symbol: json.loads(text)["price"] for symbol, text in found.items()}


def test_a_quote_is_published_at_once_and_stored(make_asset: Callable[..., Any]) -> None:
    asset = make_asset("AAA", exchange="XNYS")
    client: Any = redis_client()
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("quotes")
    listener.get_message(timeout=1)

    found = record_quotes(quotes=[quote(previous_close=D("49"))], now=NOW)

    assert (found.accepted, found.refused) == (1, ())
    message = listener.get_message(timeout=2)
    listener.close()
    expected = {
        "symbol": "AAA",
        "price": "50",
        "as_of": "2026-11-20T15:00:00Z",
        "fresh_until": "2026-11-20T15:15:00Z",
        "source": "acme",
        "previous_close": "49",
        "exchange": "XNYS",
    }
    assert json.loads(message["data"]) == [expected]
    assert json.loads(client.hget("quotes", "AAA")) == expected
    assert stored() == [("AAA", D(50), NOW)]
    assert quotes(assets=[asset], now=NOW)[asset.pk].previous_close == D(49)


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("unknown", {"symbol": "ZZZ"}, "symbol_unknown"),
    ("not a number", {"price": "NaN"}, "price_not_finite"),
    ("signalling", {"price": "sNaN"}, "price_not_finite"),
    ("infinite", {"price": "Infinity"}, "price_not_finite"),
    ("zero", {"price": "0"}, "price_not_positive"),
    ("negative", {"price": "-5"}, "price_not_positive"),
    ("too small to store", {"price": "1e-12"}, "price_not_positive"),
    ("40 digits", {"price": "1e40"}, "price_too_large"),
    ("ten times", {"price": "500"}, "price_absurd"),
    ("a tenth", {"price": "5"}, "price_absurd"),
    ("older", {"as_of": NOW - timedelta(seconds=1)}, "older_than_known"),
    ("future", {"as_of": NOW + timedelta(minutes=1)}, "as_of_in_future"),
    ("previous close", {"previous_close": D("-1")}, "price_not_positive"),
]


@pytest.mark.parametrize(("name", "fields", "code"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_what_cannot_be_believed_changes_nothing(
    make_asset: Callable[..., Any], name: str, fields: dict[str, Any], code: str
) -> None:
    make_asset("AAA")
    record_quotes(quotes=[quote()], now=NOW)
    before = stored(), published_prices()
    counted = QUOTES.labels(code)._value.get()
    redis_client().delete("quotes:stored")

    found = record_quotes(quotes=[quote(**fields)], now=NOW)

    assert found.accepted == 0
    assert [code for _, code in found.refused] == [code]
    assert (stored(), published_prices()) == before
    assert QUOTES.labels(code)._value.get() == counted + 1


def test_one_bad_quote_does_not_keep_the_others_out(make_asset: Callable[..., Any]) -> None:
    make_asset("AAA")
    make_asset("BBB")
    found = record_quotes(quotes=[quote("AAA", "0"), quote("BBB", "7")], now=NOW)
    assert (found.accepted, found.refused) == (1, (("AAA", "price_not_positive"),))
    assert published_prices() == {b"BBB": "7"}


def test_a_late_writer_does_not_take_a_newer_price_back(make_asset: Callable[..., Any]) -> None:
    make_asset("AAA")
    record_quotes(quotes=[quote(price="51", as_of=NOW)], now=NOW)
    LatestPrice.objects.all().delete()  # as if the newer price were not stored yet
    found = record_quotes(quotes=[quote(as_of=NOW - timedelta(seconds=5))], now=NOW)
    assert found.refused == (("AAA", "older_than_known"),)
    assert published_prices() == {b"AAA": "51"}


def test_the_database_is_written_every_few_seconds_in_one_statement(
    make_asset: Callable[..., Any],
) -> None:
    symbols = [f"S{n}" for n in range(50)]
    for symbol in symbols:
        make_asset(symbol)
    record_quotes(quotes=[quote(symbol) for symbol in symbols], now=NOW)
    later = NOW + timedelta(seconds=1)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        record_quotes(quotes=[quote(symbol, "51", as_of=later) for symbol in symbols], now=later)
    assert len(asked) == 1, "only the known prices are read, nothing is stored yet"
    assert {price for _, price, _ in stored()} == {D(50)}

    redis_client().delete("quotes:stored")  # three seconds later
    last = NOW + timedelta(seconds=4)
    with CaptureQueriesContext(connection) as asked:
        record_quotes(quotes=[quote("S0", "52", as_of=last)], now=last)
    assert len(asked) == 2
    assert {price for _, price, _ in stored()} == {D(51), D(52)}, "all newest prices, not one"


def test_a_correction_of_the_same_instant_reaches_redis_and_the_database(
    make_asset: Callable[..., Any],
) -> None:
    make_asset("AAA")
    record_quotes(quotes=[quote(price="51")], now=NOW)
    redis_client().delete("quotes:stored")  # three seconds later
    assert record_quotes(quotes=[quote(price="50.5")], now=NOW).accepted == 1
    assert published_prices() == {b"AAA": "50.5"}
    assert [price for _, price, _ in stored()] == [D("50.5")]
    redis_client().delete("quotes:stored")
    with CaptureQueriesContext(connection):
        record_quotes(quotes=[quote(price="50.5")], now=NOW)
    assert LatestPrice.objects.get().price == D("50.5")


def test_the_asset_of_a_household_takes_no_public_quote(
    make_asset: Callable[..., Any],
) -> None:
    make_asset("OWN", household=Household.objects.create(name="Home"))
    found = record_quotes(quotes=[quote("OWN")], now=NOW)
    assert found.refused == (("OWN", "symbol_unknown"),)
    assert stored() == []


def test_without_redis_prices_go_to_the_database_and_come_from_there(
    make_asset: Callable[..., Any], settings: Any
) -> None:
    asset = make_asset("AAA")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert record_quotes(quotes=[quote()], now=NOW).accepted == 1
    assert live_quotes(symbols=["AAA"], now=NOW) == {}
    with CaptureQueriesContext(connection) as asked:
        found = quotes(assets=[asset], now=NOW)
    assert (found[asset.pk].price, found[asset.pk].stale) == (D(50), False)
    assert len(asked) == 1


def test_quotes_of_many_are_one_call_and_no_query(make_asset: Callable[..., Any]) -> None:
    made = [make_asset(f"S{n}") for n in range(100)]
    record_quotes(quotes=[quote(asset.symbol) for asset in made], now=NOW)
    with CaptureQueriesContext(connection) as asked:
        found = quotes(assets=made, now=NOW)
    assert len(found) == 100
    assert len(asked) == 0
