"""The table of all holdings: lines that sum to the total, order, filters, groups, pages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.errors import InvalidInput, NotFound
from marketdata.fx import Rate
from portfolios.holdings.households import AccountPart, household_value
from portfolios.holdings.lines import Line, Past, lines
from portfolios.holdings.tables import DEFAULT_COLUMNS, Filters, Table, table
from portfolios.holdings.valuation import Position, valuation
from portfolios.models import HoldingsColumns
from portfolios.operations.columns import choose_columns
from portfolios.prices.rule import Quote
from portfolios.queries.holding_lines import chosen_columns, holding_lines
from transactions.ledger.entries import Entry
from transactions.operations import open_account, record, reverse

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


def position(number: int, units: str, cost: str, target: str | None = None) -> Position:
    return Position(
        number,
        f"A{number}",
        f"Asset {number}",
        "etf" if number % 2 else "equity",
        "USD",
        D(units),
        D(cost),
        None if target is None else D(target),
        None if target is None else D(2),
    )


def part(number: int, name: str, held: list[tuple[Position, str | None]], cash: str) -> AccountPart:
    value = valuation(
        currency="USD",
        cash=D(cash),
        positions=[one for one, _ in held],
        quotes={one.asset_id: Quote(D(p), NOW, False, D(p) - 1) for one, p in held if p},
        rates={"USD": Rate("USD", "USD", D(1), NOW.date(), False)},
    )
    return AccountPart(UUID(int=number), name, "taxable", value, D("0.9"))


def some_lines() -> tuple[tuple[Line, ...], D]:
    household = household_value(
        currency="EUR",
        accounts=[
            part(1, "One", [(position(1, "10", "200", "50"), "33.33")], "100"),
            part(
                2,
                "Two",
                [
                    (position(1, "3", "60"), "33.33"),
                    (position(2, "7", "90"), "10"),
                    (position(3, "1", "5"), None),
                ],
                "0",
            ),
        ],
    )
    return lines(household=household, past={}), household.total


def asked(**options: Any) -> Table:
    rows, total = some_lines()
    usual: dict[str, Any] = {
        "filters": Filters(),
        "sort": "-value",
        "group": "",
        "page": 1,
        "page_size": 100,
    }
    return table(rows=rows, total=total, **{**usual, **options})


def names(found: Table) -> list[tuple[str, str]]:
    return [(row.position.symbol, row.account) for one in found.groups for row in one.rows]


def test_lines_and_cash_sum_to_the_total_of_the_household() -> None:
    rows, total = some_lines()
    cash = D("90.00")  # 100 dollars at 0.9
    assert total == sum((row.value for row in rows if row.value is not None), cash)
    assert rows[0].value == D("299.97")  # 10 x 33.33 x 0.9


def test_the_drift_is_that_of_the_account_and_the_weight_that_of_everything_shown() -> None:
    rows, total = some_lines()
    first = rows[0]
    # 333.30 of 433.30 dollars in the account.
    assert first.account_weight == D("76.9213")
    assert (first.drift, first.outside) == (D("26.9213"), True)
    assert rows[1].drift is None
    assert not rows[1].outside


def test_the_total_return_counts_gains_open_and_realized_and_income() -> None:
    # The worked example of the module: 38 on 200 is 19 %.
    value = valuation(
        currency="USD",
        cash=D(0),
        positions=[position(1, "6", "120")],
        quotes={1: Quote(D(22), NOW, False, None)},
        rates={"USD": Rate("USD", "USD", D(1), NOW.date(), False)},
    )
    household = household_value(
        currency="USD", accounts=[AccountPart(UUID(int=1), "One", "taxable", value, D(1))]
    )
    past = {(UUID(int=1), 1): Past(D(6), D(6), realized=D(20), realized_cost=D(80))}
    (row,) = lines(household=household, past=past)
    assert (row.gain, row.total_gain, row.total_return) == (D("12.00"), D("38.00"), D("19.0000"))


def test_a_line_without_a_price_sorts_last_in_both_directions() -> None:
    largest = [("A1", "One"), ("A1", "Two"), ("A2", "Two"), ("A3", "Two")]
    assert names(asked(sort="-value")) == largest
    assert names(asked(sort="value")) == [largest[2], largest[1], largest[0], largest[3]]
    assert names(asked(sort="symbol"))[0] == ("A1", "One")
    assert names(asked(sort="-symbol"))[0] == ("A3", "Two")


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (Filters(text="a1"), [("A1", "One"), ("A1", "Two")]),
        (Filters(text="ASSET 2"), [("A2", "Two")]),
        (Filters(asset_class="equity"), [("A2", "Two")]),
        (Filters(losses_only=True), [("A2", "Two")]),
        (Filters(currency="EUR"), []),
    ],
)
def test_filters_leave_what_matches_and_totals_are_of_it(
    filters: Filters, left: list[tuple[str, str]]
) -> None:
    found = asked(filters=filters)
    assert names(found) == left
    assert found.sums.count == len(left)
    rows, _ = some_lines()
    chosen = [row.value for row in rows if (row.position.symbol, row.account) in left]
    assert found.sums.value == sum((value for value in chosen if value), D(0))


def test_groups_have_subtotals_of_all_their_lines_on_every_page() -> None:
    whole = asked(group="account")
    assert [one.title for one in whole.groups] == ["One", "Two"]
    assert sum((one.sums.value for one in whole.groups), D(0)) == whole.sums.value
    first, second = asked(group="account", page_size=2), asked(group="account", page_size=2, page=2)
    assert (names(first) + names(second), first.pages) == (names(whole), 2)
    assert first.groups[1].sums == second.groups[0].sums == whole.groups[1].sums
    assert first.sums == second.sums == whole.sums
    assert names(asked(group="account", page_size=2, page=9)) == names(second)


pytestmark = pytest.mark.django_db


def test_past_income_and_gains_come_from_the_ledger_without_what_was_reversed(
    people: Any, account: Any, assets: Any
) -> None:
    now = timezone.now()

    def at(days: int) -> datetime:
        return now - timedelta(days=days)

    buy = Entry("buy", at(700), "USD", "AAA", D(10), D(20))
    sell = Entry("sell", at(50), "USD", "AAA", D(4), D(25))
    paid = [Entry("dividend", at(days), "USD", "AAA", amount=D(6)) for days in (600, 90)]
    wrong = Entry("dividend", at(80), "USD", "AAA", amount=D(100))
    *_, made = record(
        account=account, entries=[buy, sell, *paid, wrong], user=people.owner, now=now
    )
    reverse(original=made, user=people.owner, now=now)
    found = holding_lines(user=people.owner, account_id=None, now=now, with_past=True)
    (row,) = found.lines
    assert row.past == Past(D("6.00"), D("12.00"), realized=D("20.00"), realized_cost=D("80.00"))
    # 6 at 50 less 120, realized 20, income 12, on 200.
    assert (row.total_gain, row.total_return) == (D("212.00"), D("106.0000"))


def test_a_stranger_sees_no_line_and_no_account(people: Any, account: Any, assets: Any) -> None:
    now = timezone.now()
    entry = Entry("buy", now - timedelta(days=3), "USD", "AAA", D(1), D(20))
    record(account=account, entries=[entry], user=people.owner, now=now)
    assert holding_lines(user=people.stranger, account_id=None, now=now, with_past=True).lines == ()
    with pytest.raises(NotFound):
        holding_lines(user=people.stranger, account_id=account.public_id, now=now, with_past=True)
    assert (
        len(holding_lines(user=people.adviser, account_id=None, now=now, with_past=True).lines) == 1
    )


def test_the_number_of_queries_depends_on_neither_accounts_nor_holdings(
    people: Any, account: Any, assets: Any
) -> None:
    now = timezone.now()

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            holding_lines(user=people.owner, account_id=None, now=now, with_past=True)
        return len(found)

    entry = Entry("buy", now - timedelta(days=3), "USD", "AAA", D(1), D(20))
    record(account=account, entries=[entry], user=people.owner, now=now)
    queries()
    one = queries()
    for name in ("Two", "Three"):
        other = open_account(
            user=people.owner, name=name, type="taxable", currency="USD", lot_method="fifo", now=now
        )
        entries = [
            Entry("buy", now - timedelta(days=2), currency, symbol, D(1), D(9))
            for symbol, currency in (("AAA", "USD"), ("BBB", "USD"), ("EEE", "EUR"))
        ]
        record(account=other, entries=entries, user=people.owner, now=now)
    queries()
    assert queries() == one


def test_chosen_columns_are_kept_for_the_person_alone(people: Any) -> None:
    assert chosen_columns(user=people.owner) == DEFAULT_COLUMNS
    choose_columns(user=people.owner, names=["drift", "value"])
    assert chosen_columns(user=people.owner) == ("value", "drift")
    assert chosen_columns(user=people.spouse) == DEFAULT_COLUMNS
    with pytest.raises(InvalidInput) as refused:
        choose_columns(user=people.owner, names=["value", "colour"])
    assert refused.value.code == "column_unknown"
    assert HoldingsColumns.objects.get(user=people.owner).names == ["value", "drift"]


def test_the_api_filters_and_sorts_the_securities_of_the_household(
    people: Any, account: Any, assets: Any, client_of: Any
) -> None:
    now = timezone.now()
    entries = [
        Entry("buy", now - timedelta(days=3), "USD", "AAA", D(1), D(60)),
        Entry("buy", now - timedelta(days=3), "USD", "BBB", D(10), D(10)),
        Entry("buy", now - timedelta(days=3), "EUR", "EEE", D(2), D(9)),
    ]
    record(account=account, entries=entries, user=people.owner, now=now)
    client = client_of(people.owner)

    def symbols(query: str) -> list[str]:
        body = client.get(f"/api/v1/households/me/holdings?{query}").json()
        assert body["total"] == len(body["data"])
        return [row["symbol"] for row in body["data"]]

    assert symbols("") == ["AAA", "BBB", "EEE"]
    assert symbols("sort=-market_value") == ["BBB", "AAA", "EEE"]
    assert symbols("sort=unrealized_gain") == ["AAA", "EEE", "BBB"]
    assert symbols("losses_only=true") == ["AAA"]
    assert symbols("currency=eur&q=inc") == ["EEE"]
    assert symbols("asset_class=bond") == []
    assert symbols(f"account_id={account.public_id}&q=b") == ["BBB"]
    assert symbols("account_id=01937a3e-7c00-7a10-8000-0000000000a1") == []
    refused = client.get("/api/v1/households/me/holdings?sort=colour")
    assert refused.status_code == 400
