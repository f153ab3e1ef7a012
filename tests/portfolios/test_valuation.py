"""What holdings are worth, with figures checked by hand."""

from datetime import UTC, datetime
from decimal import Decimal as D

from portfolios.holdings.valuation import Position, Quote, holding_row, percentage, valuation

NOON = datetime(2025, 1, 6, 12, tzinfo=UTC)


def position(asset_id: int, quantity: str, basis: str, currency: str = "USD") -> Position:
    return Position(
        asset_id, f"S{asset_id}", "Name", "equity", currency, D(quantity), D(basis), D(50), D(5)
    )


def test_values_convert_at_the_rate_and_weights_count_cash() -> None:
    found = valuation(
        currency="USD",
        cash=D("1000.00"),
        positions=[position(1, "10", "900"), position(2, "4", "500", "EUR")],
        quotes={
            1: Quote(D("100.005"), NOON, False, D("99")),
            2: Quote(D("120"), NOON, False, None),
        },
        rates={"USD": D(1), "EUR": D("1.0416666")},
    )
    assert [row.value_base for row in found.holdings] == [D("1000.05"), D("500.00")]
    assert (found.invested, found.total) == (D("1500.05"), D("2500.05"))
    assert found.day_change == D("10.05")
    first = holding_row(found.holdings[0], account_currency="USD", total=found.total)
    assert first["unrealized_gain"] == "100.05"
    assert first["unrealized_gain_percentage"] == "11.1167"
    assert first["weight"] == "40.0012"


def test_a_holding_without_a_price_is_null_and_named_never_zero() -> None:
    found = valuation(
        currency="USD", cash=D(0), positions=[position(1, "10", "900")], quotes={}, rates={}
    )
    row = holding_row(found.holdings[0], account_currency="USD", total=found.total)
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
