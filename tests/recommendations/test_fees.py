"""Regulatory fees of a sale, by trade date."""

from datetime import date
from decimal import Decimal

import pytest

from recommendations.engine.fees import fee_market, sale_fees, sec_fee, trading_activity_fee


@pytest.mark.parametrize(
    ("day", "per_million"),
    [
        ("2001-01-01", "27.80"),
        ("2025-05-13", "27.80"),
        ("2025-05-14", "0"),
        ("2026-04-03", "0"),
        ("2026-04-04", "20.60"),
        ("2031-01-01", "20.60"),
    ],
)
def test_the_sec_fee_on_a_million_changes_on_its_day(day: str, per_million: str) -> None:
    fees = sale_fees(market="US", as_of=date.fromisoformat(day))
    assert sec_fee(fees=fees, value=Decimal(1_000_000)) == Decimal(per_million)


@pytest.mark.parametrize(
    ("day", "shares", "fee"),
    [
        ("2025-12-31", 10_000, "1.66"),
        ("2025-12-31", 50_000, "8.30"),
        ("2025-12-31", 1_000_000, "8.30"),
        ("2026-01-01", 10_000, "1.95"),
        ("2026-12-31", 1_000_000, "9.79"),
        ("2027-01-01", 10_000, "2.32"),
        ("2040-01-01", 1_000_000, "11.61"),
    ],
)
def test_the_trading_activity_fee_is_per_share_and_capped(day: str, shares: int, fee: str) -> None:
    fees = sale_fees(market="US", as_of=date.fromisoformat(day))
    assert trading_activity_fee(fees=fees, quantity=Decimal(shares)) == Decimal(fee)


@pytest.mark.parametrize(
    ("exchange", "asset_class", "currency", "market"),
    [
        ("XNYS", "equity", "USD", "US"),
        ("XNAS", "etf", "USD", "US"),
        ("XPHS", "equity", "PHP", ""),
        ("XLON", "equity", "USD", ""),  # in dollars, but not listed in the United States
        ("XNYS", "equity", "CAD", ""),
        ("XNYS", "bond", "USD", ""),
        ("XNYS", "fund", "USD", ""),
        ("", "crypto", "USD", ""),
        ("", "equity", "USD", ""),  # an asset of one's own
    ],
)
def test_only_equities_listed_in_the_united_states_pay_its_fees(
    exchange: str, asset_class: str, currency: str, market: str
) -> None:
    found = fee_market(exchange=exchange, asset_class=asset_class, currency=currency)
    assert found == market


def test_what_pays_no_sale_fees_pays_none() -> None:
    fees = sale_fees(market="", as_of=date(2026, 6, 1))
    assert sec_fee(fees=fees, value=Decimal(1_000_000)) == 0
    assert trading_activity_fee(fees=fees, quantity=Decimal(1_000_000)) == 0


def test_an_account_in_euro_pays_dollar_fees_and_their_cap_converted() -> None:
    fees = sale_fees(market="US", as_of=date(2026, 6, 1)).converted(Decimal("0.9"))
    # 20.60 a million of the value in any currency; 0.000195 dollars a share; at most 9.79 dollars.
    assert sec_fee(fees=fees, value=Decimal(1_000_000)) == Decimal("20.60")
    assert trading_activity_fee(fees=fees, quantity=Decimal(10_000)) == Decimal("1.755")
    assert trading_activity_fee(fees=fees, quantity=Decimal(1_000_000)) == Decimal("8.811")
