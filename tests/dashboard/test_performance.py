"""The performance pages: what they say, what they refuse, and to whom."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dashboard.presenters import performance as view
from portfolios.performance.answer import Answer, Columns, Year

pytestmark = pytest.mark.django_db

MINUS = "\N{MINUS SIGN}"
D = Decimal
PageClient = Callable[[Any], Client]


@pytest.fixture
def closes(assets: Any) -> Iterator[None]:
    """Three years of daily closes of AAA, BBB and EEE, and fixings of the dollar."""
    from marketdata.models import DailyPrice, ExchangeRate

    today = datetime.now(UTC).date()
    days = [today - timedelta(days=age) for age in range(1000, -1, -1)]
    for symbol, base in (("AAA", 30), ("BBB", 25), ("EEE", 9)):
        DailyPrice.objects.bulk_create(
            DailyPrice(asset=assets[symbol], date=day, close=D(base) + D(n % 97) / 20)
            for n, day in enumerate(days)
            if day.weekday() < 5
        )
    ExchangeRate.objects.bulk_create(
        [
            ExchangeRate(currency="USD", date=day, rate=D("1.2") + D(n % 31) / 500, source="test")
            for n, day in enumerate(days[:-1])
            if day.weekday() < 5
        ],
        ignore_conflicts=True,
    )
    yield
    DailyPrice.objects.all().delete()  # its table is not managed, so no test empties it


@pytest.fixture
def page(invest: Any, page_client: PageClient, people: Any) -> Callable[..., str]:
    def page(user: Any = None, status: int = 200, **query: str) -> str:
        answer = page_client(user or people.owner).get(
            reverse("performance", args=[invest.public_id]), query
        )
        assert answer.status_code == status, answer.content.decode()
        return answer.content.decode()

    return page


def cells(body: str, caption: str) -> list[list[list[str]]]:
    """The words of a table's cells, by rows."""
    table = re.search(rf"<table[^>]*>\s*<caption[^>]*>{caption}.*?</table>", body, re.DOTALL)
    assert table, caption
    rows = re.findall(r"<tr.*?</tr>", table[0], re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", " ", cell).split() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in rows
    ]


def amount(words: list[str]) -> Decimal:
    return D(words[-1].replace(MINUS, "-").replace("$", "").replace(",", "").rstrip("%"))


def test_the_terms_sum_to_the_value_at_the_end_and_the_parts_to_the_whole(
    closes: None, page: Callable[..., str]
) -> None:
    body = page(range="1y")
    *terms, (_, last) = cells(body, "The starting value")[1:]
    total = sum(
        (-amount(value) if label[0] == MINUS else amount(value) for label, value in terms), D(0)
    )
    assert total == amount(last)
    *parts, whole = cells(body, "Gain of each holding")[1:]
    assert [" ".join(row[0][:1]) for row in parts] == ["AAA", "BBB", "Cash"]
    for column in (1, 2, 3, 4, 5):
        assert sum(amount(row[column]) for row in parts) == amount(whole[column])
    assert abs(sum(amount(row[6]) for row in parts) - amount(whole[6])) <= D("0.02")


def test_the_page_says_what_the_api_says(
    closes: None, page: Callable[..., str], invest: Any, people: Any, client_of: Any
) -> None:
    body = page(range="custom", **{"from": "2026-01-01", "benchmark": "bbb"})
    answer = client_of(people.owner).get(
        f"/api/v1/portfolios/{invest.public_id}/performance?from=2026-01-01&benchmark=BBB"
    )
    told = answer.json()
    for name in ("time_weighted_return", "benchmark_return", "excess_return"):
        share = D(told[name]) * 100
        words = f"{MINUS if share < 0 else '+'}{abs(share):.2f}%"
        assert words in body, name
    chart = json.loads(unescape(re.search(r'data-chart="([^"]*)"', body)[1]))  # type: ignore[index]
    assert chart["days"] == [row["date"] for row in told["series"]]
    assert chart["values"] == [float(row["value"]) for row in told["series"]]
    assert chart["benchmark_name"] == "BBB"
    assert len(chart["benchmark"]) == len(chart["days"])


