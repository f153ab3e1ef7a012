"""Real returns of twenty shares, as the oracle saw them, and problems made of numbers."""

import csv
import gzip
from collections.abc import Callable
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommendations.allocations.covariance import Floats
from recommendations.allocations.history import Closes, Dated
from recommendations.allocations.problem import Member, Problem, Request

FIRST_DAY = 735_000
NOTHING = Dated(np.empty(0, np.int64), np.empty(0))


@pytest.fixture(scope="session")
def shares() -> tuple[list[str], Floats]:
    """The symbols and the last 504 daily returns of the sample that skfolio ships."""
    # Only found, not imported: what the package requires is not installed.
    package = find_spec("skfolio")
    assert package is not None
    assert package.origin is not None
    packed = Path(package.origin).parent / "datasets" / "data" / "sp500_dataset.csv.gz"
    with gzip.open(packed, "rt") as text:
        rows = list(csv.reader(text))
    prices = np.array([[float(value) for value in row[1:]] for row in rows[-505:]])
    return rows[0][1:], prices[1:] / prices[:-1] - 1


def _member(symbol: str, prices: Any, **other: Any) -> Member:
    days = np.arange(FIRST_DAY, FIRST_DAY + len(prices), dtype=np.int64)
    facts: dict[str, Any] = {
        "name": symbol,
        "asset_class": "equity",
        "currency": "USD",
        "trading_cost": 0.0,
    }
    closes = Closes(
        symbol,
        days,
        np.rint(np.asarray(prices) * 1e8).astype(np.int64),
        other.pop("adjustment", "splits_and_dividends"),
        other.pop("splits", NOTHING),
        other.pop("dividends", NOTHING),
        other.pop("rates", None),
    )
    return Member(symbol=symbol, closes=closes, **(facts | other))


@pytest.fixture
def member() -> Callable[..., Member]:
    """A member with a close on each of so many days."""
    return _member


@pytest.fixture
def problem() -> Callable[..., Problem]:
    """A problem of random prices: so many sessions, a volatility for each asset."""

    def made(
        model: str = "risk_parity", sessions: int = 900, widths: int = 3, **asked: Any
    ) -> Problem:
        random = np.random.default_rng(11)
        common = random.normal(0.0003, 0.006, sessions)
        members = []
        for n in range(widths):
            moves = common + random.normal(0.0002, 0.004 * (n + 1), sessions)
            prices = 100 * np.cumprod(1 + np.concatenate([[0.0], moves]))
            members.append(_member(f"S{n}", prices, trading_cost=0.0005))
        facts = asked.pop("facts", {})
        members = [
            _member(one.symbol, one.closes.prices / 1e8, **{"trading_cost": 0.0005, **facts})
            for one in members
        ]
        more: dict[str, Any] = {
            name: Decimal(v) if isinstance(v, int) else v for name, v in asked.items()
        }
        request = Request(
            model=model,
            symbols=tuple(one.symbol for one in members),
            currency="USD",
            **more,
        )
        return Problem(request, tuple(members), None)

    return made
