"""The home: each part alone, the ranks of what there is to do, and constant numbers of queries."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard.presenters.todo import Card, ranked
from transactions.models import Account

pytestmark = pytest.mark.django_db
PARTS = ("value", "to-do", "allocation", "income", "movers")
HTMX = {"HX-Request": "true"}


def part(client: Client, name: str, query: str = "") -> str:
    answer = client.get(f"/home/{name}{query}", headers=HTMX)
    assert answer.status_code == 200, name
    body = answer.content.decode()
    assert "<html" not in body
    return body


def test_cards_are_ranked_by_urgency_then_day_then_amount() -> None:
    def card(kind: str, title: str, **more: Any) -> Card:
        return Card(kind, title, "", "", "", **more)

    cards = [
        card("do_not_buy", "late", until=date(2026, 3, 1)),
        card("out_of_band", "small", amount=Decimal(5)),
        card("do_not_buy", "early", until=date(2026, 2, 1)),
        card("out_of_band", "large", amount=Decimal(50)),
        card("unpriced", "first"),
    ]
    titles = [one.title for one in ranked(cards)]
    assert titles == ["first", "large", "small", "early", "late"]
    with pytest.raises(AssertionError):
        card("gossip", "no rank")


def test_the_home_shows_the_total_and_has_room_for_each_part(
    page_client: Callable[[Any], Client], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    body = page_client(owner).get("/").content.decode()
    # 120 AAA at 50, 100 BBB at 20, and 10000 - 2400 - 1800 - 2500 in cash.
    assert '<span data-base="total">$11,300.00</span>' in body
    for name in PARTS:
        assert f'hx-get="/home/{name}"' in body
        assert f'<a href="/home/{name}">' in body, "reachable without JavaScript"


@pytest.mark.parametrize("name", PARTS)
def test_each_part_is_a_fragment_and_a_page(
    page_client: Callable[[Any], Client],
    owner: Any,
    invest: Account,
    quote: Callable[..., None],
    name: str,
) -> None:
    quote(AAA="50", BBB="20")
    client = page_client(owner)
    fragment = part(client, name)
    page = client.get(f"/home/{name}").content.decode()
    assert page.count("<h1>") == 1
    heading = re.search(r"<h2[^>]*>[^<]+</h2>", fragment)
    assert heading is not None
    assert heading[0] in page


def test_the_value_keeps_its_range_and_says_what_was_earned(
    page_client: Callable[[Any], Client],
    owner: Any,
    invest: Account,
    quote: Callable[..., None],
    history: Callable[..., None],
) -> None:
    quote(AAA="50", BBB="20")
    client = page_client(owner)
    assert 'aria-current="true">YTD' in part(client, "value")
    everything = part(client, "value", "?range=all")
    assert 'aria-current="true">All' in everything
    assert 'aria-current="true">All' in part(client, "value"), "the choice is remembered"
    assert "+$1,300.00" in everything, "11,300 is worth more than the 10,000 paid in"
    assert "+$10,000.00 paid in" in everything
    assert 'aria-current="true">All' in part(client, "value", "?range=nonsense")
    assert "data-chart=" in everything


def test_a_transaction_changes_the_kept_series_at_once(
    page_client: Callable[[Any], Client], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    from transactions.ledger.entries import Entry
    from transactions.operations import record

    quote(AAA="50", BBB="20")
    client = page_client(owner)
    assert "+$10,000.00 paid in" in part(client, "value", "?range=all")
    entry = Entry("deposit", timezone.now() - timedelta(days=3), "USD", amount=Decimal(500))
    record(account=invest, entries=[entry], user=owner, now=timezone.now())
    assert "+$10,500.00 paid in" in part(client, "value", "?range=all")


def test_what_there_is_to_do_names_reason_amount_and_one_button(
    page_client: Callable[[Any], Client], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    body = part(page_client(owner), "to-do")
    assert "Harbour: 3 outside their bands" in body
    assert "22.3% out of place" in body
    assert "$2,520.00" in body
    assert f'action="/accounts/{invest.public_id}/rebalance"' in body


def test_approved_trades_are_asked_for_until_one_is_recorded(
    page_client: Callable[[Any], Client], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    from recommendations.models import Recommendation
    from transactions.ledger.entries import Entry
    from transactions.operations import record

    quote(AAA="50", BBB="20")
    now = timezone.now()
    row = Recommendation.objects.create(
        account=invest,
        kind="rebalance",
        status="approved",
        engine_version="1",
        inputs="{}",
        result="{}",
        created_at=now - timedelta(hours=2),
        decided_at=now - timedelta(hours=1),
        decided_by=owner,
    )
    words = "Approved trades of Harbour are not recorded"
    client = page_client(owner)
    body = part(client, "to-do")
    assert words in body
    assert f"/recommendations/{row.public_id}/orders" in body
    at = now - timedelta(minutes=5)
    entries = [Entry("buy", at, "USD", "BBB", Decimal(1), Decimal(20))]
    record(account=invest, entries=entries, user=owner, now=now)
    assert words not in part(client, "to-do")


def test_negative_cash_comes_before_bands(
    page_client: Callable[[Any], Client], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    from transactions.ledger.entries import Entry
    from transactions.operations import record

    quote(AAA="50", BBB="20")
    entry = Entry("withdrawal", timezone.now() - timedelta(days=1), "USD", amount=Decimal(4000))
    record(account=invest, entries=[entry], user=owner, now=timezone.now())
    body = part(page_client(owner), "to-do")
    titles = re.findall(r"<h3>([^<]+)</h3>", body)
    assert titles[0] == "Harbour has negative cash"
    assert f'href="/accounts/{invest.public_id}/transactions#record"' in body


def test_sold_losses_and_young_lots_have_dates(
    page_client: Callable[[Any], Client], owner: Any, sold: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    body = part(page_client(owner), "to-do")
    assert "Do not buy BBB" in body


def test_with_nothing_to_do_the_next_date_is_named(
    page_client: Callable[[Any], Client], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    from portfolios.models import Target

    quote(AAA="50", BBB="26")
    Target.objects.filter(account=invest).delete()
    body = part(page_client(owner), "to-do")
    assert "Nothing needs you" in body
    bought = (timezone.now() - timedelta(days=90)).date()
    assert "a lot of AAA turns long-term on" in body
    assert str(bought.year + 1) in body


def test_the_allocation_divides_by_class_currency_and_account(
    page_client: Callable[[Any], Client], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    client = page_client(owner)
    by_class = part(client, "allocation")
    # Targets: 50 % AAA, 40 % BBB and 10 % cash.
    assert "29.2%" in by_class
    assert "10.0%" in by_class
    assert "$11,300.00" in part(client, "allocation", "?by=currency")
    assert "Harbour" in part(client, "allocation", "?by=account")
    assert part(client, "allocation", "?by=weather").count('aria-current="true">Class') == 1


def test_a_part_that_cannot_be_computed_says_so_alone(
    page_client: Callable[[Any], Client],
    owner: Any,
    invest: Account,
    quote: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from core.errors import Unavailable
    from dashboard.pages import home

    def refuse(**_: Any) -> Any:
        raise Unavailable("The rates are being loaded.", code="rates_loading")

    quote(AAA="50", BBB="20")
    monkeypatch.setattr(home, "recent_household_performance", refuse)
    client = page_client(owner)
    answer = client.get("/home/value", headers=HTMX)
    assert answer.status_code == 422
    body = answer.content.decode()
    assert "Value over time could not be shown. The rates are being loaded." in body
    assert 'hx-get="/home/value"' in body
    assert client.get("/").status_code == 200
    assert "Harbour" in part(client, "to-do")


def test_the_curve_of_an_adviser_says_whose_it_is(
    page_client: Callable[[Any], Client], people: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    words = "without the accounts of others"
    assert words in part(page_client(people.adviser), "value")
    assert words not in part(page_client(people.owner), "value")


def test_a_stranger_sees_nothing_of_the_household(
    page_client: Callable[[Any], Client], people: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    client = page_client(people.stranger)
    for address in ("/", *(f"/home/{name}" for name in PARTS)):
        body = client.get(address).content.decode()
        assert "Harbour" not in body
        assert "11,300" not in body


@pytest.mark.parametrize("address", ["/", *(f"/home/{name}" for name in PARTS)])
def test_queries_stay_the_same_with_sixty_accounts(
    page_client: Callable[[Any], Client],
    owner: Any,
    invest: Account,
    quote: Callable[..., None],
    address: str,
) -> None:
    from portfolios.operations import TargetWeight, set_targets
    from transactions.ledger.entries import Entry
    from transactions.operations import open_account, record

    quote(AAA="50", BBB="20")
    client = page_client(owner)

    def more(number: int) -> None:
        now = timezone.now()
        account = open_account(
            user=owner, name=f"Further {number}", type="taxable", currency="USD", now=now
        )
        at = now - timedelta(days=40)
        entries = [
            Entry("deposit", at, "USD", amount=Decimal(1000)),
            Entry("buy", at, "USD", "AAA", Decimal(2), Decimal(48)),
        ]
        record(account=account, entries=entries, user=owner, now=now)
        set_targets(account=account, weights=[TargetWeight("AAA", Decimal(100), Decimal(2))])

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address, headers=HTMX).status_code == 200
        return len(captured)

    more(1)
    queries()
    before = queries()
    for number in range(58):
        more(number + 2)
    queries()
    assert queries() <= before
