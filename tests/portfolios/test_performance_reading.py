"""Facts and closes read in packed columns, against the rows of the tables."""

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal as D
from fractions import Fraction
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import DailyPrice
from marketdata.queries.series import price_series
from portfolios.queries.ledger_facts import facts
from stores.columns import whole_numbers, words
from tests.portfolios.performance.ledgers import Fact, at, columns, instant_of
from transactions.ledger.kinds import KINDS
from transactions.models import Account, Transaction
from transactions.operations import open_account

MONDAY = date(2024, 1, 1)
LARGEST = {"quantity": D(10) ** 12, "price": D(10) ** 12, "fx_rate": D(10) ** 9}


def test_whole_numbers_of_any_size_are_read_to_the_last_digit() -> None:
    assert whole_numbers("1.10 -0.05 0.00").tolist() == [110, -5, 0]
    largest = [2**63 - 1, -(2**63), 10**40, -7]
    assert whole_numbers(" ".join(map(str, largest))).tolist() == largest
    assert (whole_numbers(None).tolist(), words(None)) == ([], [])


def _instant(row: Transaction) -> int:
    """The instant, or the nearest one within the trade date."""
    first = instant_of(datetime.combine(row.trade_date, time(), UTC))
    last = instant_of(datetime.combine(row.trade_date, time.max, UTC))
    return min(max(instant_of(row.executed_at), first), last)


def _facts_of(rows: list[Transaction]) -> list[Fact]:
    gone = {row.reverses_id for row in rows if row.reverses_id} | {
        row.pk for row in rows if row.reverses_id
    }
    return [
        Fact(
            id=row.pk,
            account=row.account_id,
            type=row.type,
            instant=_instant(row),
            asset=row.asset_id,
            amount=row.amount,
            cash_effect=row.cash_effect,
            currency=row.currency,
            quantity=row.quantity,
            price=row.price,
            fee=row.fee,
            fx_rate=row.fx_rate,
            new_asset=row.new_asset_id,
            ratio=Fraction(row.ratio_new) / Fraction(row.ratio_old or 1) if row.ratio_new else None,
            counterpart=row.counterpart_id,
        )
        for row in rows
        if row.pk not in gone
    ]


@pytest.fixture
def ledger(people: Any, account: Account, assets: Any) -> list[Account]:
    """Rows of every kind in two accounts with the largest and smallest figures; some reversed."""
    now, draw = timezone.now(), random.Random(7)
    euros = open_account(user=people.owner, name="E", type="taxable", currency="EUR", now=now)
    leaving: list[Transaction] = []
    for number in range(120):
        executed_at = at(draw.randint(1, 20)) + timedelta(microseconds=draw.randint(0, 10**6))
        # At the place of the trade it may be the day before or after.
        trade_date = executed_at.date() + timedelta(days=draw.choice([-1, 0, 0, 1]))
        kind = KINDS[draw.choice(list(KINDS))]
        figures = {
            name: draw.choice([D(1), D("0.01"), large]) if name in kind.takes else None
            for name, large in LARGEST.items()
            if name != "fx_rate"
        }
        if kind.name in {"buy", "sell"}:
            figures = {name: value or D(1) for name, value in figures.items()}
        row = Transaction.objects.create(
            account=draw.choice([account, euros]),
            type=kind.name,
            asset=draw.choice(list(assets.values())) if kind.needs_symbol else None,
            amount=draw.choice([D("0.0001"), D("99.5"), D(10) ** 15]),
            cash_effect=draw.choice([D("-0.01"), D(0), -(D(10) ** 15), D("3.1234")]),
            fee=draw.choice([D(0), D("1.25")]),
            fx_rate=draw.choice([D(1), D("0.000011800000000000000001"), LARGEST["fx_rate"]]),
            currency=draw.choice(["USD", "EUR", "VND"]),
            executed_at=executed_at,
            trade_date=trade_date,
            recorded_at=now,
            recorded_by=people.owner,
            new_asset=assets["BBB"] if "new_symbol" in kind.takes else None,
            ratio_new=D(3) if "ratio" in kind.takes else None,
            ratio_old=D(7) if "ratio" in kind.takes else None,
            counterpart=leaving.pop() if kind.name == "transfer_in" and leaving else None,
            **figures,
        )
        if kind.name == "transfer_out":
            leaving.append(row)
        elif number % 9 == 0:
            Transaction.objects.create(
                account=row.account,
                type=row.type,
                asset=row.asset,
                amount=row.amount,
                cash_effect=-row.cash_effect,
                currency=row.currency,
                quantity=row.quantity,
                price=row.price,
                new_asset=row.new_asset,
                ratio_new=row.ratio_new,
                ratio_old=row.ratio_old,
                executed_at=row.executed_at,
                trade_date=row.trade_date,
                recorded_at=now,
                recorded_by=people.owner,
                reverses=row,
            )
    return [account, euros]


def test_facts_in_columns_are_the_rows_of_the_ledger(ledger: list[Account]) -> None:
    for accounts in (ledger, ledger[:1]):
        ids = [account.pk for account in accounts]
        rows = list(Transaction.objects.filter(account_id__in=ids).order_by("id"))
        found, wanted = facts(account_ids=ids), columns(_facts_of(rows))
        assert len(found) == len(wanted) > 30
        order = found.ids.argsort()
        for name in ("ids", "accounts", "kinds", "instants", "assets", "amounts", "cash_effects"):
            assert getattr(found, name)[order].tolist() == getattr(wanted, name).tolist()
        for name in ("fees", "quantities", "prices", "fx_rates"):
            assert getattr(found, name)[order].tolist() == getattr(wanted, name).tolist()
        currencies = [found.names[place] for place in found.currencies[order]]
        assert currencies == [wanted.names[place] for place in wanted.currencies]
        assert found.events == wanted.events
        assert found.counterparts == wanted.counterparts


def test_an_account_without_facts_has_empty_columns(account: Account) -> None:
    assert len(facts(account_ids=[account.pk])) == 0


@pytest.mark.parametrize(
    ("since", "until"), [(0, 0), (0, 1), (0, 400), (1, 6), (3, 3), (5, 400), (20, 20), (20, 400)]
)
def test_closes_in_columns_are_the_rows_of_their_days(assets: Any, since: int, until: int) -> None:
    """Days of two years, with gaps; a price that eight bytes cannot hold; an asset without any."""
    offsets = (1, 2, 5, 6, 9, 366)
    for asset, price in ((assets["AAA"], D("0.00000001")), (assets["BBB"], D("123456789012.5"))):
        DailyPrice.objects.bulk_create(
            DailyPrice(asset=asset, date=MONDAY + timedelta(days=day), close=price + day)
            for day in reversed(offsets)
        )
    found = price_series(
        asset_ids=[asset.pk for asset in assets.values()],
        since=MONDAY + timedelta(days=since),
        until=MONDAY + timedelta(days=until),
        household_id=0,
    ).closes
    first = max((day for day in offsets if day <= since), default=since)
    wanted = [day for day in offsets if first <= day <= until]
    assert set(found) == ({assets["AAA"].pk, assets["BBB"].pk} if wanted else set())
    for asset, one in ((asset, found[asset.pk]) for asset in assets.values() if asset.pk in found):
        price = D("0.00000001") if asset == assets["AAA"] else D("123456789012.5")
        assert one.days.tolist() == [MONDAY.toordinal() + day for day in wanted]
        assert one.prices.tolist() == [int((price + day) * 10**8) for day in wanted]
        assert one.newest == MONDAY.toordinal() + 366
