"""Random households recorded in random order, and by several hands at once: one ledger."""

import random
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from marketdata.models import Asset
from tests.transactions.model.against_the_database import Told
from tests.transactions.model.invariants import breaches
from tests.transactions.model.random_households import EVEN, KINDS, START, household
from tests.transactions.model.words import Household, Row
from transactions.models import Lot, WashSale, WashSalePolicy
from transactions.operations import open_account
from transactions.operations.verification import verified

SYMBOLS = ("A", "B", "C", "N", "S")


def differences() -> list[Any]:
    return [found for batch in verified() for found in batch.differences]


def told_of(house: Household, people: Any) -> Told:
    """The household in the database, with nothing recorded yet."""
    for symbol in SYMBOLS:
        Asset.objects.create(
            symbol=symbol,
            name=symbol,
            asset_class="crypto" if symbol in house.crypto else "equity",
            currency="USD",
        )
    if house.identical:
        same = Asset.objects.get(symbol="A")
        Asset.objects.filter(symbol="B").update(substantially_identical_to=same)
    WashSalePolicy.objects.update_or_create(
        household=people.owner.household,
        defaults={
            "enabled": house.wash_sales,
            "earlier_acquired_count": house.earlier_acquired_count,
            "holding_period": "carry_date" if house.carry_date else "add_days",
            "employer_plan_counts": house.employer_plan_counts,
            "crypto_exempt": house.crypto_exempt,
            "changed_at": timezone.now(),
        },
    )
    accounts = {
        name: open_account(
            user=people.spouse if "spouse" in name else people.owner,
            name=name,
            type=kind,
            currency="USD",
            now=timezone.now(),
        )
        for name, kind in house.accounts.items()
    }
    return Told(house, accounts, people.owner)


# Households of a dozen rows with chains, splits, transfers, a new symbol and a spin-off among them.
EVENTFUL = [11, 34, 44, 59, 258]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", EVENTFUL)
def test_what_is_recorded_in_any_order_is_one_ledger(people: Any, seed: int) -> None:
    """What cannot be recorded yet (sold before it is bought) is tried again later."""
    house, rows, even = household(seed, rows=10)
    assert even, "the stored ledger rounds to the cent, the model does not"
    told = told_of(house, people)
    waiting = list(rows)
    random.Random(seed).shuffle(waiting)
    while waiting:
        refused = [row for row in waiting if not told.tell(row)]
        assert len(refused) < len(waiting), "nothing more can be recorded"
        waiting = refused
    assert told.differences() == []
    assert WashSale.objects.exists()
    assert differences() == []
    assert breaches() == []


def trades(account: str, rng: random.Random, count: int) -> list[Row]:
    """Purchases and sales of one account, in time order, never more sold than held."""
    rows, held, at = [], Fraction(0), START
    for _ in range(count):
        at += timedelta(days=rng.choice([1, 3, 9, 20]), minutes=rng.randint(1, 500))
        price = EVEN * rng.randint(1, 5)
        if held and rng.random() < 0.45:
            quantity = Fraction(rng.randint(1, int(held * 4)), 4)
            held -= quantity
            kind = "sell"
        else:
            quantity = Fraction(rng.choice([1, 5, 10]))
            held += quantity
            kind = "buy"
        rows.append(Row(0, kind, account, at, "A", quantity, quantity * price))
    return rows


def at_once(hands: Sequence[Callable[[], None]]) -> None:
    start, faults = threading.Barrier(len(hands)), []

    def run(hand: Callable[[], None]) -> None:
        start.wait()
        try:
            hand()
        except Exception as fault:
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(hand,)) for hand in hands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert faults == []


@pytest.mark.django_db(transaction=True)
def test_many_hands_in_one_household_keep_one_ledger(people: Any) -> None:
    """Four accounts at once, each in its own order; every loss looks into all of them."""
    house = Household(accounts={name: KINDS[name] for name in sorted(KINDS)[:4]})
    told = told_of(house, people)
    plans = {name: trades(name, random.Random(name), 12) for name in house.accounts}
    parts = {name: Told(house, told.accounts, people.owner) for name in plans}

    def hand(name: str) -> Callable[[], None]:
        def write() -> None:
            # Each hand's model knows its own account only; the whole is compared below.
            for row in plans[name]:
                assert parts[name].tell(row)

        return write

    at_once([hand(name) for name in plans])
    told.rows = [row for part in parts.values() for row in part.rows]
    assert len(told.rows) == 48
    assert told.differences() == []
    assert WashSale.objects.count() > 3
    assert differences() == []
    assert breaches() == []


@pytest.mark.django_db
def test_more_lots_at_one_instant_than_a_sale_reads_at_first(people: Any) -> None:
    """A first-in first-out sale reads a few of the oldest lots; ties must not be cut through."""
    house = Household(accounts={"a_main": "taxable"})
    told = told_of(house, people)
    prices = random.Random(5)
    many = [
        Row(0, "buy", "a_main", START, "A", Fraction(1), EVEN * prices.randint(1, 90))
        for _ in range(130)
    ]
    assert told.tell(*many)
    later = START + timedelta(days=90)
    assert told.tell(*[Row(0, "buy", "a_main", later, "A", Fraction(1), EVEN) for _ in range(20)])
    sold_at = START + timedelta(days=200)
    for quantity in (Fraction(1), Fraction(7, 4), Fraction(120), Fraction(11, 4)):
        assert told.tell(Row(0, "sell", "a_main", sold_at, "A", quantity, quantity * EVEN))
        sold_at += timedelta(days=1)
        assert told.differences() == []
    assert Lot.objects.filter(quantity__gt=0).exists()
    assert differences() == []
