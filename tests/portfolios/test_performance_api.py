"""Performance over HTTP: what owner, spouse, adviser and stranger get, refusals, queries asked."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketdata.models import Asset, DailyPrice, PriceAdjustment, Yield
from transactions.ledger.entries import Entry
from transactions.operations import open_account, record, reverse

MONDAY = date(2024, 1, 1)


def at(day: int) -> datetime:
    return datetime(2024, 1, day, 15, tzinfo=UTC)


def closes(asset: Asset, prices: str, first: date = MONDAY) -> None:
    """One close a weekday, from `first` on."""
    days = [first + timedelta(days=number) for number in range(400)]
    weekdays = (day for day in days if day.weekday() < 5)
    DailyPrice.objects.bulk_create(
        [
            DailyPrice(asset=asset, date=day, close=D(price))
            for day, price in zip(weekdays, prices.split(), strict=False)
        ]
    )


@pytest.fixture
def booked(people: Any, assets: Any, account: Any) -> Any:
    """A deposit of 1000, ten shares at 50 with a fee of 1, half of them sold at 55."""
    closes(assets["AAA"], "50 51 52 51 55 56 54")
    record(
        account=account,
        entries=[
            Entry("deposit", at(1), "USD", amount=D(1000)),
            Entry("buy", at(1), "USD", "AAA", quantity=D(10), price=D(50), fee=D(1)),
            Entry("dividend", at(3), "USD", "AAA", amount=D(5)),
            Entry("sell", at(5), "USD", "AAA", quantity=D(5), price=D(55)),
        ],
        user=people.owner,
        now=timezone.now(),
    )
    return account


def url(account: Any) -> str:
    return f"/api/v1/portfolios/{account.public_id}/performance"


def test_an_account_over_a_fortnight(booked: Any, people: Any, client_of: Any) -> None:
    answer = client_of(people.owner).get(url(booked), {"to": "2024-01-09"})
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["from"], body["to"], body["currency"]) == ("2024-01-01", "2024-01-09", "USD")
    assert body["final_value"] == "1049.00"  # 499 + 5 + 275 in cash, five at 54
    assert body["reconciliation"] == {
        "initial_value": "0.00",
        "gains": "45.00",
        "income": "5.00",
        "net_transfers": "1000.00",
        "fees": "1.00",
        "taxes": "0.00",
        "currency_effect": "0.00",
        "final_value": "1049.00",
    }
    assert D(body["time_weighted_return"]) == D("0.049")
    assert [row["symbol"] for row in body["contributions"]] == ["AAA", None]
    assert [len(body[name]) for name in ("series", "months")] == [9, 1]
    assert body["months"][0]["months"][0] == "0.049"
    assert body["reasons"]["sharpe_ratio"]["code"] == "risk_free_absent"
    assert body["volatility"] is not None
    assert body["benchmark"] is None
    assert "benchmark_return" not in body["reasons"]


def test_a_range_begins_at_the_close_before_it(
    booked: Any, people: Any, client_of: Any, assets: Any
) -> None:
    client = client_of(people.owner)
    closes(assets["BBB"], "10 10 11 11 11 12")
    query = {"from": "2024-01-04", "to": "2024-01-08", "benchmark": "BBB"}
    body = client.get(url(booked), query).json()
    assert (body["initial_value"], body["measured_from"]) == ("1024.00", "2024-01-03")
    assert body["benchmark_return"] == str(round(D(12) / D(11) - 1, 10))
    assert D(body["excess_return"]) == pytest.approx(
        D(body["time_weighted_return"]) - D(body["benchmark_return"]), abs=D("2e-10")
    )


def test_one_holding_of_the_account(booked: Any, people: Any, client_of: Any) -> None:
    client = client_of(people.owner)
    body = client.get(url(booked), {"symbol": "AAA", "to": "2024-01-09"}).json()
    assert body["final_value"] == "270.00"
    assert [row["symbol"] for row in body["contributions"]] == ["AAA"]
    assert body["reconciliation"]["net_transfers"] == "221.00"  # 501 in, 5 and 275 out
    refused = client.get(url(booked), {"symbol": "BBB"})
    assert (refused.status_code, refused.json()["code"]) == (404, "holding_unknown")


def test_the_risk_free_series_is_named(booked: Any, people: Any, client_of: Any) -> None:
    Yield.objects.create(
        series="US Treasury par yield, 3 months", currency="USD", date=MONDAY, rate=D("0.05")
    )
    body = client_of(people.owner).get(url(booked), {"to": "2024-01-09"}).json()
    assert body["risk_free_series"] == "US Treasury par yield, 3 months"
    assert body["sharpe_ratio"] is not None


def test_a_publisher_s_split_adjusted_closes_meet_the_units_of_their_day(
    people: Any, assets: Any, account: Any, client_of: Any
) -> None:
    """Bought ten at 300, three for one on the third day, prices from a series divided by three."""
    asset = assets["AAA"]
    asset.price_adjustment = PriceAdjustment.SPLITS
    asset.save()
    closes(asset, "100 101 102 103")
    record(
        account=account,
        entries=[
            Entry("deposit", at(1), "USD", amount=D(3000)),
            Entry("buy", at(1), "USD", "AAA", quantity=D(10), price=D(300)),
            Entry("split", at(3), "USD", "AAA", quantity=D(3)),
        ],
        user=people.owner,
        now=timezone.now(),
    )
    for until, expected in (("2024-01-02", "3030.00"), ("2024-01-04", "3090.00")):
        body = client_of(people.owner).get(url(account), {"to": until}).json()
        assert body["final_value"] == expected
        assert body["reconciliation"]["final_value"] == expected


def test_what_was_undone_leaves_no_trace(booked: Any, people: Any, client_of: Any) -> None:
    client = client_of(people.owner)
    before = client.get(url(booked), {"to": "2024-01-09"}).json()
    (row,) = record(
        account=booked,
        entries=[Entry("deposit", at(2), "USD", amount=D(9999))],
        user=people.owner,
        now=timezone.now(),
    )
    assert client.get(url(booked), {"to": "2024-01-09"}).json() != before
    reverse(original=row, user=people.owner, now=timezone.now())
    assert client.get(url(booked), {"to": "2024-01-09"}).json() == before


def test_a_household_in_its_members_base_currency(
    booked: Any, people: Any, client_of: Any, assets: Any
) -> None:
    """The dollars of one account and the euros of another, at 1.25 dollars a euro."""
    now = timezone.now()
    euros = open_account(user=people.spouse, name="Euro", type="taxable", currency="EUR", now=now)
    record(
        account=euros,
        entries=[Entry("deposit", at(2), "EUR", amount=D(400))],
        user=people.spouse,
        now=now,
    )
    household = "/api/v1/portfolios/performance"
    body = client_of(people.spouse).get(household, {"to": "2024-01-09"}).json()
    assert (body["account_id"], body["currency"]) == (None, "USD")
    assert body["final_value"] == "1549.00"
    assert body["reconciliation"]["net_transfers"] == "1500.00"
    people.spouse.base_currency = "EUR"
    people.spouse.save()
    body = client_of(people.spouse).get(household, {"to": "2024-01-09"}).json()
    assert (body["currency"], body["final_value"]) == ("EUR", "1239.20")
    # An adviser's own household has no accounts; he names one of his client's.
    adviser = client_of(people.adviser)
    assert adviser.get(household).json()["reasons"]["time_weighted_return"]["code"] == "no_value"
    query = {"to": "2024-01-09", "account_id": str(booked.public_id)}
    assert adviser.get(household, query).json()["final_value"] == "1549.00"
    refused = client_of(people.stranger).get(household, query)
    assert (refused.status_code, refused.json()["code"]) == (404, "account_not_found")


def test_adviser_and_spouse_see_it_and_a_stranger_finds_nothing(
    booked: Any, people: Any, client_of: Any, client: Any
) -> None:
    seen = [
        client_of(person).get(url(booked), {"to": "2024-01-09"}).json()
        for person in (people.owner, people.spouse, people.adviser)
    ]
    assert seen[0] == seen[1] == seen[2]
    refused = client_of(people.stranger).get(url(booked))
    assert (refused.status_code, refused.json()["code"]) == (404, "account_not_found")
    assert client.get(url(booked)).status_code == 401


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"from": "2024-01-09", "to": "2024-01-08"}, 400, "range_reversed"),
        ({"to": "2999-01-01"}, 400, "date_in_future"),
        ({"from": "2999-01-01"}, 400, "date_in_future"),
        ({"from": "1900-01-01"}, 400, "date_too_early"),
        ({"from": "yesterday"}, 400, "invalid"),
        ({"benchmark": "NOPE"}, 404, "symbol_unknown"),
        ({"symbol": "NOPE"}, 404, "holding_unknown"),
        ({"benchmark": "'; --"}, 400, "invalid"),
    ],
)
def test_bad_questions_are_refused_with_a_code(
    query: dict[str, str], status: int, code: str, booked: Any, people: Any, client_of: Any
) -> None:
    answer = client_of(people.owner).get(url(booked), query)
    assert answer.status_code == status, answer.content
    assert code == "invalid" or answer.json()["code"] == code


def test_an_account_without_transactions_has_reasons(
    account: Any, people: Any, client_of: Any
) -> None:
    body = client_of(people.owner).get(url(account)).json()
    assert body["time_weighted_return"] is None
    assert body["reasons"]["money_weighted_return_annualized"]["code"] == "no_flows"
    assert body["final_value"] == "0.00"


def test_the_longest_period_is_bounded(
    booked: Any, people: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = client_of(people.owner).get(url(booked), {"from": "1950-01-01"}).json()
    assert len(body["series"]) < 10_000
    monkeypatch.setattr("portfolios.queries.performance_inputs.PERFORMANCE_VALUES_MAX", 1000)
    refused = client_of(people.owner).get(url(booked), {"from": "1990-01-01"})
    assert (refused.status_code, refused.json()["code"]) == (400, "range_too_long")


def test_the_number_of_queries_does_not_grow(
    people: Any, account: Any, client_of: Any, assets: Any
) -> None:
    def fill(symbols: int, trades: int) -> int:
        made = [f"S{symbols}X{number}" for number in range(symbols)]
        Asset.objects.bulk_create(
            [Asset(symbol=one, name=one, asset_class="equity", currency="EUR") for one in made]
        )
        for asset in Asset.objects.filter(symbol__in=made):
            closes(asset, "10 11 12 13")
        record(
            account=account,
            entries=[
                Entry("deposit", at(1), "USD", amount=D(10**6)),
                *(
                    Entry("buy", at(2), "EUR", one, quantity=D(1), price=D(10))
                    for one in made
                    for _ in range(trades)
                ),
            ],
            user=people.owner,
            now=timezone.now(),
        )
        client = client_of(people.owner)
        client.get(url(account))
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(url(account), {"benchmark": "AAA"})
        assert answer.status_code == 200, answer.content
        return len(captured)

    assert fill(1, 1) == fill(40, 5) <= 8


def test_huge_prices_are_exact(people: Any, account: Any, assets: Any, client_of: Any) -> None:
    """Closes that eight bytes of 10^-8 cannot hold."""
    closes(assets["AAA"], "123456789012.5 50 50")
    record(
        account=account,
        entries=[
            Entry("deposit", at(1), "USD", amount=D("123456789012.50")),
            Entry("buy", at(1), "USD", "AAA", quantity=D(1), price=D("123456789012.5")),
        ],
        user=people.owner,
        now=timezone.now(),
    )
    body = client_of(people.owner).get(url(account), {"to": "2024-01-01"}).json()
    assert body["final_value"] == "123456789012.50"


def test_the_same_question_again_is_answered_from_the_cache_until_something_changes(
    booked: Any, people: Any, client_of: Any, assets: Any
) -> None:
    client, period = client_of(people.owner), {"to": "2024-01-09"}

    def asked() -> tuple[str, int]:
        with CaptureQueriesContext(connection) as captured:
            body = client.get(url(booked), period).json()
        return body["final_value"], len(captured)

    value, cold = asked()
    again, warm = asked()
    assert (value, again) == ("1049.00", "1049.00")
    assert warm < cold
    assert warm <= 3  # the account, its assets, the versions of their series
    # A close that is corrected, by whatever statement.
    DailyPrice.objects.filter(asset=assets["AAA"], date=date(2024, 1, 9)).update(close=D(60))
    assert asked()[0] == "1079.00"
    # A close that is taken back: the one before stands.
    DailyPrice.objects.filter(asset=assets["AAA"], date=date(2024, 1, 9)).delete()
    assert asked()[0] == "1059.00"
    # A transaction.
    record(
        account=booked,
        entries=[Entry("deposit", at(8), "USD", amount=D(100))],
        user=people.owner,
        now=timezone.now(),
    )
    assert asked()[0] == "1159.00"


def test_a_yield_or_a_rate_that_arrives_later_is_used(
    booked: Any, people: Any, client_of: Any
) -> None:
    client, period = client_of(people.owner), {"to": "2024-01-09"}
    assert client.get(url(booked), period).json()["sharpe_ratio"] is None
    for name in ("another series", "US Treasury par yield, 3 months"):
        Yield.objects.create(series=name, currency="USD", date=MONDAY, rate=D("0.05"))
    body = client.get(url(booked), period).json()
    assert body["risk_free_series"] == "US Treasury par yield, 3 months"
    assert body["sharpe_ratio"] is not None


def test_a_period_that_ends_today_ends_at_the_value_of_the_portfolio(
    booked: Any, people: Any, client_of: Any
) -> None:
    client = client_of(people.owner)
    summary = client.get(f"/api/v1/portfolios/{booked.public_id}/summary").json()
    body = client.get(url(booked)).json()
    assert body["final_value"] == summary["total_value"] == "1029.00"  # five at 50, not at 54
    assert body["series"][-1]["value"] == "1029.00"
