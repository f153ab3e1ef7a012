"""seed_scale loads a true ledger with every index, and nothing at all if it is stopped."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Max, Min, Sum
from django.utils import timezone

from bench.seeding import loading
from bench.seeding.indexes import Index, put_back
from bench.seeding.loading import Report, SeedingRefused, load, population
from bench.seeding.population import CURRENCIES, INSIDE, Population
from identity.models import Household, User
from marketdata.models import Asset, ExchangeRate, LatestPrice
from marketdata.queries.exchange_rates import forget_fixings
from portfolios.models import Target
from recommendations.queries.screening import Prices, accounts_outside_bands
from transactions.models import Account, Holding, Lot, Transaction
from transactions.operations.verification import verified

pytestmark = pytest.mark.django_db(transaction=True)
ACCOUNTS, HOLDINGS, SECURITIES = 400, 6, 500


def seeded(**options: Any) -> Report:
    values: dict[str, Any] = {
        "accounts": ACCOUNTS, "holdings": HOLDINGS, "securities": SECURITIES, "outside": 0.25,
        "seed": 7, "now": timezone.now(),
    }  # fmt: skip
    return load(**{**values, **options})


def rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def schema() -> list[tuple[Any, ...]]:
    """Every index, constraint, default and trigger of the database, and how tables are kept."""
    return [
        *rows("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"),
        *rows(
            "SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid)"
            " FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
        ),
        *rows(
            "SELECT table_name, column_name, column_default FROM information_schema.columns"
            " WHERE table_schema = 'public' ORDER BY 1, 2"
        ),
        *rows("SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger"
              " WHERE NOT tgisinternal ORDER BY 1, 2"),
        *rows("SELECT relname, relpersistence FROM pg_class"
              " WHERE relnamespace = 'public'::regnamespace ORDER BY 1"),
        *rows("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"),
    ]  # fmt: skip


def broken_references() -> list[str]:
    """The foreign keys that some row breaks; triggers did not check them during the load."""
    broken = []
    for table, column, other, key, name in rows(
        "SELECT conrelid::regclass::text, child.attname, confrelid::regclass::text, parent.attname,"
        "       conname"
        "  FROM pg_constraint"
        "  JOIN pg_attribute child ON child.attrelid = conrelid AND child.attnum = conkey[1]"
        "  JOIN pg_attribute parent ON parent.attrelid = confrelid AND parent.attnum = confkey[1]"
        " WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
    ):
        lost = rows(
            f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL"
            f" AND {column} NOT IN (SELECT {key} FROM {other})"
        )
        if lost != [(0,)]:
            broken.append(name)
    return broken


def held_rows() -> Mapping[str, int]:
    models = (Household, User, Account, Asset, LatestPrice, Transaction, Lot, Holding, Target)
    return {model.__name__: model.objects.count() for model in models}


def prices_now() -> Prices:
    rates = population(
        accounts=1, holdings=1, securities=1, outside=0, seed=1, now=timezone.now()
    ).rates
    found = list(LatestPrice.objects.order_by("asset").values_list("asset", "price"))
    currency = dict(Asset.objects.values_list("id", "currency"))
    return Prices(
        np.array([pk for pk, _ in found], np.int64),
        {
            own: np.array([float(price) * rates[currency[pk], own] for pk, price in found])
            for own in CURRENCIES
        },
        timezone.now().date(),
    )


def test_the_ledger_is_true_and_every_constraint_holds_as_before() -> None:
    before = schema()
    report = seeded()
    assert schema() == before
    assert broken_references() == []
    found = held_rows()
    assert found["Account"] == ACCOUNTS
    assert found["Holding"] == ACCOUNTS * HOLDINGS
    assert found["Lot"] == 2 * ACCOUNTS * HOLDINGS
    assert found["Transaction"] == ACCOUNTS + 2 * ACCOUNTS * HOLDINGS
    assert found["Target"] == ACCOUNTS + ACCOUNTS * HOLDINGS
    assert report.rows["transactions_lot"] == found["Lot"]
    batches = list(verified())
    assert sum(batch.accounts for batch in batches) == ACCOUNTS
    assert [batch.differences for batch in batches if batch.differences] == []
    sums = Target.objects.values("account").annotate(total=Sum("target_percentage"))
    assert {row["total"] for row in sums} == {Decimal(100)}
    assert set(Account.objects.values_list("currency", flat=True)) == set(CURRENCIES)
    assert set(Account.objects.values_list("type", flat=True)) == {
        "taxable", "ira", "roth_ira", "401k",
    }  # fmt: skip


def test_new_rows_follow_the_seeded_ones() -> None:
    seeded()
    household = Household.objects.create(name="Next")
    assert household.pk > (Household.objects.exclude(pk=household.pk).aggregate(m=Max("id"))["m"])
    seeded(accounts=40)
    assert held_rows()["Account"] == ACCOUNTS + 40
    assert broken_references() == []


@pytest.mark.parametrize("outside", [0.0, 0.1, 1.0])
def test_the_stated_fraction_of_accounts_is_outside(outside: float) -> None:
    now = timezone.now()
    seeded(outside=outside, now=now)
    who = population(
        accounts=ACCOUNTS, holdings=HOLDINGS, securities=SECURITIES, outside=outside, seed=7,
        now=now,
    )  # fmt: skip
    ids = Account.objects.aggregate(first=Min("id"), last=Max("id"))
    found = accounts_outside_bands(**ids, prices=prices_now(), cash_floor=0)
    assert len(found) == round(outside * ACCOUNTS)
    assert (found - ids["first"]).tolist() == np.flatnonzero(who.state_of != INSIDE).tolist()


def contents() -> list[object]:
    """All that is drawn; ids and the moment differ between two runs."""
    first = {
        model: model.objects.aggregate(m=Min("id"))["m"] for model in (Account, Asset, Transaction)
    }
    return [
        [(pk - first[Account], *rest) for pk, *rest in Account.objects.order_by("id").values_list(
            "id", "type", "currency", "cash")],
        [(a - first[Account], s - first[Asset], *rest) for a, s, *rest in Lot.objects.order_by(
            "id").values_list("account", "asset", "quantity", "cost_basis")],
        [(a - first[Account], s and s - first[Asset], *rest) for a, s, *rest in
         Target.objects.order_by("id").values_list(
            "account", "asset", "target_percentage", "rebalance_threshold")],
        list(LatestPrice.objects.order_by("asset").values_list("price", flat=True)),
    ]  # fmt: skip


def test_the_same_seed_loads_the_same_and_another_another(
    transactional_db: None, django_db_blocker: Any
) -> None:
    now = timezone.now()
    seeded(now=now)
    once = contents()
    call_command("flush", interactive=False, verbosity=0)
    seeded(now=now)
    assert contents() == once
    call_command("flush", interactive=False, verbosity=0)
    seeded(now=now, seed=8)
    assert contents() != once


def test_sizes_sum_exactly_and_a_few_accounts_are_large() -> None:
    rates = {(one, other): 1.0 for one in CURRENCIES for other in CURRENCIES}
    who = Population(
        seed=1, accounts=50_000, holdings=20, securities=5_000, outside=0.1, rates=rates
    )
    assert who.sizes.sum() == 50_000 * 20
    assert np.median(who.sizes) < 20
    assert 5 <= (who.sizes >= 1_000).sum() <= 20
    assert who.sizes.max() <= 5_000
    portion = who.portion(0, 5_000)
    pairs = portion.owner * who.securities + portion.security
    assert (np.diff(pairs) > 0).all(), "each security once, in order"


class _Stopped(Exception):
    pass


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, table: str) -> Iterator[None]:
    """Fail at the first index that is put back on a table."""

    def stop(cursor: Any, index: Index) -> None:
        if index.table == table:
            raise _Stopped
        put_back(cursor, index)

    monkeypatch.setattr(loading, "put_back", stop)
    with pytest.raises(_Stopped):
        yield
    monkeypatch.setattr(loading, "put_back", put_back)


@pytest.mark.parametrize("table", ["transactions_transaction", "portfolios_target"])
def test_a_load_that_fails_leaves_no_row_and_every_index(
    monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    before = schema()
    with failing(monkeypatch, table):
        seeded()
    assert schema() == before
    assert set(held_rows().values()) == {0}
    seeded()
    assert schema() == before
    assert held_rows()["Account"] == ACCOUNTS


def test_a_load_killed_between_its_commits_is_taken_back_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kill the second connection when the first has committed: its server process ends."""
    before = schema()
    clean = loading._forget_half
    monkeypatch.setattr(loading, "_forget_half", lambda: None)

    class Killed(loading._Ends):
        @property
        def committed(self) -> bool:
            return False

        @committed.setter
        def committed(self, value: bool) -> None:
            pass

    monkeypatch.setattr(loading, "_Ends", Killed)
    with pytest.raises(loading._GaveUp):
        seeded()
    left = held_rows()
    assert (left["Transaction"], left["Lot"], left["Account"]) == (
        ACCOUNTS + 2 * ACCOUNTS * HOLDINGS, 0, 0,
    )  # fmt: skip
    monkeypatch.undo()
    assert loading._forget_half is clean
    seeded(accounts=50)
    assert schema() == before
    assert held_rows()["Transaction"] == 50 + 2 * 50 * HOLDINGS
    assert broken_references() == []


