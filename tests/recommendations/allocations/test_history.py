"""Returns contain splits, dividends and currencies once each, as counted by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from core.errors import InvalidInput
from recommendations.allocations.history import Closes, Dated, Returns, common_returns

DAY = 735_000


def dated(*rows: tuple[int, float]) -> Dated:
    return Dated(
        np.array([DAY + day for day, _ in rows], np.int64),
        np.array([value for _, value in rows], np.float64),
    )


def closes(symbol: str, *prices: float, days: list[int] | None = None, **other: Any) -> Closes:
    made = np.array(days if days is not None else range(len(prices)), np.int64) + DAY
    facts: dict[str, Any] = {
        "adjustment": "none",
        "splits": dated(),
        "dividends": dated(),
        "rates": None,
    }
    return Closes(symbol, made, np.rint(np.array(prices) * 1e8).astype(np.int64), **(facts | other))


def returns(*assets: Closes, sessions_min: int = 1) -> Returns:
    return common_returns(assets, sessions_min=sessions_min)


OTHER = closes("OTHER", 10, 11, 10)


def test_a_split_and_a_dividend_of_one_day_by_hand() -> None:
    one = closes("ONE", 100, 51, 51, splits=dated((1, 2)), dividends=dated((1, 1)))
    found = returns(one, OTHER).values
    assert found[:, 0] == pytest.approx([(51 * 2 + 1 * 2) / 100 - 1, 0])
    assert found[:, 1] == pytest.approx([0.1, -1 / 11])


def test_prices_adjusted_for_splits_get_dividends_in_their_own_units() -> None:
    # 2 for each share of its day, before a split of 4:1: 0.50 for a unit of the series.
    adjusted = closes(
        *("ONE", 25, 25, 26),
        adjustment="splits",
        splits=dated((2, 4)),
        dividends=dated((1, 2)),
    )
    assert returns(adjusted, OTHER).values[:, 0] == pytest.approx([0.5 / 25, 1 / 25])


def test_prices_adjusted_for_everything_are_left_alone() -> None:
    whole = closes(
        *("ONE", 100, 51, 51),
        adjustment="splits_and_dividends",
        splits=dated((1, 2)),
        dividends=dated((1, 1)),
    )
    assert returns(whole, OTHER).values[:, 0] == pytest.approx([-0.49, 0])


def test_another_currency_counts_at_the_newest_rate_of_each_session() -> None:
    abroad = closes("ONE", 100, 110, 110, rates=dated((-3, 1.0), (1, 1.2), (2, 0.9)))
    found = returns(abroad, OTHER).values[:, 0]
    assert found == pytest.approx([1.1 * 1.2 - 1, 0.9 / 1.2 - 1])


def test_only_days_with_prices_of_all_count_and_splits_between_them_are_kept() -> None:
    one = closes("ONE", 100, 50, 50, 55, days=[0, 1, 2, 3], splits=dated((1, 2)))
    other = closes("OTHER", 10, 10, 12, days=[0, 2, 3])
    found = returns(one, other)
    assert (found.days - DAY).tolist() == [0, 2, 3]
    assert found.values[:, 0] == pytest.approx([0, 0.1])
    assert found.possible == 4


def test_the_digest_changes_with_a_price_and_with_nothing_else() -> None:
    first = returns(closes("ONE", 100, 101, 102), OTHER).digest
    assert first == returns(closes("ONE", 100, 101, 102), OTHER).digest
    assert first != returns(closes("ONE", 100, 101, 102.02), OTHER).digest
    assert first != returns(closes("TWO", 100, 101, 102), OTHER).digest


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: returns(closes("NONE"), OTHER), "history_missing"),
        (lambda: returns(closes("ONE", 0, 1, 2), OTHER), "history_missing"),
        (lambda: returns(closes("ONE", 1, 2, 3), OTHER, sessions_min=3), "history_too_short"),
        (lambda: returns(closes("LATE", 1, 2, days=[7, 8]), OTHER), "history_too_short"),
        (lambda: returns(closes("ONE", 5, 5, 5), OTHER), "prices_never_move"),
        (
            lambda: returns(closes("ONE", 1, 2, 3, rates=dated((1, 1.1))), OTHER),
            "exchange_rate_unknown",
        ),
        (lambda: returns(closes("ONE", 1, 2, 3, rates=dated()), OTHER), "exchange_rate_unknown"),
    ],
)
def test_histories_without_an_answer_are_refused(make: Callable[[], object], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make()
    assert refused.value.code == code
