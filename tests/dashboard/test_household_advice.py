"""What the home keeps of harvests and dates: equal to a fresh computation, new at each change."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dashboard import household_advice, queries
from dashboard.household_advice import Advice, BindingDate, Harvest, advice, marks
from dashboard.todo import to_do
from identity.models import User
from marketdata.models import Asset
from portfolios.models import Restriction, TaxCarryforward
from recommendations.harvesting.calendar import LONG_TERM, PURCHASE_BLOCKED
from recommendations.models import Recommendation
from recommendations.queries.harvest_calendar import binding_dates, harvest_calendar
from stores.database import snapshot
from transactions.ledger.entries import Entry
from transactions.models import Account, WashSalePolicy
from transactions.operations import record

pytestmark = pytest.mark.django_db


def kept(account: Account) -> Advice:
    household = account.household
    return household_advice.household_advice(household=household, now=timezone.now())


def test_it_is_computed_once_and_equals_a_fresh_computation(
    sold: Account, quote: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    quote(AAA="20", BBB="20")
    fresh = advice(household=sold.household, now=timezone.now())
    assert any(row.kind == PURCHASE_BLOCKED for row in fresh.dates)
    assert any(row.kind == LONG_TERM for row in fresh.dates)
    first = kept(sold)
    assert first == fresh

    def again(**_: Any) -> Advice:
        raise AssertionError("computed again though nothing changed")

    monkeypatch.setattr(household_advice, "advice", again)
    assert kept(sold) == first


def test_what_is_kept_survives_its_encoding(monkeypatch: pytest.MonkeyPatch, sold: Account) -> None:
    told = Advice(
        [Harvest("id", "Harbour", "USD", "AAA, BBB", Decimal("123.45"))],
        [BindingDate("AAA", "id", LONG_TERM, date(2026, 3, 1), date(2026, 3, 1))],
        "Too many lots.",
    )
    monkeypatch.setattr(household_advice, "advice", lambda **_: told)
    assert kept(sold) == told
    monkeypatch.setattr(household_advice, "advice", lambda **_: None)
    assert kept(sold) == told


def test_the_dates_are_those_of_the_calendar(sold: Account) -> None:
    now, first = timezone.now(), timezone.now().date()
    last, household = first + timedelta(days=366), sold.household
    with snapshot():
        every = harvest_calendar(household=household, first=first, last=last, now=now)
        found = binding_dates(household=household, first=first, last=last, now=now)
    assert found == [row for row in every if row.kind in (LONG_TERM, PURCHASE_BLOCKED)]
    assert found


def _trade(account: Account, owner: Any, aaa: Asset) -> None:
    entry = Entry("deposit", timezone.now() - timedelta(days=3), "USD", amount=Decimal(5))
    record(account=account, entries=[entry], user=owner, now=timezone.now())


def _rename(account: Account, owner: Any, aaa: Asset) -> None:
    Account.objects.filter(pk=account.pk).update(name="Haven")


def _tax(account: Account, owner: Any, aaa: Asset) -> None:
    User.objects.filter(pk=account.owner_id).update(state_rate=Decimal("0.05"))


def _restrict(account: Account, owner: Any, aaa: Asset) -> None:
    Restriction.objects.create(account=account, asset=aaa, kind="no_sell")


def _policy(account: Account, owner: Any, aaa: Asset) -> None:
    WashSalePolicy.objects.create(
        household=account.household, enabled=False, changed_at=timezone.now()
    )


def _carry(account: Account, owner: Any, aaa: Asset) -> None:
    TaxCarryforward.objects.create(
        owner=account.owner, year=2026, short_term=Decimal(10), long_term=Decimal(0)
    )


def _identical(account: Account, owner: Any, aaa: Asset) -> None:
    other = Asset.objects.exclude(pk=aaa.pk).filter(household=None).order_by("id")[0]
    Asset.objects.filter(pk=aaa.pk).update(substantially_identical_to=other)


def _recommend(account: Account, owner: Any, aaa: Asset) -> None:
    Recommendation.objects.create(
        account=account,
        kind="harvest",
        status="proposed",
        engine_version="1",
        inputs="{}",
        result="{}",
        created_at=timezone.now(),
    )


@pytest.mark.parametrize(
    "change",
    [_trade, _rename, _tax, _restrict, _policy, _carry, _identical, _recommend],
    ids=lambda change: change.__name__.strip("_"),
)
def test_each_change_is_seen_at_once(
    sold: Account, owner: Any, assets: Any, change: Callable[..., None]
) -> None:
    before = marks(household=sold.household, now=timezone.now())
    assert marks(household=sold.household, now=timezone.now()) == before
    change(sold, owner, assets["AAA"])
    assert marks(household=sold.household, now=timezone.now()) != before


def test_a_log_in_and_another_household_change_nothing(
    sold: Account, people: Any, owner: Any
) -> None:
    before = marks(household=sold.household, now=timezone.now())
    User.objects.filter(pk=sold.owner_id).update(last_login=timezone.now())
    User.objects.filter(pk=people.stranger.pk).update(state_rate=Decimal("0.05"))
    assert marks(household=sold.household, now=timezone.now()) == before
    theirs = marks(household=people.stranger.household, now=timezone.now())
    assert theirs != before


def test_the_list_of_things_to_do_takes_few_queries_once_it_is_kept(
    sold: Account, owner: Any, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    now = timezone.now()
    found = queries.overview(user=owner, now=now)
    first = to_do(user=owner, found=found, now=now)
    with CaptureQueriesContext(connection) as captured:
        assert to_do(user=owner, found=found, now=now) == first
    assert len(captured) == 5, [query["sql"][:80] for query in captured]


def test_without_redis_it_is_computed(
    sold: Account, quote: Callable[..., None], settings: Any
) -> None:
    quote(AAA="20", BBB="20")
    expected = advice(household=sold.household, now=timezone.now())
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert kept(sold).dates == expected.dates