def test_a_database_that_people_use_is_refused_unless_told_otherwise() -> None:
    home = Household.objects.create(name="Home")
    person = User.objects.create_user(email="person@ballast.example", password=None, household=home)
    before = held_rows()
    with pytest.raises(SeedingRefused) as refusal:
        seeded()
    assert refusal.value.code == "seeding_among_users"
    assert held_rows() == before
    with pytest.raises(CommandError, match="--despite-users"):
        call_command("seed_scale", accounts=50, stdout=StringIO())
    assert held_rows() == before
    User.objects.filter(pk=person.pk).update(is_demo=True)
    seeded(accounts=50)
    User.objects.filter(pk=person.pk).update(is_demo=False)
    seeded(accounts=50, despite_users=True)
    assert held_rows()["Account"] == 100


def test_two_loads_at_once_are_refused() -> None:
    with connection.cursor() as cursor:
        other = connection.copy()
        with other.cursor() as rival:
            rival.execute(loading._LOCK)
            with pytest.raises(SeedingRefused) as refusal:
                seeded()
        other.close()
        cursor.execute("SELECT 1")
    assert refusal.value.code == "seeding_runs"
    assert set(held_rows().values()) == {0}


def test_known_rates_are_used_and_missing_ones_written() -> None:
    now: datetime = timezone.now()
    forget_fixings()
    ExchangeRate.objects.create(currency="USD", date=now.date(), rate="1.25", source="ECB")
    who = population(accounts=1, holdings=1, securities=1, outside=0, seed=1, now=now)
    assert who.rates["EUR", "USD"] == 1.25
    assert ExchangeRate.objects.count() == 4
    forget_fixings()
