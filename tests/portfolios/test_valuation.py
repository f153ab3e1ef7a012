"""What holdings are worth, with figures checked by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal as D

from marketdata.fx import Rate
from portfolios.api.holdings import holding_row
from portfolios.holdings.valuation import Position, percentage, valuation
from portfolios.prices.rule import Quote

NOON = datetime(2025, 1, 6, 12, tzinfo=UTC)


def position(asset_id: int, quantity: str, basis: str, currency: str = "USD") -> Position:
    return Position(
        asset_id, f"S{asset_id}", "Name", "equity", currency, D(quantity), D(basis), D(50), D(5)
    )


def rate(base: str, units: str, *, stale: bool = False) -> Rate:
    return Rate(base, "USD", D(units), date(2025, 1, 3), stale)


def test_values_convert_at_the_rate_and_weights_count_cash() -> None:
    found = valuation(
        currency="USD",
        cash=D("1000.00"),
        positions=[position(1, "10", "900"), position(2, "4", "500", "EUR")],
        quotes={
            1: Quote(D("100.005"), NOON, False, D("99")),
            2: Quote(D("120"), NOON, False, None),
        },
        rates={"USD": rate("USD", "1"), "EUR": rate("EUR", "1.0416666")},
    )
    assert [row.value_base for row in found.holdings] == [D("1000.05"), D("500.00")]
    assert (found.invested, found.total) == (D("1500.05"), D("2500.05"))
    assert found.day_change == D("10.05")
    first = holding_row(found.holdings[0], value=found)
    assert first["unrealized_gain"] == "100.05"
    assert first["unrealized_gain_percentage"] == "11.1167"
    assert first["weight"] == "40.0012"


def test_a_holding_without_a_price_is_null_and_named_never_zero() -> None:
    found = valuation(
        currency="USD", cash=D(0), positions=[position(1, "10", "900")], quotes={}, rates={}
    )
    row = holding_row(found.holdings[0], value=found)
    assert (row["market_value"], row["price"], row["weight"], row["stale"]) == (
        None,
        None,
        None,
        True,
    )
    assert found.unpriced == ("S1",)


def test_a_share_of_nothing_is_not_computable() -> None:
    assert percentage(D(1), D(0)) is None
    assert percentage(D(1), D(-5)) is None


def test_a_stale_rate_is_named_and_goes_with_its_holdings() -> None:
    found = valuation(
        currency="USD",
        cash=D(0),
        positions=[
            position(1, "1", "1"),
            position(2, "1", "1", "EUR"),
            position(3, "1", "1", "EUR"),
        ],
        quotes={number: Quote(D(2), NOON, False, None) for number in (1, 2, 3)},
        rates={"USD": rate("USD", "1"), "EUR": rate("EUR", "1.25", stale=True)},
    )
    assert (found.stale, found.stale_rates) == ((), ("EUR",))
    rows = [holding_row(row, value=found) for row in found.holdings]
    assert [row["exchange_rate_stale"] for row in rows] == [False, True, True]
    assert [row["exchange_rate_date"] for row in rows] == [None, "2025-01-03", "2025-01-03"]


def test_the_widest_figures_are_rounded_once() -> None:
    # 28 digits, the default of Decimal, would leave 12345678901234567.89 here.
    held = position(1, "999999999999.9999999999", "1", "IDR")
    found = valuation(
        currency="USD",
        cash=D(0),
        positions=[held],
        quotes={1: Quote(D("99999999999.99999999"), NOON, False, None)},
        rates={"IDR": rate("IDR", "0.123456789012345678")},
    )
    product = 9999999999999999999999 * 9999999999999999999 * 123456789012345678
    cents = (2 * product + 10**34) // (2 * 10**34)
    assert found.invested == D(cents).scaleb(-2)
