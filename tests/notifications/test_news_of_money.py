"""News of money: dividends not recorded, losses worth a look, and the statement of a month."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from jobs.models import Outbox
from marketdata.models import AnnouncedDividend, LatestPrice
from notifications import operations
from notifications.models import Delivery, Notice
from notifications.operations.news_of_money import (
    announce_dividends,
    announce_losses,
    announce_statements,
)
from portfolios.models import SkippedDividend
from transactions.ledger.entries import Entry
from transactions.operations import open_account, record, reverse

pytestmark = pytest.mark.django_db


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T15:00").replace(tzinfo=UTC)


def book(account: Any, *entries: Entry) -> list[Any]:
    return list(
        record(account=account, entries=list(entries), user=account.owner, now=timezone.now())
    )


def buy(day: str, quantity: str, price: str, symbol: str = "AAA") -> Entry:
    return Entry("buy", at(day), "USD", symbol, Decimal(quantity), Decimal(price))


def titles(topic: str) -> list[str]:
    operations.relay(now=timezone.now())
    rows = Notice.objects.filter(topic=topic, user__email__startswith="owner")
    return list(rows.order_by("id").values_list("title", flat=True))


@time_machine.travel("2026-03-10T09:00:00Z", tick=False)
@pytest.mark.parametrize("case", ["due", "recorded", "reversed", "skipped", "bought_later", "sold"])
def test_a_dividend_that_is_not_recorded_some_days_after_its_payment_is_told(
    people: Any, account: Any, assets: Any, case: str
) -> None:
    AnnouncedDividend.objects.create(
        asset=assets["AAA"],
        ex_date=date(2026, 2, 20),
        payment_date=date(2026, 3, 6),
        provider="test",
        amount=Decimal("0.5"),
        currency="USD",
    )
    book(account, buy("2026-02-20" if case == "bought_later" else "2026-02-19", "10", "20"))
    if case in ("recorded", "reversed"):
        paid = Entry("dividend", at("2026-03-06"), "USD", "AAA", amount=Decimal(5))
        (row,) = book(account, paid)
        if case == "reversed":
            reverse(original=row, user=people.owner, now=timezone.now())
    elif case == "skipped":
        SkippedDividend.objects.create(
            account=account,
            asset=assets["AAA"],
            ex_date=date(2026, 2, 20),
            skipped_by=people.owner,
            skipped_at=timezone.now(),
        )
    elif case == "sold":
        book(account, Entry("sell", at("2026-02-24"), "USD", "AAA", Decimal(10), Decimal(20)))
    told = case in ("due", "reversed")
    assert announce_dividends(now=timezone.now()) == int(told)
    assert announce_dividends(now=timezone.now()) == 0
    assert titles("dividend_due") == (["1 dividend in Main is not recorded: AAA."] if told else [])
    if told:
        assert Outbox.objects.get(topic="dividend_due").payload["page"] == "dividends_due"
        assert Delivery.objects.filter(topic="dividend_due", channel="email").exists()


def test_losses_are_told_once_a_month_in_taxable_accounts_with_fresh_prices(
    people: Any, account: Any, assets: Any
) -> None:
    ira = open_account(
        user=people.owner, name="IRA", type="ira", currency="USD", now=timezone.now()
    )
    old = timezone.now() - timedelta(days=200)
    for one in (account, ira):
        book(one, Entry("buy", old, "USD", "AAA", Decimal(10), Decimal(120)))
    LatestPrice.objects.filter(asset=assets["AAA"]).update(price=80, as_of=timezone.now())
    start = timezone.now().replace(day=3)
    with time_machine.travel(start, tick=False):
        LatestPrice.objects.update(as_of=timezone.now())
        assert announce_losses(now=timezone.now()) == 0  # 400 are too few
        LatestPrice.objects.filter(asset=assets["AAA"]).update(price=60)
    for days, count in ((1, 1), (2, 1)):
        with time_machine.travel(start + timedelta(days=days), tick=False):
            LatestPrice.objects.update(as_of=timezone.now())
            assert announce_losses(now=timezone.now()) == count
    assert Outbox.objects.filter(topic="harvest_opportunity").count() == 1
    assert titles("harvest_opportunity") == [
        "Lots in Main have lost 600.00 USD. See what harvesting them is worth."
    ]
    with time_machine.travel(start + timedelta(days=9), tick=False):
        assert announce_losses(now=timezone.now()) == 0, "the prices are old by then"


def test_the_statement_of_a_month_has_its_figures_and_comes_once(
    people: Any, account: Any, assets: Any
) -> None:
    with time_machine.travel("2026-01-05T12:00:00Z", tick=False):
        type(account).objects.update(created_at=timezone.now())
        open_account(
            user=people.owner, name="Empty", type="ira", currency="USD", now=timezone.now()
        )
    book(
        account,
        Entry("deposit", at("2026-02-02"), "USD", amount=Decimal(1000)),
        buy("2026-02-03", "10", "20"),
        Entry("withdrawal", at("2026-02-10"), "USD", amount=Decimal(100)),
        Entry("dividend", at("2026-02-27"), "USD", "AAA", amount=Decimal("4.50")),
        Entry("dividend", at("2026-03-01"), "USD", "AAA", amount=Decimal("9.00")),
    )
    (wrong,) = book(account, Entry("deposit", at("2026-02-28"), "USD", amount=Decimal(7)))
    reverse(original=wrong, user=people.owner, now=timezone.now())
    with time_machine.travel("2026-03-01T00:10:00Z", tick=False):
        assert announce_statements(now=timezone.now()) == 1
        assert announce_statements(now=timezone.now()) == 0
    with time_machine.travel("2026-03-14T00:10:00Z", tick=False):
        assert announce_statements(now=timezone.now()) == 0
    assert titles("statement") == [
        "Main in February 2026: 4 transactions, 900.00 USD paid in, 4.50 USD of income in cash."
    ]
