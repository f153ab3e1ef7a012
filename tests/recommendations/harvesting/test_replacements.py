"""Replacements from price history: by hand, against numpy pair by pair, and in the database."""

import math
from datetime import datetime, timedelta
from decimal import Decimal as D
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from marketdata.models import Asset, CorporateAction, DailyPrice
from recommendations.harvesting.replacements import (
    SESSIONS_MIN,
    Screened,
    Series,
    returns_of,
    screened,
)
from recommendations.models import Replacement, ReplacementSearch
from recommendations.operations import find_replacements

COUNT = SESSIONS_MIN + 1  # closes for the least number of returns


def series(number: int, returns: Any, **options: Any) -> Series:
    """An asset whose closes follow log returns from 100 on, one close a day."""
    closes = 100 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    days = options.pop("days", np.arange(1, len(closes) + 1))
    return Series(
        asset_id=number,
        symbol=options.pop("symbol", f"A{number}"),
        group=options.pop("group", number),
        days=days,
        closes=closes,
        **options,
    )


def noise(seed: int, size: int = COUNT - 1) -> Any:
    return np.random.default_rng(seed).normal(0, 0.01, size)


def near(base: Any, seed: int, share: float) -> Any:
    return base + share * noise(seed, len(base))


def of(found: list[Screened], asset_id: int) -> Screened:
    return next(row for row in found if row.asset_id == asset_id)


def test_correlation_and_tracking_error_are_those_of_plain_numpy() -> None:
    base = noise(1)
    rows = [series(1, base), series(2, near(base, 2, 0.3)), series(3, near(base, 3, 0.5))]
    found = of(screened(rows), 1)
    assert [pair.candidate_id for pair in found.pairs] == [2, 3]
    for pair in found.pairs:
        other = np.diff(np.log(rows[pair.candidate_id - 1].closes))
        assert pair.correlation == pytest.approx(np.corrcoef(base, other)[0, 1], abs=1e-6)
        wanted = np.std(base - other, ddof=1) * math.sqrt(252)
        assert pair.tracking_error == pytest.approx(wanted, abs=1e-6)
        assert pair.sessions == SESSIONS_MIN


def test_the_worked_example() -> None:
    one = np.tile([0.01, -0.01, 0.02], 40)
    found = of(screened([series(1, one), series(2, 2 * one)]), 1)
    # Perfectly correlated: too alike to be offered without a decision on identity.
    assert (found.pairs, found.reason) == ((), "nothing_alike")


def test_a_group_is_never_its_own_replacement() -> None:
    base = noise(1)
    rows = [series(1, base, group=7), series(2, near(base, 2, 0.3), group=7)]
    assert of(screened(rows), 1).reason == "nothing_alike"


def test_too_short_a_history_says_so() -> None:
    base = noise(1)
    short = series(2, near(base, 2, 0.3)[1:], days=np.arange(2, COUNT + 1))
    found = screened([series(1, base), series(3, near(base, 3, 0.3)), short])
    assert (of(found, 2).reason, of(found, 2).sessions) == ("history_too_short", SESSIONS_MIN - 1)
    assert [pair.candidate_id for pair in of(found, 1).pairs] == [3]
    assert screened([]) == []


def test_correlations_alike_to_two_decimals_are_ranked_by_tracking_error() -> None:
    base = noise(1)
    close, wide = near(base, 2, 0.3), 1.5 * near(base, 2, 0.299)
    rows = [series(1, base), series(2, wide), series(3, close)]
    first, second = of(screened(rows), 1).pairs
    assert second.correlation > first.correlation
    assert [first.candidate_id, second.candidate_id] == [3, 2]


def test_equal_candidates_are_ranked_by_charge_then_symbol() -> None:
    base = noise(1)
    other = near(base, 2, 0.3)
    rows = [
        series(1, base, charge=0.001),
        series(2, other, charge=None, group=2),
        series(3, other, charge=0.002, symbol="Z"),
        series(4, other, charge=0.002, symbol="Y"),
        series(5, other, charge=0.0005),
    ]
    pairs = of(screened(rows), 1).pairs
    assert [pair.candidate_id for pair in pairs] == [5, 4, 3, 2]
    assert [pair.expense_difference for pair in pairs] == [-0.0005, 0.001, 0.001, None]


def test_the_return_over_a_corporate_action_or_a_gap_does_not_count() -> None:
    base = noise(1)
    split = series(2, base)
    split.closes[60:] /= 2
    days = np.delete(np.arange(1, COUNT + 1), 30)
    gap = Series(3, "A3", 3, days, np.delete(series(3, base).closes, 30))
    returns, present = returns_of([series(1, base), split, gap])
    assert returns[1, 59] == pytest.approx(base[59] - math.log(2))
    broken = Series(2, "A2", 2, split.days, split.closes, broken=frozenset({61}))
    returns, present = returns_of([series(1, base), broken, gap])
    assert not present[1, 59]
    assert present[1].sum() == COUNT - 2
    # Without the close of day 31 neither the return to it nor the one from it is known.
    assert np.flatnonzero(~present[2]).tolist() == [29, 30]


