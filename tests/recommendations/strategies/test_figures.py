"""Figures of a record, against numbers that were computed by hand."""

import math
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from portfolios.performance.risk import RiskFree
from recommendations.strategies.figures import Figures, Point, figures


def points(
    first: date, count: int, value: Callable[[int], float], benchmark: float | None = None
) -> list[Point]:
    days = [first + timedelta(days=n) for n in range(count)]
    return [
        Point(on, value(n), benchmark, 0.001, 0.0001, session=True)
        for n, on in enumerate(days)
        if on.weekday() < 5
    ]


def computed(found: list[Point], risk_free: RiskFree | None = None) -> Figures:
    result = figures(points=found, risk_free=risk_free, currency="USD")
    assert result is not None
    return result


def test_no_day_has_no_figures() -> None:
    assert figures(points=[], risk_free=None, currency="USD") is None


def test_one_day_has_a_return_of_nothing_and_reasons() -> None:
    found = computed(points(date(2024, 1, 1), 1, lambda n: 0.999))
    assert found.days == 0
    assert found.window("whole").value.reason is not None
    assert found.volatility.reason is not None
    assert found.volatility.reason.code == "record_too_short"


def test_windows_begin_at_the_last_recorded_day_before() -> None:
    # One percent a day of the value of the first, from Monday 2023-01-02 on.
    found = computed(points(date(2023, 1, 2), 800, lambda n: 1.0 + n / 100, benchmark=2.0))
    last = found.last
    assert last == date(2025, 3, 11)
    number = (last - date(2023, 1, 2)).days
    # 2024-12-31 is a Tuesday, 2024-03-11 a Monday.
    ytd, year = found.window("ytd"), found.window("1y")
    assert (ytd.since, year.since) == (date(2024, 12, 31), date(2024, 3, 11))
    since = (date(2024, 3, 11) - date(2023, 1, 2)).days
    assert year.value.value == pytest.approx((1 + number / 100) / (1 + since / 100) - 1)
    assert year.annualized.value is None
    assert year.benchmark.value == 0.0
    whole = found.window("whole")
    assert whole.value.value == pytest.approx(number / 100)
    assert whole.annualized.value == pytest.approx((1 + number / 100) ** (365 / number) - 1)
    missing = found.window("3y").value.reason
    assert missing is not None
    assert missing.code == "record_too_short"


def test_the_whole_pays_for_the_first_purchase() -> None:
    found = computed(points(date(2024, 1, 1), 2, lambda n: 0.99))
    assert found.window("whole").value.value == pytest.approx(-0.01)


def test_yearly_figures_need_ninety_days() -> None:
    wave = computed(points(date(2024, 1, 1), 90, lambda n: 1 + (n % 2) / 100))
    assert (wave.days, wave.ranked) == (88, False)
    assert wave.turnover.value is None
    long = computed(points(date(2024, 1, 1), 93, lambda n: 1 + (n % 2) / 100))
    assert (long.days, long.ranked) == (92, True)
    sessions = sum(1 for _ in points(date(2024, 1, 1), 93, lambda n: 1.0))
    assert long.turnover.value == pytest.approx(0.001 * sessions * 365 / 92)
    assert long.cost.value == pytest.approx(0.0001 * sessions * 365 / 92)


def test_volatility_drawdown_and_sharpe() -> None:
    # Weekdays alternate: up by ten percent, down to one again.
    made = points(date(2024, 1, 1), 365, lambda n: 1.0)
    made = [
        Point(one.day, 1.1 if n % 2 else 1.0, None, 0.0, 0.0, session=True)
        for n, one in enumerate(made)
    ]
    free = RiskFree("bill", [one.day for one in made], [0.0] * len(made))
    found = computed(made, free)
    logs = [math.log(b.value / a.value) for a, b in zip(made, made[1:], strict=False)]
    mean = sum(logs) / len(logs)
    deviation = math.sqrt(sum((one - mean) ** 2 for one in logs) / (len(logs) - 1))
    assert found.volatility.value == pytest.approx(deviation * math.sqrt(252))
    assert found.max_drawdown.value == pytest.approx(1 / 1.1 - 1)
    gains = [b.value / a.value - 1 for a, b in zip(made, made[1:], strict=False)]
    mean = sum(gains) / len(gains)
    deviation = math.sqrt(sum((one - mean) ** 2 for one in gains) / (len(gains) - 1))
    assert found.sharpe.value == pytest.approx(mean / deviation * math.sqrt(252))
    assert computed(made).sharpe.reason is not None
