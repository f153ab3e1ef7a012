"""The screen in SQL decides as the engine does, on its own columns, edges of bands included."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numba
import numpy as np
import pytest
from django.utils import timezone

from marketdata.models import Asset, LatestPrice
from marketdata.queries import quotes
from portfolios.holdings.valuation import unit_value
from portfolios.models import Target
from portfolios.prices.rule import NOTHING_PRIVATE, price_now
from portfolios.queries.valuations import rates_into
from recommendations.engine.arrays.columns import Columns
from recommendations.engine.arrays.items import in_band, room_of, write_aims
from recommendations.engine.options import Options
from recommendations.queries.columns import columns_of
from recommendations.queries.market import live_market
from recommendations.queries.screening import Prices, accounts_outside_bands
from tests.recommendations.test_recorded_as_recommended import wanted
from tests.transactions.model.against_the_database import Told
from transactions.models import Account, Holding, Lot, Transaction

pytestmark = pytest.mark.django_db
CURRENCIES = ["EUR", "USD"]


def prices_of(now: datetime) -> Prices:
    """What every asset is worth now in each currency, as one household after the other sees it."""
    rows = list(Asset.objects.filter(household=None).order_by("id"))
    known = quotes(assets=rows, now=now)
    values = {}
    for currency in CURRENCIES:
        rates = rates_into(currency, {row.currency for row in rows}, now=now)
        values[currency] = np.array(
            [
                unit_value(
                    quote=price_now(feed=known.get(row.pk), private=NOTHING_PRIVATE, now=now),
                    rate=rates.get(row.currency),
                ).value
                or 0
                for row in rows
            ],
            np.float64,
        )
    return Prices(
        np.array([row.pk for row in rows], np.int64),
        values,
        min((quote.as_of.date() for quote in known.values()), default=now.date()),
    )


@numba.njit(error_model="numpy")
def outside_by_the_engine(columns: Columns, a: int) -> bool:
    """Whether cash or a security of account `a` is outside, by the engine's own aims and rule."""
    account = columns.accounts[a]
    count = account.securities_end - account.securities_begin
    room = room_of(count, len(columns.lots))
    budget = write_aims(columns, a, room)
    value = budget.value
    if not in_band(account.cash, budget.cash_target, account.cash_threshold * value, value):
        return True
    outside = 0
    for aim in room.aims[:count]:
        outside += not in_band(aim.value, aim.target, aim.band, value)
    return outside > 0


def compared(accounts: Sequence[Account], now: datetime, floor: Decimal, met: Counter[str]) -> None:
    first, last = accounts[0].pk, accounts[-1].pk
    found = accounts_outside_bands(
        first=first, last=last, prices=prices_of(now), cash_floor=float(floor)
    ).tolist()
    batch = columns_of(
        first=first,
        last=last,
        options=Options(cash_floor=floor),
        market=live_market(
            asset_ids=Asset.objects.values_list("pk", flat=True), currencies=CURRENCIES, now=now
        ),
        currencies=CURRENCIES,
    )
    assert sorted(found) == found
    assert set(found) <= set(batch.account_ids.tolist())
    for a, pk in enumerate(batch.account_ids.tolist()):
        if batch.alone[a]:
            met["alone"] += 1
            continue
        expected = bool(outside_by_the_engine(batch.columns, a))
        assert (pk in found) == expected, pk
        met["outside" if expected else "inside"] += 1


def screen_household(seed: int, told: Told, moment: datetime, met: Counter[str]) -> None:
    """Screen the accounts of a random household. test_columns.py records the households."""
    rng = random.Random(seed)
    accounts = sorted(told.accounts.values(), key=lambda account: account.pk)
    for account in accounts:
        wanted(told, account, rng, moment)
        # Some bands are wide enough for anything but debts.
        width = rng.choice([2, 30, 100, 100])
        Target.objects.filter(account=account).update(rebalance_threshold=width)
        if rng.random() < 0.7:
            Account.objects.filter(pk=account.pk).update(cash=rng.randint(0, 5_000))
    compared(accounts, moment, Decimal(rng.choice([0, 2_000])), met)


NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def assets(count: int, price: str = "1") -> list[Asset]:
    made = [
        Asset.objects.create(symbol=f"S{n}", name=f"S{n}", asset_class="equity", currency="USD")
        for n in range(count)
    ]
    for asset in made:
        LatestPrice.objects.create(
            asset=asset, price=Decimal(price), as_of=NOW, source="test", previous_close=None
        )
    return made


def account(
    people: Any,
    *,
    cash: str,
    held: dict[Asset, str],
    targets: dict[Asset | None, tuple[str, str]],
    **fields: Any,
) -> Account:
    """An account with so many units, and targets with their bands; None is cash."""
    made = Account.objects.create(
        household=people.owner.household, owner=people.owner, name="A", type="ira", currency="USD",
        cash=Decimal(cash), created_at=NOW, **fields,
    )  # fmt: skip
    for asset, quantity in held.items():
        bought = Transaction.objects.create(
            account=made, type="buy", asset=asset, quantity=Decimal(quantity), price=1, amount=1,
            currency="USD", cash_effect=-1, executed_at=NOW, trade_date=NOW.date(),
            recorded_at=NOW, recorded_by=people.owner,
        )  # fmt: skip
        Lot.objects.create(
            account=made, asset=asset, transaction=bought, opened_at=NOW, opened_date=NOW.date(),
            holding_period_date=NOW.date(), quantity=Decimal(quantity), cost_basis=1,
        )  # fmt: skip
        Holding.objects.create(account=made, asset=asset, quantity=Decimal(quantity), cost_basis=1)
    Target.objects.bulk_create(
        Target(
            account=made,
            asset=asset,
            target_percentage=Decimal(percentage),
            rebalance_threshold=Decimal(threshold),
        )
        for asset, (percentage, threshold) in targets.items()
    )
    return made