def test_the_order_of_the_assets_changes_nothing() -> None:
    base = noise(1)
    rows = [series(n, near(base, n, 0.2 + n / 20)) for n in range(1, 8)]
    assert screened(rows[::-1]) == screened(rows)


def test_blocks_give_what_one_block_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    base = noise(1)
    rows = [series(n, near(base, n, 0.2 + n / 20)) for n in range(1, 8)]
    whole = screened(rows)
    monkeypatch.setattr("recommendations.harvesting.replacements._PAIRS_AT_ONCE", 14)
    assert screened(rows) == whole


# In the database.

NOW = timezone.now()


def stored(symbol: str, returns: Any, **fields: Any) -> Asset:
    asset = Asset.objects.create(
        symbol=symbol, name=symbol, asset_class="equity", currency="USD", **fields
    )
    closes = 100 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    first = NOW.date() - timedelta(days=len(closes))
    DailyPrice.objects.bulk_create(
        DailyPrice(
            asset=asset,
            date=first + timedelta(days=number),
            close=D(repr(round(float(close), 6))),
        )
        for number, close in enumerate(closes)
    )
    return asset


def pairs() -> list[tuple[str, int, str]]:
    rows = Replacement.objects.select_related("asset", "candidate").order_by("asset_id", "rank")
    return [(row.asset.symbol, row.rank, row.candidate.symbol) for row in rows]


@pytest.mark.django_db
def test_the_search_is_stored_and_replaced_by_the_next() -> None:
    base = noise(1)
    one, two = stored("ONE", base), stored("TWO", near(base, 2, 0.3))
    three, young = stored("THREE", near(base, 3, 0.4)), stored("YOUNG", base[:50])
    assert find_replacements(now=NOW) == 3
    assert pairs() == [
        ("ONE", 0, "TWO"),
        ("ONE", 1, "THREE"),
        ("TWO", 0, "ONE"),
        ("TWO", 1, "THREE"),
        ("THREE", 0, "ONE"),
        ("THREE", 1, "TWO"),
    ]
    row = Replacement.objects.get(asset=one, rank=0)
    assert row.sessions == COUNT - 1
    assert D("0.9") < row.correlation < 1
    assert ReplacementSearch.objects.get(asset=young).reason == "history_too_short"
    # Twice gives the same; a closed asset and one declared identical disappear.
    assert find_replacements(now=NOW) == 3
    three.is_active = False
    three.save()
    two.substantially_identical_to = one
    two.save()
    assert find_replacements(now=NOW) == 0
    assert pairs() == []
    assert not ReplacementSearch.objects.filter(asset=three).exists()
    assert ReplacementSearch.objects.get(asset=one).reason == "nothing_alike"


@pytest.mark.django_db
def test_a_households_own_asset_is_no_ones_replacement(people: Any) -> None:
    base = noise(1)
    stored("ONE", base)
    stored("OWN", near(base, 2, 0.3), household=people.owner.household)
    stored("INDEX", near(base, 3, 0.3), tradable=False)
    Asset.objects.filter(symbol="OWN").update(currency="USD")
    find_replacements(now=NOW)
    assert pairs() == []


@pytest.mark.django_db
def test_another_currency_is_compared_among_itself() -> None:
    base = noise(1)
    stored("ONE", base)
    other = stored("TWO", near(base, 2, 0.3))
    other.currency = "EUR"
    other.save()
    find_replacements(now=NOW)
    assert pairs() == []


@pytest.mark.django_db
def test_a_split_does_not_spoil_the_comparison(people: Any) -> None:
    base = noise(1, COUNT)
    one, two = stored("ONE", base), stored("TWO", near(base, 2, 0.3))
    day = NOW.date() - timedelta(days=40)
    for row in DailyPrice.objects.filter(asset_id=two.pk, date__gte=day):
        DailyPrice.objects.filter(asset_id=two.pk, date=row.date).update(close=row.close / 4)
    find_replacements(now=NOW)
    assert pairs() == []
    CorporateAction.objects.create(
        asset=two,
        kind="split",
        ex_date=day,
        ratio_new=4,
        ratio_old=1,
        currency="USD",
        source="operator",
        state="confirmed",
        confirmed_by=people.operator,
        confirmed_at=NOW,
        proposed_by=people.operator,
        proposed_at=NOW,
    )
    find_replacements(now=NOW)
    assert [row[2] for row in pairs()] == ["TWO", "ONE"]
    assert Replacement.objects.get(asset=one).sessions == COUNT - 1


@pytest.mark.django_db
def test_the_queries_do_not_grow_with_the_assets(django_assert_max_num_queries: Any) -> None:
    base = noise(1)
    for number in range(12):
        stored(f"S{number}", near(base, number + 2, 0.3))
    with django_assert_max_num_queries(16):
        find_replacements(now=datetime.combine(NOW.date(), NOW.timetz()))
