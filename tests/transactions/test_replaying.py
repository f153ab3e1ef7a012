"""A backdated change that is replayed gives the rows that booking from the start gives.

    REPLAYED_HOUSEHOLDS=400 pytest tests/transactions/test_replaying.py

tries a night's worth; the suite tries a few. `verified` books every household from its first
transaction and compares every stored row, so any difference between the two ways shows.
"""

import logging
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.errors import BallastError
from tests.effort import size
from transactions.ledger.entries import ChosenLot, Entry
from transactions.models import Account, AccountType, Lot, Transaction, WashSalePolicy
from transactions.operations import open_account, record, reverse
from transactions.operations.books import replaying
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db
HOUSEHOLDS = size("REPLAYED_HOUSEHOLDS", usual=2, proof=3)
FIRST = size("FIRST_HOUSEHOLD", usual=0, proof=0)
START = datetime(2023, 1, 2, 15, tzinfo=UTC)
CHANGES = 8
# The lot methods of each household's sales.
METHODS = (
    ["fifo"],
    ["hifo", "min_tax"],
    ["fifo", "lifo", "hifo", "specific", "min_tax"],
)
REPLAYING = "transactions.operations.books.replaying"


def differences() -> list[Any]:
    return [found for batch in verified() for found in batch.differences]