def screened(*, floor: float = 0, now: datetime = NOW) -> list[int]:
    ids = Account.objects.order_by("id").values_list("id", flat=True)
    found: list[int] = accounts_outside_bands(
        first=ids[0], last=ids[len(ids) - 1], prices=prices_of(now), cash_floor=floor
    ).tolist()
    return found


def test_accounts_on_a_grid_are_screened_as_the_engine_sees_them(people: Any) -> None:
    """Whole numbers, so that many holdings and much cash lie exactly on the edge of a band."""
    rng = random.Random(1)
    known = assets(4)
    made = []
    for _ in range(250):
        held = {asset: str(rng.choice([5, 10, 15, 20, 40])) for asset in rng.sample(known, 3)}
        shares = rng.choice([(20, 30, 40, 10), (50, 25, 25, 0), (100, 0, 0, 0), (0, 0, 0, 100)])
        chosen = dict(zip([*rng.sample(known, 3), None], shares, strict=True))
        bands = [rng.choice(["0", "5", "10", "25"]) for _ in shares]
        made.append(
            account(
                people,
                cash=str(rng.choice([-5, 0, 10, 35, 100])),
                held=held if rng.random() < 0.9 else {},
                targets={
                    asset: (str(share), band)
                    for (asset, share), band in zip(chosen.items(), bands, strict=True)
                    if share or rng.random() < 0.5
                },
            )
        )
    met: Counter[str] = Counter()
    for floor in ("0", "10", "35"):
        compared(made, NOW, Decimal(floor), met)
    assert met["inside"] >= 20, met
    assert met["outside"] >= 300, met


def test_a_holding_on_the_edge_of_its_band_is_inside_and_a_cent_more_is_not(people: Any) -> None:
    (one,) = assets(1)
    targets: dict[Asset | None, tuple[str, str]] = {one: ("60", "5"), None: ("40", "100")}
    account(people, cash="35", held={one: "65"}, targets=targets)
    beyond = account(people, cash="34.99", held={one: "65.01"}, targets=targets)
    account(people, cash="45", held={one: "55"}, targets=targets)
    short = account(people, cash="45.01", held={one: "54.99"}, targets=targets)
    assert screened() == [beyond.pk, short.pk]


def test_cash_on_the_edge_of_its_band_is_inside_and_the_floor_raises_its_aim(people: Any) -> None:
    (one,) = assets(1)
    targets: dict[Asset | None, tuple[str, str]] = {one: ("90", "100"), None: ("10", "5")}
    edge = account(people, cash="15", held={one: "85"}, targets=targets)
    beyond = account(people, cash="15.01", held={one: "84.99"}, targets=targets)
    assert screened() == [beyond.pk]
    # The aim is 20, and 15 to 25 are inside.
    assert screened(floor=20) == []
    assert screened(floor=21) == [edge.pk, beyond.pk]


def test_a_holding_without_a_target_is_outside(people: Any) -> None:
    one, other = assets(2)
    targets: dict[Asset | None, tuple[str, str]] = {one: ("100", "100"), None: ("0", "100")}
    account(people, cash="0", held={one: "10"}, targets=targets)
    more = account(people, cash="0", held={one: "10", other: "0.0001"}, targets=targets)
    assert screened() == [more.pk]


def test_cash_without_a_target_has_no_band(people: Any) -> None:
    (one,) = assets(1)
    account(people, cash="0", held={one: "10"}, targets={one: ("100", "100")})
    more = account(people, cash="0.01", held={one: "10"}, targets={one: ("100", "100")})
    assert screened() == [more.pk]


def test_a_missing_price_of_a_holding_or_of_a_target_is_left_to_the_engine(people: Any) -> None:
    one, other = assets(2)
    LatestPrice.objects.filter(asset=other).delete()
    wide: dict[Asset | None, tuple[str, str]] = {one: ("100", "100"), None: ("0", "100")}
    account(people, cash="0", held={one: "10"}, targets=wide)
    held = account(people, cash="0", held={one: "10", other: "1"}, targets=wide)
    aimed = account(people, cash="0", held={one: "10"}, targets={**wide, other: ("0", "100")})
    assert screened() == [held.pk, aimed.pk]


def test_a_split_since_the_oldest_price_is_left_to_the_engine(people: Any) -> None:
    (one,) = assets(1)
    inside = account(
        people, cash="0", held={one: "10"}, targets={one: ("100", "100"), None: ("0", "100")}
    )
    split = {
        "account": inside, "type": "split", "asset": one, "amount": 0, "currency": "USD",
        "cash_effect": 0, "executed_at": NOW, "recorded_at": NOW, "recorded_by": people.owner,
        "ratio_new": 2, "ratio_old": 1,
    }  # fmt: skip
    Transaction.objects.create(**split, trade_date=NOW.date() - timedelta(days=1))
    assert screened() == []
    Transaction.objects.create(**split, trade_date=NOW.date())
    assert screened() == [inside.pk]


def test_accounts_without_targets_and_archived_ones_are_not_screened(people: Any) -> None:
    (one,) = assets(1)
    targets: dict[Asset | None, tuple[str, str]] = {one: ("0", "0"), None: ("100", "0")}
    account(people, cash="5", held={one: "10"}, targets={})
    account(people, cash="5", held={one: "10"}, targets=targets, archived_at=timezone.now())
    outside = account(people, cash="5", held={one: "10"}, targets=targets)
    only_cash = account(people, cash="5", held={}, targets={None: ("100", "0")})
    assert screened() == [outside.pk]
    assert only_cash.pk not in screened()
