"""The income of a household, by hand: currencies, reversals, withheld tax, units, splits."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.errors import InvalidInput
from marketdata.models import AnnouncedDividend
from portfolios.queries.income import Income, household_income
from transactions.ledger.entries import Entry, Ratio
from transactions.operations import open_account, record, reverse
from transactions.operations.archiving import archive_account

pytestmark = pytest.mark.django_db
NOW = timezone.now()
URL = "/api/v1/households/me/income"


def ago(days: int) -> datetime:
    return (NOW - timedelta(days=days)).replace(hour=12)


def book(account: Any, user: Any, *entries: Entry) -> list[Any]:
    return list(record(account=account, entries=list(entries), user=user, now=NOW))


def income(user: Any, **days: Any) -> Income:
    return household_income(user=user, from_date=None, to_date=None, now=NOW, **days)


def test_a_foreign_dividend_with_withheld_tax_is_converted_at_the_rate_it_was_booked_at(
    people: Any, account: Any, assets: Any
) -> None:
    book(
        account,
        people.owner,
        Entry("buy", ago(100), "EUR", "EEE", D(10), D(9)),
        Entry("dividend", ago(40), "EUR", "EEE", amount=D("50.00")),
        Entry("tax", ago(40), "EUR", "EEE", amount=D("7.50")),
    )
    found = income(people.owner)
    # 50.00 at 1.25, and 7.50 at 1.25 is 9.375.
    assert (found.sums.income, found.sums.tax, found.sums.net) == (
        D("62.50"),
        D("9.38"),
        D("53.12"),
    )
    paid, withheld = sorted(found.payments, key=lambda row: row.booked.kind)
    assert (paid.amount, paid.amount_account, paid.amount_household) == (
        D(50),
        D("62.5"),
        D("62.5"),
    )
    assert withheld.amount_household == D("9.38")
    (row,) = found.sources
    assert (row.symbol, row.sums.income, row.sums.tax) == ("EEE", D("62.50"), D("9.38"))


def test_an_account_in_another_currency_is_converted_at_the_fixing_of_the_day(
    people: Any, account: Any, assets: Any
) -> None:
    from marketdata.models import ExchangeRate

    ExchangeRate.objects.create(currency="USD", date=ago(70).date(), rate=D("1.10"), source="test")
    euro = open_account(user=people.owner, name="Euro", type="taxable", currency="EUR", now=NOW)
    book(
        euro,
        people.owner,
        Entry("dividend", ago(90), "EUR", "EEE", amount=D("10.01")),
        Entry("dividend", ago(60), "EUR", "EEE", amount=D("10.01")),
    )
    found = income(people.owner)
    # 10.01 at 1.25 is 12.5125; at 1.10 it is 11.011.
    assert [row.amount_household for row in found.payments] == [D("11.01"), D("12.51")]
    assert found.sums.income == D("23.52")
    assert [row.amount_account for row in found.payments] == [D("10.01"), D("10.01")]


def test_what_was_reversed_or_corrected_counts_once_or_not_at_all(
    people: Any, account: Any, assets: Any
) -> None:
    from transactions.operations import correct

    rows = book(
        account,
        people.owner,
        *(Entry("dividend", ago(days), "USD", "AAA", amount=D(7)) for days in (50, 40, 30)),
    )
    reverse(original=rows[0], user=people.owner, now=NOW)
    better = Entry("dividend", ago(40), "USD", "AAA", amount=D("8.50"))
    correct(original=rows[1], entry=better, user=people.owner, now=NOW)
    found = income(people.owner)
    assert found.sums.income == D("15.50")
    assert len(found.payments) == 2


def test_kinds_of_income_are_apart_and_fees_and_capital_are_none(
    people: Any, account: Any, assets: Any
) -> None:
    book(
        account,
        people.owner,
        Entry("deposit", ago(200), "USD", amount=D(5000)),
        Entry("buy", ago(190), "USD", "AAA", D(100), D(20)),
        Entry("dividend", ago(90), "USD", "AAA", amount=D(100), fee=D(5)),
        Entry("interest", ago(80), "USD", amount=D("3.21")),
        Entry("reinvestment", ago(70), "USD", "AAA", D(2), D(30), fee=D(1)),
        Entry("return_of_capital", ago(60), "USD", "AAA", amount=D(40)),
        Entry("stock_dividend", ago(50), "USD", "AAA", quantity=D(5)),
    )
    found = income(people.owner)
    sums = found.sums
    assert (sums.dividends, sums.interest, sums.reinvested) == (D(100), D("3.21"), D(60))
    assert (sums.income, sums.returned, sums.tax) == (D("163.21"), D(40), D(0))
    units = next(row for row in found.payments if row.booked.kind == "stock_dividend")
    assert (units.amount_household, units.booked.quantity) == (D(0), D(5))
    # Interest is of cash; 107 AAA at 50 cost 2000 + 61 - 40.
    by_symbol = {row.symbol: row for row in found.sources}
    assert by_symbol[""].sums.income == D("3.21")
    aaa = by_symbol["AAA"]
    assert (aaa.cost_basis, aaa.value) == (D("2021.00"), D("5350.00"))
    assert aaa.yield_on_cost == D("7.9169")  # 160 / 2021
    assert aaa.yield_on_value == D("2.9907")  # 160 / 5350
    assert (found.lately, found.yield_on_value) == (D("160.00"), D("2.9907"))


def test_months_and_holdings_sum_to_the_total_and_growth_compares_with_the_year_before(
    people: Any, account: Any, assets: Any
) -> None:
    def paid(day: date, symbol: str, amount: str) -> Entry:
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return Entry("dividend", at, "USD", symbol, amount=D(amount))

    book(
        account,
        people.owner,
        paid(date(2023, 3, 1), "AAA", "10.01"),
        paid(date(2023, 12, 31), "BBB", "5.55"),
        paid(date(2024, 1, 31), "AAA", "11.11"),
        paid(date(2024, 2, 29), "BBB", "6.06"),
        paid(date(2025, 1, 1), "AAA", "99"),
    )
    found = household_income(
        user=people.owner, from_date=date(2024, 1, 1), to_date=date(2024, 12, 31), now=NOW
    )
    assert (found.sums.income, found.previous.income) == (D("17.17"), D("15.56"))
    assert found.growth == D("10.3470")
    assert len(found.months) == 12
    assert sum((sums.income for _, sums in found.months), D(0)) == found.sums.income
    assert sum((row.sums.income for row in found.sources), D(0)) == found.sums.income
    assert [row.months[:2] for row in found.sources] == [(D("11.11"), D(0)), (D(0), D("6.06"))]


def test_a_projection_follows_splits_and_units_bought_since(
    people: Any, account: Any, assets: Any
) -> None:
    book(
        account,
        people.owner,
        Entry("buy", ago(300), "USD", "AAA", D(10), D(20)),
        Entry("dividend", ago(200), "USD", "AAA", amount=D("4.00")),
        Entry("split", ago(100), "USD", "AAA", ratio=Ratio(D(2), D(1))),
        Entry("buy", ago(20), "USD", "AAA", D(10), D(20)),
    )
    (one,) = income(people.owner).expected
    # 4.00 for 20 shares of today; 30 are held.
    assert (one.amount, one.per_unit, one.basis) == (D("6.00"), D("0.2"), "projected")
    assert one.day == ago(200).date().replace(year=ago(200).year + 1)


def test_shares_sold_between_the_ex_date_and_the_payment_are_paid_all_the_same(
    people: Any, account: Any, assets: Any
) -> None:
    book(
        account,
        people.owner,
        Entry("buy", ago(300), "USD", "AAA", D(10), D(20)),
        Entry("sell", ago(210), "USD", "AAA", D(10), D(20)),
        Entry("dividend", ago(200), "USD", "AAA", amount=D("4.00")),
        Entry("buy", ago(100), "USD", "AAA", D(5), D(20)),
    )
    assert [one.amount for one in income(people.owner).expected] == [D("2.00")]


def test_an_announced_dividend_is_expected_for_the_units_of_all_accounts(
    people: Any, account: Any, assets: Any
) -> None:
    ira = open_account(user=people.owner, name="IRA", type="ira", currency="USD", now=NOW)
    for one, units in ((account, 10), (ira, 5)):
        book(one, people.owner, Entry("buy", ago(30), "USD", "AAA", D(units), D(20)))
    ex_date = NOW.date() + timedelta(days=20)
    AnnouncedDividend.objects.create(
        asset=assets["AAA"], ex_date=ex_date, provider="test", amount=D("0.333"), currency="USD"
    )
    found = income(people.owner)
    assert [(one.day, one.amount) for one in found.expected] == [(ex_date, D("5.00"))]
    assert (found.expected_of("announced"), found.expected_of("projected")) == (D("5.00"), D(0))
    assert [row.expected for row in found.sources] == [D("5.00")]


def test_what_was_sold_after_the_ex_date_still_pays_and_what_was_bought_then_does_not(
    people: Any, account: Any, assets: Any
) -> None:
    book(
        account,
        people.owner,
        Entry("buy", ago(90), "USD", "AAA", D(10), D(20)),
        Entry("buy", ago(90), "USD", "BBB", D(8), D(20)),
        Entry("buy", ago(5), "USD", "BBB", D(100), D(20)),
        Entry("sell", ago(4), "USD", "AAA", D(10), D(20)),
    )
    paid = NOW.date() + timedelta(days=9)
    for symbol in ("AAA", "BBB"):
        AnnouncedDividend.objects.create(
            asset=assets[symbol],
            ex_date=ago(10).date(),
            payment_date=paid,
            provider="test",
            amount=D("0.50"),
            currency="USD",
        )
    found = income(people.owner)
    assert sorted(one.amount for one in found.expected) == [D("4.00"), D("5.00")]
    assert {row.symbol: row.expected for row in found.sources} == {
        "AAA": D("5.00"),
        "BBB": D("4.00"),
    }


def test_an_archived_account_keeps_its_past_income(people: Any, account: Any, assets: Any) -> None:
    book(account, people.owner, Entry("interest", ago(20), "USD", amount=D(9)))
    book(account, people.owner, Entry("withdrawal", ago(10), "USD", amount=D(9)))
    archive_account(account=account, now=NOW)
    assert income(people.owner).sums.income == D(9)


def test_the_api_gives_the_household_of_the_caller_and_nobody_elses(
    people: Any, account: Any, assets: Any, client_of: Callable[[Any], Any]
) -> None:
    rows = book(
        account,
        people.owner,
        Entry("buy", ago(300), "USD", "AAA", D(10), D(20)),
        Entry("dividend", ago(40), "USD", "AAA", amount=D("12.50")),
        Entry("tax", ago(40), "USD", "AAA", amount=D("1.88")),
    )
    for user in (people.owner, people.spouse):
        body = client_of(user).get(URL).json()
        assert (body["income"], body["withheld_tax"], body["net_income"]) == (
            "12.50",
            "1.88",
            "10.62",
        )
        (holding,) = body["holdings"]
        assert (holding["symbol"], holding["yield_on_cost_percentage"]) == ("AAA", "6.25")
        assert body["yield_on_value_percentage"] == "2.5"
        assert len(body["months"]) == len(holding["months"]) == 12
        assert body["payments_total"] == len(body["payments"]) == 2
        assert {row["transaction_id"] for row in body["payments"]} == {
            str(row.public_id) for row in rows[1:]
        }
        assert body["expected"]["total"] == body["expected"]["projected"] == "12.50"
        assert "not a forecast" in body["expected"]["rule"]
    for user in (people.stranger, people.adviser):
        body = client_of(user).get(URL).json()
        assert (body["income"], body["payments"], body["holdings"]) == ("0.00", [], [])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("from=2024-05-01&to=2024-04-01", "range_reversed"),
        ("from=1990-01-01&to=2024-04-01", "range_too_long"),
        ("from=1940-01-01&to=1941-01-01", "date_too_early"),
        ("from=soon", None),
        ("account=x", "unknown_parameter"),
    ],
)
def test_a_range_that_cannot_be_answered_is_refused(
    people: Any, client_of: Callable[[Any], Any], query: str, code: str | None
) -> None:
    answer = client_of(people.owner).get(f"{URL}?{query}")
    assert answer.status_code == 400
    assert code in (None, answer.json()["code"])


def test_the_first_day_of_history_has_no_year_before(people: Any) -> None:
    with pytest.raises(InvalidInput):
        household_income(user=people.owner, from_date=date(1, 1, 1), to_date=date(1, 2, 1), now=NOW)


def test_queries_depend_neither_on_accounts_nor_on_payments(
    people: Any, account: Any, assets: Any
) -> None:
    def queries() -> int:
        income(people.owner)
        with CaptureQueriesContext(connection) as found:
            income(people.owner)
        return len(found)

    def entries() -> list[Entry]:
        return [
            Entry("buy", ago(300), "USD", "AAA", D(10), D(20)),
            Entry("dividend", ago(40), "USD", "AAA", amount=D("12.50")),
            Entry("dividend", ago(30), "EUR", "EEE", amount=D("12.50")),
        ]

    euro = open_account(user=people.owner, name="0", type="ira", currency="EUR", now=NOW)
    for one in (account, euro):
        book(one, people.owner, *entries())
    before = queries()
    for name in "12345":
        other = open_account(user=people.owner, name=name, type="ira", currency="USD", now=NOW)
        book(other, people.owner, *entries(), *entries())
    assert queries() == before