class History:
    """A household of random trades, its later changes, and which way each was booked."""

    def __init__(self, seed: int, people: Any, accounts: list[Account]) -> None:
        self.rng = random.Random(seed)
        self.user = people.owner
        self.accounts = accounts
        self.methods = METHODS[(seed + seed // 3) % len(METHODS)]
        self.days = self.rng.choice([120, 700])
        self.counts: Counter[str] = Counter()

    def entry(self, account: Account) -> Entry:
        rng = self.rng
        at = START + timedelta(days=rng.randrange(self.days), hours=rng.choice([0, 0, 3]))
        symbol = rng.choice(["AAA", "AAA", "AAA", "BBB"])
        quantity = D(rng.choice([1, 2, 3, 5, 10])) / rng.choice([1, 1, 4])
        price = D(rng.randint(500, 1500)) / 100
        kind = rng.choice(["buy", "buy", "buy", "reinvestment", "sell", "sell"])
        if kind == "sell":
            return self.sale(account, Entry(kind, at, "USD", symbol, quantity, price))
        order = rng.choice(["", "", "", "one", "two"])
        return Entry(kind, at, "USD", symbol, quantity, price, order_id=order)

    def sale(self, account: Account, entry: Entry) -> Entry:
        method = self.rng.choice(self.methods)
        lots: tuple[ChosenLot, ...] = ()
        if method == "specific":
            held = Lot.objects.filter(
                account=account,
                asset__symbol=entry.symbol,
                opened_at__lt=entry.executed_at,
                quantity__gte=entry.quantity,
            ).order_by("id")
            names = list(held.values_list("transaction__public_id", flat=True))
            if not names:
                return self.sale(account, entry)
            lots = (ChosenLot(self.rng.choice(names), entry.quantity or D(0)),)
        chosen = None if lots else method
        return Entry(
            "sell", entry.executed_at, "USD", entry.symbol, entry.quantity, entry.price,
            lot_method=chosen, lots=lots,
        )  # fmt: skip

    def begin(self) -> None:
        """Record what happened, oldest first; what was not held is left out."""
        for account in self.accounts:
            entries = sorted((self.entry(account) for _ in range(22)), key=lambda e: e.executed_at)
            for entry in entries:
                self.tried(lambda: record_one(account, entry, self.user))  # noqa: B023

    def change(self) -> None:
        """Insert one to three backdated trades, or reverse a trade."""
        if self.rng.random() < 0.35:
            standing = Transaction.objects.filter(reverses=None, reversed_by=None).order_by("id")
            row = self.rng.choice(list(standing))
            self.tried(lambda: reverse(original=row, user=self.user, now=timezone.now()))
            return
        account = self.rng.choice(self.accounts)
        entries = [self.entry(account) for _ in range(self.rng.choice([1, 1, 1, 3]))]
        self.tried(
            lambda: record(account=account, entries=entries, user=self.user, now=timezone.now())
        )

    def tried(self, write: Any) -> None:
        try:
            with transaction.atomic():
                write()
        except BallastError:
            self.counts["refused"] += 1
        else:
            self.counts["recorded"] += 1


def record_one(account: Account, entry: Entry, user: Any) -> None:
    record(account=account, entries=[entry], user=user, now=timezone.now())


@pytest.mark.parametrize("distance", [0, replaying.EVENTS_TO_THE_END])
def test_replaying_agrees_with_booking_from_the_start(
    distance: int,
    people: Any,
    assets: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """`distance` 0: every change seeks the earliest end there is."""
    monkeypatch.setattr(replaying, "EVENTS_TO_THE_END", distance)
    counts: Counter[str] = Counter()
    caplog.set_level(logging.DEBUG, logger=REPLAYING)
    for seed in range(FIRST, FIRST + HOUSEHOLDS):
        with transaction.atomic():
            if seed % 2:
                assets["BBB"].substantially_identical_to = assets["AAA"]
                assets["BBB"].save()
            WashSalePolicy.objects.create(
                household=people.owner.household,
                earlier_acquired_count=seed % 3 != 1,
                holding_period="carry_date" if seed % 4 == 3 else "add_days",
                changed_at=timezone.now(),
            )
            kinds = [AccountType.TAXABLE, AccountType.TAXABLE, AccountType.IRA][: 1 + seed % 3]
            accounts = [
                open_account(
                    user=people.owner, name=f"{n}", type=kind, currency="USD", now=timezone.now()
                )
                for n, kind in enumerate(kinds)
            ]
            history = History(seed, people, accounts)
            history.begin()
            assert differences() == [], seed
            for number in range(CHANGES):
                history.change()
                assert differences() == [], (seed, number)
            counts += history.counts
            transaction.set_rollback(True)
    told = [record.getMessage() for record in caplog.records if record.name == REPLAYING]
    replays = sum("replayed household" in message for message in told)
    early = sum("replayed household" in m and "the end" not in m for m in told)
    unclear = sum("from the start" in message for message in told)
    assert replays > counts["recorded"] / 4
    assert early > HOUSEHOLDS or distance
    assert unclear < replays / 10, Counter(m.split(": ")[-1] for m in told if "from the" in m)


def trade(kind: str, day: int, quantity: str, price: str, **rest: Any) -> Entry:
    return Entry(kind, START + timedelta(days=day), "USD", "AAA", D(quantity), D(price), **rest)


def test_a_backdated_trade_does_not_read_what_it_cannot_change(
    account: Account, people: Any, assets: Any
) -> None:
    """As many queries and rows for a long history as for a short one."""
    entries = [trade("buy", day, "3", "10") for day in range(0, 700, 2)]
    entries += [trade("sell", day, "0.5", "9") for day in range(1, 700, 20)]
    record(account=account, entries=entries, user=people.owner, now=timezone.now())
    lots = set(Lot.objects.values_list("pk", "quantity", "cost_basis"))
    with CaptureQueriesContext(connection) as queries:
        record_one(account, trade("buy", 350, "3", "11"), people.owner)
    assert len(queries) <= 26
    assert len(set(Lot.objects.values_list("pk", "quantity", "cost_basis")) - lots) <= 4
    assert differences() == []


def test_pieces_of_one_lot_with_one_holding_period_date_are_replayed(
    account: Account, people: Any, assets: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The lot of day 70 replaces two losses after 50 days each, and is then sold in part."""
    caplog.set_level(logging.DEBUG, logger=REPLAYING)
    for entry in (
        trade("buy", 0, "2", "20"),
        trade("buy", 10, "3", "30"),
        trade("sell", 50, "2", "15"),
        trade("sell", 60, "3", "15"),
        trade("buy", 70, "10", "15"),
        trade("sell", 80, "1", "14"),
        trade("sell", 81, "3", "14"),
    ):
        record_one(account, entry, people.owner)
    assert Lot.objects.filter(quantity__gt=0, replaces_loss=True).count() == 1
    record_one(account, trade("buy", 75, "1", "16"), people.owner)
    told = [record.getMessage() for record in caplog.records if record.name == REPLAYING]
    assert len(told) == 1
    assert "replayed household" in told[0]
    assert differences() == []


def test_what_would_take_a_request_too_long_is_refused_and_nothing_is_written(
    account: Account, people: Any, assets: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [trade("buy", day, "3", "10") for day in range(12)]
    entries += [trade("sell", 20, "3", "9", lot_method="average")]
    record(account=account, entries=entries, user=people.owner, now=timezone.now())
    defaults = {**(record.__kwdefaults__ or {}), "events_max": 10}
    monkeypatch.setattr(record, "__kwdefaults__", defaults)
    before = set(Transaction.objects.values_list("pk", flat=True))
    lots = set(Lot.objects.values_list("pk", "quantity", "cost_basis"))
    body = {
        "account_id": str(account.public_id),
        "type": "buy",
        "symbol": "AAA",
        "quantity": "1",
        "price": "10",
        "executed_at": (START + timedelta(days=3, hours=1)).isoformat(),
    }
    answer = client_of(people.owner).post("/api/v1/transactions", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "rebooking_too_long")
    assert set(Transaction.objects.values_list("pk", flat=True)) == before
    assert set(Lot.objects.values_list("pk", "quantity", "cost_basis")) == lots
    now = timezone.now()
    record(account=account, entries=entries[:1], user=people.owner, now=now, events_max=None)
    assert differences() == []
