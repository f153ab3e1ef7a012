"""A household's value: accounts summed in one currency, parts that sum to the whole."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from marketdata.fx import Rate
from portfolios.holdings.households import (
    AccountPart,
    HouseholdHolding,
    HouseholdValue,
    household_value,
)
from portfolios.holdings.valuation import Position, Valued, valuation
from portfolios.prices.rule import Quote

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


Held = dict[int, tuple[str, str | None]]


def part(number: int, *, cash: str, held: Held, rate: str | None) -> AccountPart:
    """An account: cash, and quantity and price by asset."""
    positions = [
        Position(asset, f"A{asset}", f"Asset {asset}", "equity", "EUR", D(units), D(1), None, None)
        for asset, (units, _) in held.items()
    ]
    quotes = {
        asset: Quote(D(price), NOW, False, None) for asset, (_, price) in held.items() if price
    }
    value = valuation(
        currency="EUR",
        cash=D(cash),
        positions=positions,
        quotes=quotes,
        rates={"EUR": Rate("EUR", "EUR", D(1), NOW.date(), False)},
    )
    known = None if rate is None else D(rate)
    return AccountPart(UUID(int=number), f"Account {number}", "taxable", value, known)


def test_holdings_and_cash_sum_to_the_converted_total() -> None:
    found = household_value(
        currency="USD",
        accounts=[part(1, cash="20.00", held={1: ("10", "3.33")}, rate="1.25")],
    )
    assert (found.total, found.cash) == (D("66.63"), D("25.00"))
    assert [row.value for row in found.holdings] == [D("41.63")]


def test_one_security_in_two_accounts_is_one_row_with_both() -> None:
    found = household_value(
        currency="USD",
        accounts=[
            part(1, cash="0", held={1: ("2", "10")}, rate="1.1"),
            part(2, cash="5", held={1: ("3", "10"), 2: ("1", None)}, rate="1.1"),
        ],
    )
    first, second = found.holdings
    assert (first.quantity, first.value) == (D(5), D("55.00"))
    assert [(held.account_id.int, held.quantity) for held in first.accounts] == [
        (1, D(2)),
        (2, D(3)),
    ]
    assert (second.value, found.unpriced) == (None, ("A2",))


def test_a_stale_rate_into_the_household_is_named() -> None:
    fresh = part(1, cash="100", held={}, rate="1.1")
    found = household_value(currency="USD", accounts=[fresh, replace(fresh, rate_stale=True)])
    assert found.stale_rates == ("EUR",)
    assert household_value(currency="USD", accounts=[fresh]).stale_rates == ()


def test_an_account_without_a_rate_is_named_and_not_counted() -> None:
    found = household_value(
        currency="USD",
        accounts=[
            part(1, cash="100", held={}, rate="1"),
            part(2, cash="100", held={1: ("1", "5")}, rate=None),
        ],
    )
    assert (found.total, found.unconverted, found.holdings) == (D("100.00"), ("Account 2",), ())


def _held(found: HouseholdValue, one: HouseholdHolding) -> list[tuple[AccountPart, Valued]]:
    return [
        (account, row)
        for account in found.accounts
        for row in account.value.holdings
        if row.position.asset_id == one.position.asset_id
    ]


def test_cents_go_to_the_largest_remainders_not_to_the_largest_holding() -> None:
    """0.4 of a cent each: 9 holdings of 0.10 EUR at 1.04 are 0.936 together, beside one of 100."""
    shares: Held = dict.fromkeys(range(1, 10), ("1", "0.10"))
    found = household_value(
        currency="USD", accounts=[part(1, cash="0", held={**shares, 10: ("1", "100")}, rate="1.04")]
    )
    assert found.total == D("104.94")
    assert [row.value for row in found.holdings if row.position.asset_id == 10] == [D("104.00")]
    assert sorted(row.value or D(0) for row in found.holdings)[:9] == [
        *[D("0.10")] * 5,
        *[D("0.11")] * 4,
    ]


amounts = st.decimals("-1000", "1000000", places=2).map(str)
held = st.dictionaries(
    st.integers(1, 4),
    st.tuples(
        st.decimals("0.0001", "9999", places=4).map(str),
        st.none() | st.decimals("0.01", "9999", places=2).map(str),
    ),
    max_size=4,
)
rates = st.decimals("0.0001", "500", places=6).map(str)


@given(st.lists(st.tuples(amounts, held, rates), max_size=4))
def test_the_parts_of_any_household_sum_to_its_total(accounts: list[Any]) -> None:
    found = household_value(
        currency="USD",
        accounts=[
            part(number, cash=cash, held=shares, rate=rate)
            for number, (cash, shares, rate) in enumerate(accounts)
        ],
    )
    known = [row.value for row in found.holdings if row.value is not None]
    only_cash = sum((found.account_total(one) or D(0) for one in found.accounts), D(0))
    assert sum(known, D(0)) + found.cash == found.total == only_cash
    assert sum((one.value for one in found.allocation), D(0)) == found.total
    for one in found.holdings:
        # Cash and the total are rounded once each, the holding to a cent beside them.
        exact = sum(
            (row.value_base * (at.rate or D(0)) for at, row in _held(found, one) if row.value_base),
            D(0),
        )
        assert one.value is None or abs(one.value - exact) < D("0.02") * len(one.accounts)


@pytest.mark.django_db
def test_holdings_and_summary_of_a_household_come_in_one_call_each(
    people: Any, account: Any, assets: Any, client_of: Any
) -> None:
    from transactions.ledger.entries import Entry
    from transactions.operations import open_account, record

    now = timezone.now()
    euro = open_account(user=people.spouse, name="Euro", type="taxable", currency="EUR", now=now)
    day = datetime(2024, 1, 2, tzinfo=UTC)
    for one, entries in (
        (account, [Entry("buy", day, "USD", "AAA", D(2), D(40))]),
        (
            euro,
            [
                Entry("deposit", day, "EUR", amount=D(30)),
                Entry("buy", day, "EUR", "EEE", D(1), D(9)),
            ],
        ),
    ):
        record(account=one, entries=entries, user=people.owner, now=now)
    client = client_of(people.owner)
    summary = client.get("/api/v1/households/me/summary").json()
    # AAA 100.00 less 80.00 paid; EEE 10.00 and 21.00 of cash, at 1.25.
    assert (summary["total_value"], summary["cash"]) == ("58.75", "-53.75")
    assert [row["total_value_household"] for row in summary["accounts"]] == ["20.00", "38.75"]
    rows = client.get("/api/v1/households/me/holdings").json()["data"]
    assert [(row["symbol"], row["market_value"], row["weight"]) for row in rows] == [
        ("AAA", "100.00", "170.2128"),
        ("EEE", "12.50", "21.2766"),
    ]
    assert rows[1]["accounts"] == [
        {"account_id": str(euro.public_id), "quantity": "1", "market_value": "12.50"}
    ]
    stranger = client_of(people.stranger).get("/api/v1/households/me/summary").json()
    assert (stranger["total_value"], stranger["accounts"]) == ("0.00", [])
