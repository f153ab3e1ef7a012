"""Daily returns of several assets on common sessions, in one currency. Pure, in numpy.

    session   a day on which every asset has a close; the first is the latest of the first ones
    factor    new units for one old of all splits that went ex after the session before, up to this
    return    (close x factor + dividends that went ex) / close before - 1, in the asset's currency;
              prices whose publisher took out splits or dividends are not adjusted again
    converted (1 + return) x rate / rate before - 1, by the newest fixing up to each session

Worked example: 100.00, then a split of 2:1 with 51.00 and a dividend of 1.00 for each new share on
the same day: (51 x 2 + 1 x 2) / 100 - 1 = 4 %.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInput
from recommendations.allocations.covariance import Floats

Ints = NDArray[np.int64]
AS_TRADED, SPLITS, ALL = "none", "splits", "splits_and_dividends"
_UNIT = 1e-8


@dataclass(frozen=True, slots=True)
class Dated:
    """Values by ascending ordinal of their day."""

    days: Ints
    values: Floats


@dataclass(frozen=True, slots=True)
class Closes:
    """The closes of one asset by ascending day.

    prices: in 10^-8 of its currency; adjustment: what its publisher took out of them; splits: new
    units for one old by ex-day; dividends: cash of one unit of that day by ex-day; rates: units of
    the common currency for one of the asset's, None if they are one currency.
    """

    symbol: str
    days: Ints
    prices: Ints
    adjustment: str
    splits: Dated
    dividends: Dated
    rates: Dated | None = None


@dataclass(frozen=True, slots=True)
class Returns:
    """Returns (sessions, assets) in the order of the assets; `days` has one more, the base first.

    possible: sessions of the range on which at least one asset had a close.
    """

    days: Ints
    values: Floats
    possible: int
    digest: str


def common_returns(assets: Sequence[Closes], *, sessions_min: int) -> Returns:
    """Return the returns of all common sessions.

    Raise InvalidInput with the code `history_missing` (an asset without closes),
    `history_too_short`, `exchange_rate_unknown` or `prices_never_move`.
    """
    missing = [one.symbol for one in assets if not len(one.days)]
    if missing:
        raise InvalidInput(
            f"No price history is stored for {', '.join(missing)}. Leave these out.",
            code="history_missing",
            fields={"symbols": [f"{symbol} has no price history" for symbol in missing]},
        )
    days = assets[0].days
    for one in assets[1:]:
        days = np.intersect1d(days, one.days, assume_unique=True)
    if len(days) < sessions_min + 1:
        latest = max(assets, key=lambda one: int(one.days[0]))
        raise InvalidInput(
            f"Only {max(len(days) - 1, 0)} sessions have prices of every symbol, and "
            f"{sessions_min} are needed. {latest.symbol} begins last; leave it out or choose "
            "symbols of the same exchange.",
            code="history_too_short",
        )
    every = np.unique(np.concatenate([one.days for one in assets]))
    possible = int(((every >= days[0]) & (every <= days[-1])).sum())
    values = np.column_stack([_returns(one, days) for one in assets])
    still = [one.symbol for n, one in enumerate(assets) if not np.ptp(values[:, n]) > 0]
    if still:
        raise InvalidInput(
            f"The prices of {', '.join(still)} never move, so no risk can be measured. Leave these "
            "out.",
            code="prices_never_move",
        )
    return Returns(days, values, possible, _digest(assets, days, values))


def _returns(asset: Closes, days: Ints) -> Floats:
    closes = asset.prices[np.searchsorted(asset.days, days)].astype(np.float64) * _UNIT
    if not (closes > 0).all():
        raise InvalidInput(
            f"A stored close of {asset.symbol} is not positive. Leave it out.",
            code="history_missing",
        )
    factors = np.ones(len(days))
    cash = np.zeros(len(days))
    if asset.adjustment == AS_TRADED:
        for day, ratio in zip(asset.splits.days, asset.splits.values, strict=True):
            if (place := _place(days, int(day))) is not None:
                factors[place] *= ratio
    if asset.adjustment != ALL:
        for day, amount in zip(asset.dividends.days, asset.dividends.values, strict=True):
            if (place := _place(days, int(day))) is not None:
                cash[place] += amount * _units(asset, days, place, int(day))
    gross = (closes[1:] * factors[1:] + cash[1:]) / closes[:-1]
    if asset.rates is not None:
        rates = _rates_on(asset.symbol, asset.rates, days)
        gross *= rates[1:] / rates[:-1]
    return gross - 1


def _place(days: Ints, day: int) -> int | None:
    """Return the session in whose return an ex-day falls; None outside the range."""
    place = int(np.searchsorted(days, day))
    return place if 0 < place < len(days) else None


def _units(asset: Closes, days: Ints, place: int, day: int) -> float:
    """Return the units of an ex-day that one unit of the session before was, as closes count them.

    As traded: the splits between that session and the ex-day. Adjusted for splits: one unit of the
    series is less than one of its day by all splits after it.
    """
    splits = asset.splits
    if asset.adjustment == AS_TRADED:
        inside = (splits.days > days[place - 1]) & (splits.days <= day)
        return float(np.prod(splits.values[inside]))
    later = (splits.days > day) & (splits.days <= asset.days[-1])
    return 1 / float(np.prod(splits.values[later]))


def _rates_on(symbol: str, rates: Dated, days: Ints) -> Floats:
    places = np.searchsorted(rates.days, days, side="right") - 1
    if not len(rates.days) or int(places[0]) < 0:
        raise InvalidInput(
            f"No exchange rate for the currency of {symbol} is known on the first session. Choose "
            "fewer years, or another currency.",
            code="exchange_rate_unknown",
        )
    return rates.values[places]


def _digest(assets: Sequence[Closes], days: Ints, values: Floats) -> str:
    """Return the SHA-256 of the symbols, the sessions and the returns to 10^-12."""
    content = hashlib.sha256()
    content.update("\n".join(one.symbol for one in assets).encode())
    content.update(days.astype("<i8").tobytes())
    content.update(np.rint(values * 1e12).astype("<i8").tobytes())
    return content.hexdigest()
