"""The demo as a newcomer finds it: real prices with their origin, people, and something to do."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal as D
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F
from django.test import override_settings
from django.utils import timezone

from demo.people import ACCOUNTS, PEOPLE
from identity.models import AdviserLink, User
from marketdata.calendars import last_session_over
from marketdata.models import Asset, DailyPrice, ExchangeRate, HeldBackPrice, LatestPrice, Source
from marketdata.queries import default_partition_holds_rows
from portfolios.models import Target
from stores.redis import redis_client
from transactions.models import Account, Disposal, Holding, Lot, Transaction
from transactions.operations.verification import verified


@pytest.fixture(scope="module")
def _demo(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Loaded once for the module, taken back at its end."""
    with django_db_blocker.unblock(), override_settings(DEMO=True):
        keys = list(redis_client().scan_iter("fixing:*"))
        if keys:
            redis_client().delete(*keys)
        with transaction.atomic():
            said = StringIO()
            call_command("load_demo", stdout=said)
            yield said.getvalue()
            transaction.set_rollback(True)


NAMES = ("demo", "partner")
pytestmark = [pytest.mark.usefixtures("_demo")]


def test_every_series_ends_at_the_last_session_on_its_own_weekdays() -> None:
    now = timezone.now()
    for asset in Asset.objects.exclude(shifted_days=0):
        assert asset.shifted_days % 7 == 0
        last = DailyPrice.objects.filter(asset_id=asset.pk).order_by("-date").first()
        assert last is not None
        ends_on = last_session_over(exchange=asset.exchange, now=now)
        assert last.date == ends_on, asset.symbol
        assert (last.date - timedelta(days=asset.shifted_days)).weekday() == ends_on.weekday()
        first_held = HeldBackPrice.objects.filter(asset_id=asset.pk).order_by("date").first()
        assert first_held is not None
        assert first_held.date > last.date
        assert HeldBackPrice.objects.filter(asset_id=asset.pk).count() >= 260


def test_series_of_one_source_stay_simultaneous() -> None:
    moved = Asset.objects.exclude(shifted_days=0).values_list("source__name", "shifted_days")
    assert Counter(name for name, _ in set(moved)) == {
        "skfolio": 1,
        "zipline-treasury-curve": 1,
        "fastquant-pse": 1,
    }


def test_prices_are_the_real_ones_of_the_original_days() -> None:
    apple = Asset.objects.get(symbol="AAPL")
    moved = timedelta(days=apple.shifted_days)
    real = {date(2019, 1, 3): "34.21", date(2020, 2, 19): "79.218", date(2020, 3, 23): "54.923"}
    for day, close in real.items():
        assert DailyPrice.objects.get(asset_id=apple.pk, date=day + moved).close == D(close)
    assert apple.original_last_date == date(2022, 12, 28)
    assert apple.isin == "US0378331005"


def test_every_source_names_its_package_version_and_licence() -> None:
    found = {row.name: row for row in Source.objects.all()}
    assert {name: row.licence for name, row in found.items()} == {
        "treasury-bill-3-months": "Apache-2.0",
        "ecb": "MIT",
        "skfolio": "BSD-3-Clause",
        "zipline-treasury-curve": "Apache-2.0",
        "fastquant-pse": "MIT",
    }
    assert all(row.version and row.loaded_at and row.quality for row in found.values())
    assert "Computed prices" in found["zipline-treasury-curve"].description
    assert all(
        "Historical sample" in row.description for name, row in found.items() if name != "ecb"
    )
    assert Counter(Asset.objects.values_list("asset_class", flat=True)) == {
        "equity": 35,
        "etf": 6,
        "bond": 3,
        "fund": 1,
        "cash": 2,
    }


def test_the_only_dividend_is_the_one_that_the_company_disclosed() -> None:
    """The closes of American shares contain their dividends, so these are not paid once more."""
    row = Transaction.objects.get(type="dividend")
    assert row.asset is not None
    assert row.asset.symbol == "JFC.PS"
    moved = timedelta(days=row.asset.shifted_days)
    assert row.trade_date - moved == date(2020, 5, 22)
    announced = row.asset.announced_dividends.get()
    assert (announced.ex_date - moved, announced.amount) == (date(2020, 4, 22), D("0.62"))
    bought = Transaction.objects.filter(
        account=row.account, asset=row.asset, type="buy", trade_date__lt=announced.ex_date
    )
    assert row.amount == sum((one.quantity or 0 for one in bought), D(0)) * D("0.62")


def test_rates_are_the_bank_s_own_on_their_real_days() -> None:
    assert ExchangeRate.objects.count() > 200_000
    assert ExchangeRate.objects.get(currency="USD", date=date(1999, 1, 4)).rate == D("1.1789")


def test_no_price_lies_in_the_default_partition_or_lacks_a_latest() -> None:
    assert not default_partition_holds_rows()
    assert LatestPrice.objects.count() == Asset.objects.count()
    assert not LatestPrice.objects.filter(as_of__gt=timezone.now()).exists()


def test_people_can_log_in_and_see_what_is_theirs() -> None:
    for person in PEOPLE:
        user = User.objects.get(email=person.email)
        assert user.check_password(person.password)
        assert (user.role, user.is_superuser) == (
            person.role,
            person.email == "admin@ballast.example",
        )
    demo, partner = (User.objects.get(email=f"{name}@ballast.example") for name in NAMES)
    assert demo.household == partner.household
    assert AdviserLink.objects.get().household == demo.household
    assert Account.objects.for_user(demo).count() == len(ACCOUNTS)


def test_trades_were_made_at_the_real_closes_of_their_days() -> None:
    trades = Transaction.objects.filter(type__in=["buy", "sell"]).values_list(
        "asset_id", "executed_at", "price"
    )
    assert len(trades) > 250
    closes = {
        (row.asset_id, row.date): row.close
        for row in DailyPrice.objects.filter(asset_id__in={asset_id for asset_id, _, _ in trades})
    }
    for asset_id, executed_at, price in trades:
        assert price == closes[asset_id, executed_at.date()]
    assert not Account.objects.filter(cash__lt=0).exists()


def test_the_brokerage_account_has_something_to_decide() -> None:
    account = Account.objects.get(name="Brokerage")
    assert Holding.objects.filter(account=account).count() >= 15
    sold: Any = Disposal.objects.filter(account=account)
    gains = [row.proceeds - row.cost_basis for row in sold]
    assert min(gains) < -1000
    assert max(gains) > 1000
    targets = Target.objects.filter(account=account)
    assert sum(targets.values_list("target_percentage", flat=True)) == 100
    under_water = Lot.objects.filter(
        account=account,
        quantity__gt=0,
        cost_basis__gt=F("quantity") * F("asset__latest_price__price"),
    )
    assert under_water.exists()


def test_the_ledger_rebuilds_to_the_same_figures() -> None:
    assert [found for batch in verified() for found in batch.differences] == []


def test_a_second_load_changes_nothing() -> None:
    def state() -> tuple[int, ...]:
        models = (Asset, DailyPrice, HeldBackPrice, ExchangeRate, User, Account, Transaction)
        return tuple(model.objects.count() for model in models)

    before = state()
    said = StringIO()
    call_command("load_demo", stdout=said)
    assert state() == before
    assert "loaded" not in said.getvalue()


def test_outside_demo_mode_it_is_refused() -> None:
    with override_settings(DEMO=False), pytest.raises(CommandError, match="DEMO=1"):
        call_command("load_demo")
