"""From a statement to amounts: what is computed, what is refused."""

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from core.errors import InvalidInput
from transactions.ledger.entries import Entry, amounts

NOON = datetime(2025, 1, 6, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "rate", "amount", "cash"),
    [
        (Entry("buy", NOON, "USD", "A", D(40), D(50), fee=D("1.00")), 1, "2000.00", "-2001.00"),
        (Entry("buy", NOON, "USD", "A", D(3), amount=D("10.00")), 1, "10.00", "-10.00"),
        (Entry("sell", NOON, "USD", "A", D(40), D(45), fee=D("1.25")), 1, "1800.00", "1798.75"),
        (Entry("sell", NOON, "EUR", "A", D(1), D("9.99")), "1.1", "9.99", "10.99"),
        (Entry("deposit", NOON, "USD", amount=D(500)), 1, "500.00", "500.00"),
        (Entry("withdrawal", NOON, "USD", amount=D(500), fee=D(5)), 1, "500.00", "-505.00"),
        (Entry("dividend", NOON, "EUR", "A", amount=D("7.30")), "1.0861", "7.30", "7.93"),
        (Entry("fee", NOON, "USD", amount=D("12.34")), 1, "12.34", "-12.34"),
    ],
    ids=lambda value: value.type if isinstance(value, Entry) else str(value),
)
def test_cash_moves_by_the_amount_and_the_fee(
    entry: Entry, rate: object, amount: str, cash: str
) -> None:
    found = amounts(entry=entry, fx_rate=D(str(rate)), account_currency="USD")
    assert (found.amount, found.cash_effect) == (D(amount), D(cash))


def test_a_stated_amount_gives_the_price_per_unit() -> None:
    entry = Entry("buy", NOON, "USD", "A", D(3), amount=D("10.00"))
    assert amounts(entry=entry, fx_rate=D(1), account_currency="USD").price == D("3.33333333")


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (Entry("buy", NOON, "USD", "A", price=D(1)), "quantity_required"),
        (Entry("buy", NOON, "USD", "A", D(1)), "price_required"),
        (Entry("buy", NOON, "USD", "A", D(-1), D(1)), "not_positive"),
        (Entry("buy", NOON, "USD", "A", D(1), D(-1)), "negative"),
        (Entry("buy", NOON, "USD", "A", D(1), D("NaN")), "negative"),
        (Entry("deposit", NOON, "USD", amount=D(1), fee=D(-1)), "negative"),
        (Entry("buy", NOON, "USD", "A", D(1), D(1), D(1)), "price_and_amount"),
        (Entry("deposit", NOON, "USD"), "amount_required"),
        (Entry("deposit", NOON, "USD", amount=D(0)), "amount_not_positive"),
        (Entry("deposit", NOON, "USD", quantity=D(1), amount=D(1)), "field_not_allowed"),
        (Entry("deposit", NOON, "USD", amount=D("1.001")), "amount_precision"),
        (Entry("deposit", NOON, "JPY", amount=D("1.5")), "amount_precision"),
        (Entry("deposit", NOON, "USD", amount=D(1), fee=D("0.001")), "fee_precision"),
        (Entry("buy", NOON, "USD", "A", D(10**12), D(10**12)), "amount_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_contradictory_figures_are_refused_with_a_code(entry: Entry, code: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        amounts(entry=entry, fx_rate=D(1), account_currency="USD")
    assert refusal.value.code == code
    assert refusal.value.fields
