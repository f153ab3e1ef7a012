"""What an adapter makes of a lie: it passes on what it was told, so that it can be judged.

Whoever stores prices refuses them. Only what is no number at all is refused here.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from marketdata.providers.alpaca import Alpaca
from marketdata.providers.alpha_vantage import AlphaVantage
from marketdata.providers.port import Fault, Provider, ProviderFault, VendorQuote
from marketdata.providers.tiingo import Tiingo
from marketdata.providers.yahoo import Yahoo
from tests.marketdata.providers.market import LIE_NAMES
from tests.marketdata.providers.vendors import KEY, Vendors

# The close of a Friday: Alpha Vantage knows no other moment of a day.
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
VENDORS = ["tiingo", "alpaca", "alpha_vantage", "yahoo"]


def provider_of(name: str, url: str) -> Provider:
    if name == "tiingo":
        return Tiingo(KEY, base_url=url)
    if name == "alpaca":
        return Alpaca(KEY, KEY, base_url=url)
    if name == "alpha_vantage":
        return AlphaVantage(KEY, base_url=url, pause_s=0)
    return Yahoo(base_url=url)


def quote(name: str, lie: str, vendors: Vendors) -> VendorQuote:
    vendors.set_price("ACME", "101.25", as_of=CLOSE)
    vendors.set_price("BOLT", "50.1", as_of=CLOSE)
    vendors.behave(name, lie)
    (found,) = provider_of(name, vendors.url(name)).quotes(["ACME"])
    return found


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(
    ("lie", "price"),
    [
        ("right", "101.25"),
        ("lie_zero", "0"),
        ("lie_negative", "-101.25"),
        ("lie_hundredfold", "10125"),
        ("lie_stale_close", "100.5"),
        ("lie_swapped", "50.1"),
    ],
)
def test_a_wrong_price_is_passed_on(name: str, lie: str, price: str, vendors: Vendors) -> None:
    found = quote(name, lie, vendors)
    assert (found.symbol, found.price, found.as_of) == ("ACME", Decimal(price), CLOSE)


@pytest.mark.parametrize("name", VENDORS)
def test_what_is_no_number_is_refused(name: str, vendors: Vendors) -> None:
    with pytest.raises(ProviderFault) as caught:
        quote(name, "lie_nan", vendors)
    assert caught.value.fault is Fault.FORMAT_CHANGED


@pytest.mark.parametrize("name", ["tiingo", "alpaca", "yahoo"])
@pytest.mark.parametrize(("lie", "days"), [("lie_old_time", -30), ("lie_future_time", 2)])
def test_a_wrong_time_is_passed_on(name: str, lie: str, days: int, vendors: Vendors) -> None:
    assert quote(name, lie, vendors).as_of == CLOSE + timedelta(days=days)


def test_a_time_outside_every_session_is_refused_where_the_session_tells_the_time(
    vendors: Vendors,
) -> None:
    # Thirty days before was still summer time in New York.
    summer = CLOSE - timedelta(days=30, hours=1)
    assert quote("alpha_vantage", "lie_old_time", vendors).as_of == summer
    with pytest.raises(ProviderFault) as caught:
        quote("alpha_vantage", "lie_future_time", vendors)
    assert caught.value.fault is Fault.FORMAT_CHANGED


@pytest.mark.parametrize("name", ["tiingo", "alpaca"])
def test_another_symbol_is_passed_on_as_it_was_answered(name: str, vendors: Vendors) -> None:
    vendors.behave(name, "lie_wrong_symbol")
    (found,) = provider_of(name, vendors.url(name)).quotes(["ACME"])
    assert found.symbol == "NOTASKED"


def test_another_currency_is_passed_on_by_a_vendor_that_names_it(vendors: Vendors) -> None:
    assert quote("yahoo", "right", vendors).currency == "USD"
    assert quote("yahoo", "lie_wrong_currency", vendors).currency == "JPY"


def test_there_are_ten_lies() -> None:
    assert len(LIE_NAMES) == len(set(LIE_NAMES)) == 10
