"""Wash windows say what the ledger would do: compared with recording, household by household."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from marketdata.models import Asset
from tests.transactions.model.against_the_database import Told
from tests.transactions.model.random_households import household
from tests.transactions.test_ledger_orders import told_of
from transactions.ledger.entries import ChosenLot, Entry
from transactions.ledger.open_wash_windows import WashWindows
from transactions.ledger.units import Scale
from transactions.models import Account, Disposal, WashSale
from transactions.operations import record
from transactions.queries import open_pieces, wash_windows

pytestmark = pytest.mark.django_db
# A few random households end in years to come.
PAST = datetime(2026, 1, 1, tzinfo=UTC)
SEEDS = [seed for seed in range(15) if max(row.at for row in household(seed, rows=16)[1]) < PAST]
PARTS = 3
# Many of anything: whatever waits for a replacement finds it.
MANY = Decimal(10**7)


@contextmanager
def tried() -> Iterator[None]:
    """What is recorded here is undone."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def recorded(seed: int, people: Any) -> tuple[Told, datetime]:
    """A random household, recorded as far as it can be, and a moment after its last transaction."""
    house, rows, _ = household(seed, rows=16)
    told = told_of(house, people)
    for row in sorted(rows, key=lambda row: (row.moment, row.id)):
        told.recorded_rows([replace(row, chosen=(), method="fifo") if row.chosen else row])
    rng = random.Random(seed)
    end = max(row.at for row in rows)
    # And a loss of the last days, which may or may not wait for a replacement, and two purchases of
    # another asset, which may be substantially identical.
    symbol, other = rng.sample("AB", 2)
    account = told.accounts[rng.choice(sorted(told.accounts))]
    first, later = end + timedelta(hours=1), end + timedelta(days=40)
    for entry in (
        Entry("buy", first, "USD", symbol, Decimal(10), amount=Decimal(4000)),
        Entry("buy", first, "USD", other, Decimal(3), amount=Decimal(300)),
        Entry("buy", later, "USD", other, Decimal(2), amount=Decimal(100)),
        Entry("sell", later, "USD", symbol, Decimal(6), amount=Decimal(60), lot_method="lifo"),
    ):
        record(account=account, entries=[entry], user=told.user, now=timezone.now())
    return told, later + timedelta(days=rng.choice([0, 1, 7, 20, 30, 30, 31]), hours=1)


def windows_at(told: Told, moment: datetime) -> WashWindows:
    household_id = next(iter(told.accounts.values())).household_id
    return wash_windows(household_ids=[household_id], as_of=moment.date())[household_id]


def washes_a_loss(told: Told, account: Account, symbol: str, moment: datetime) -> bool:
    """Whether buying the asset disallows a loss, by recording it."""
    entry = Entry("buy", moment, "USD", symbol, MANY, amount=Decimal("100.00"))
    with tried():
        (row,) = record(account=account, entries=[entry], user=told.user, now=timezone.now())
        return WashSale.objects.filter(replacement=row, disallowed__gt=0).exists()


@pytest.mark.parametrize("part", range(PARTS))
def test_windows_say_exactly_what_recording_does(people: Any, part: int) -> None:
    met: Counter[str] = Counter()
    for seed in SEEDS[part::PARTS]:
        with tried():
            told, moment = recorded(seed, people)
            windows = windows_at(told, moment)
            _blocked_exactly_when_recording_washes(seed, told, windows, moment, met)
            _washable_exactly_as_far_as_recording_washes(seed, told, windows, moment, met)
    assert min(met["blocked"], met["free"], met["washable"], met["clean"]) > 0, met


def _blocked_exactly_when_recording_washes(
    seed: int, told: Told, windows: WashWindows, moment: datetime, met: Counter[str]
) -> None:
    """Some purchases of the household: every account and every asset comes up among the seeds."""
    rng = random.Random(seed)
    assets = {asset.symbol: asset for asset in Asset.objects.all()}
    for symbol in "AABBCNS":
        account, asset = rng.choice(list(told.accounts.values())), assets[symbol]
        until = windows.blocked_until(account=account.pk, asset=asset.pk)
        blocked = until is not None
        met["blocked" if blocked else "free"] += 1
        assert washes_a_loss(told, account, asset.symbol, moment) == blocked, (seed, account, asset)
        if until is not None:
            last = datetime.combine(until, moment.timetz())
            assert last >= moment
            assert washes_a_loss(told, account, asset.symbol, last)
            assert windows.of(asset.pk).clean_date == until + timedelta(days=1)
            assert not washes_a_loss(told, account, asset.symbol, last + timedelta(days=1))


def _washable_exactly_as_far_as_recording_washes(
    seed: int, told: Told, windows: WashWindows, moment: datetime, met: Counter[str]
) -> None:
    """Each of some pieces, sold alone and for next to nothing."""
    accounts = {account.pk: account for account in told.accounts.values()}
    held = [row for row in open_pieces(accounts=accounts) if row.cost_basis > Decimal("0.01")]
    for row in random.Random(seed).sample(held, min(len(held), 5)):
        account, asset = accounts[row.piece.place[0]], Asset.objects.get(pk=row.piece.place[1])
        named = ChosenLot(row.lot_id, row.quantity, row.number)
        entry = Entry(
            "sell", moment, "USD", asset.symbol, row.quantity, amount=Decimal("0.01"), lots=(named,)
        )
        with tried():
            (sale,) = record(account=account, entries=[entry], user=told.user, now=timezone.now())
            (sold,) = Disposal.objects.filter(transaction=sale)
            assert sold.holding_period_date == row.piece.held_since
            assert sold.cost_basis == row.cost_basis
            matched = sold.matched_quantity
        found = Scale().quantity(windows.washable(row.piece))
        met["washable" if found else "clean"] += 1
        # Thirds of a share are stored to ten decimals.
        assert abs(found - matched) < Decimal("1e-8"), (seed, account, asset, row)


def test_many_households_cost_as_many_queries_as_one(people: Any) -> None:
    recorded(3, people)
    ids = [people.owner.household_id, people.stranger.household_id, people.operator.household_id]
    counts = []
    for asked in (ids[:1], ids):
        with CaptureQueriesContext(connection) as found:
            wash_windows(household_ids=asked, as_of=timezone.now().date())
        counts.append(len(found))
    assert counts[0] == counts[1] <= 7