def test_what_cannot_be_computed_says_why(page: Callable[..., str]) -> None:
    body = page(range="1m")
    assert "Above one year only" in body or "year" in body
    assert re.search(r"<dd>–</dd><dd class=\"why\">[^<]{10,}</dd>", body)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"from": "2999-01-01"}, 400, "is in the future"),
        ({"from": "2026-05-02", "to": "2026-05-01"}, 400, "after to"),
        ({"from": "yesterday"}, 400, "Enter a valid date"),
        ({"benchmark": "ZZZ"}, 404, "ZZZ is not known"),
        ({"range": "5y"}, 400, "Select a valid choice"),
        ({"symbol": "ZZZ"}, 404, "never held"),
    ],
)
def test_what_is_asked_wrongly_is_said(
    page: Callable[..., str], query: dict[str, str], status: int, words: str
) -> None:
    assert words in page(status=status, **query)


def test_one_holding_can_be_looked_at_alone(closes: None, page: Callable[..., str]) -> None:
    body = page(range="1y", symbol="aaa")
    assert "AAA only" in body
    assert [row[0][0] for row in cells(body, "Gain of each holding")[1:]] == ["AAA", "Total"]


def test_a_household_is_seen_by_its_members_and_advisers_only(
    closes: None, invest: Any, people: Any, page_client: PageClient
) -> None:
    address = reverse("household_performance")
    named = {"account": str(invest.public_id)}
    for user in (people.owner, people.spouse):
        assert "Month by month" in page_client(user).get(address).content.decode()
    assert (
        "All accounts of Home" in page_client(people.adviser).get(address, named).content.decode()
    )
    assert page_client(people.stranger).get(address, named).status_code == 404
    assert page_client(people.stranger).get(address, {"account": "x"}).status_code == 400
    alone = page_client(people.stranger).get(address)
    assert alone.status_code == 200
    assert b"AAA" not in alone.content


@pytest.mark.parametrize(
    ("name", "today", "first"),
    [
        ("1m", date(2026, 3, 31), date(2026, 3, 1)),
        ("1m", date(2026, 1, 15), date(2025, 12, 16)),
        ("ytd", date(2026, 3, 31), date(2026, 1, 1)),
        ("1y", date(2024, 2, 29), date(2023, 3, 1)),
        ("3y", date(2026, 11, 24), date(2023, 11, 25)),
        ("all", date(2026, 11, 24), None),
        ("custom", date(2026, 11, 24), None),
    ],
)
def test_a_range_ends_today_and_begins_after_the_same_day_before(
    name: str, today: date, first: date | None
) -> None:
    assert view.begin(name, today) == first


def answered(**fields: Any) -> Answer:
    """An answer without figures, but for the fields given."""
    day = date(2026, 1, 1)
    nothing = Columns(1, (), (), (), (), None)
    empty: dict[str, Any] = {
        "currency": "USD", "from_date": day, "to_date": day, "measured_from": day, "days": 0,
        "figures": {"initial_value": None}, "reasons": {}, "drawdown": None,
        "risk_free_series": None, "benchmark": None, "reconciliation": None, "years": (),
        "contributions": (), "series": nothing, "warnings": (),
    }  # fmt: skip
    return Answer(**(empty | fields))


def test_months_are_shaded_by_size_and_sign() -> None:
    texts = ["0.005", "-0.005", "0.01", "-0.039", "0.04", "-0.5", "0"]
    months = (*(D(text) for text in texts), *[None] * 5)
    [row] = view.months(answered(years=(Year(2026, months, D("0.1")),)))
    shades = [month.shade for month in row["months"]]  # type: ignore[attr-defined]
    assert shades[:8] == ["up-1", "down-1", "up-2", "down-2", "up-3", "down-3", "zero", "none"]


def test_a_long_series_is_thinned_and_keeps_its_last_day() -> None:
    days = tuple(date(2010, 1, 1) + timedelta(days=number) for number in range(4000))
    ones = (1.0,) * len(days)
    series = Columns(1, days, ones, (0.0,) * len(days), (1.5,) * len(days), None)
    drawn: Any = view.chart(answered(series=series))
    assert len(drawn["days"]) <= view.POINTS_MAX
    assert drawn["days"][-1] == days[-1].isoformat()
    assert drawn["growth"][0] == 50.0


def test_the_page_asks_as_often_for_one_account_as_for_many(
    closes: None,
    people: Any,
    invest: Any,
    page_client: PageClient,
    django_assert_max_num_queries: Any,
) -> None:
    from transactions.operations import open_account

    now = timezone.now()
    for number in range(10):
        open_account(user=people.owner, name=f"A{number}", type="ira", currency="EUR", now=now)
    client = page_client(people.owner)
    with django_assert_max_num_queries(14):
        assert client.get(reverse("household_performance")).status_code == 200
