"""Trades as arrays: what is refused, what is reported twice, and their minutes. Pure.

    key          asset, instant and the vendor's number of the trade: two reports with one key are
                 about one trade, and the later report counts
    cancelled    a report with price 0 says that the trade did not happen
    prices       whole numbers of 10^-8
    instants     microseconds since 1970 (UTC)

Worked example: reports (key 1, 10.00), (key 2, 10.20), (key 1, 10.05) are two trades. The first is
at 10.05, so its minute opens at 10.05, and one report is superseded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

PRICE_UNIT = 10**8
MINUTE_US = 60_000_000
AHEAD_US_MAX = 5_000_000
# A price so many times the last one, or so small a part of it, is an error of its vendor.
JUMP_MAX = 10


@dataclass(frozen=True, slots=True)
class Ticks:
    """Reports of trades in the order of their arrival, one element of each array for a report."""

    asset_id: Ints
    at: Ints
    number: Ints
    price: Ints
    size: Ints

    def __len__(self) -> int:
        return len(self.asset_id)

    def where(self, chosen: NDArray[np.bool_] | Ints | slice) -> "Ticks":
        """Return some of the reports."""
        return Ticks(*(getattr(self, field.name)[chosen] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Minutes:
    """What trades contribute to each minute of each asset, by asset and time."""

    asset_id: Ints
    at: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


def ticks(reports: Sequence[tuple[int, int, int, int, int]]) -> Ticks:
    """Return reports of (asset, instant, number, price, size) as arrays."""
    columns = np.array(reports, np.int64).reshape(-1, 5).T
    return Ticks(*columns)


def refused(
    given: Ticks, *, prices: Mapping[int, float | None], now_us: int, since_us: int
) -> dict[str, NDArray[np.bool_]]:
    """Return which reports are refused, by code; each has the first code that applies.

    prices: the last known price of each known asset, in whole numbers of 10^-8; None if it has
    none. Trades before `since_us` are no longer kept.
    """
    ids = np.array(sorted(prices), np.int64)
    last = np.array([prices[pk] or 0.0 for pk in ids.tolist()], np.float64)
    place = np.searchsorted(ids, given.asset_id)
    unknown = place == len(ids)
    if len(ids):
        unknown |= ids[np.minimum(place, len(ids) - 1)] != given.asset_id
        known_price = last[np.minimum(place, len(ids) - 1)]
    else:
        known_price = np.zeros(len(given))
    jumped = (given.price >= known_price * JUMP_MAX) | (given.price * JUMP_MAX <= known_price)
    found: dict[str, NDArray[np.bool_]] = {}
    taken = np.zeros(len(given), np.bool_)
    for code, faulty in {
        "symbol_unknown": unknown,
        "price_not_positive": given.price < 0,
        "size_negative": given.size < 0,
        "as_of_in_future": given.at > now_us + AHEAD_US_MAX,
        "tick_too_old": given.at < since_us,
        "price_absurd": jumped & (known_price > 0) & (given.price > 0),
    }.items():
        found[code] = faulty & ~taken
        taken |= faulty
    return {code: faulty for code, faulty in found.items() if faulty.any()}


def latest_reports(given: Ticks) -> Ticks:
    """Return the last report of each trade, by asset, instant and number."""
    order = np.lexsort((given.number, given.at, given.asset_id))  # stable: reports stay in order
    sorted_ = given.where(order)
    last = np.ones(len(given), np.bool_)
    last[:-1] = ~(
        (sorted_.asset_id[1:] == sorted_.asset_id[:-1])
        & (sorted_.at[1:] == sorted_.at[:-1])
        & (sorted_.number[1:] == sorted_.number[:-1])
    )
    return sorted_.where(last)


def after(given: Ticks, marks: Mapping[int, int]) -> NDArray[np.bool_]:
    """Return which trades are later than the last stored one of their asset (`marks`)."""
    assets, place = np.unique(given.asset_id, return_inverse=True)
    lowest = np.iinfo(np.int64).min
    last = np.array([marks.get(pk, lowest) for pk in assets.tolist()], np.int64)
    return np.asarray(given.at > last[place], np.bool_)


def minutes(given: Ticks) -> Minutes:
    """Return the minutes of trades that are sorted by asset, instant and number."""
    minute = given.at - given.at % MINUTE_US
    begins = np.ones(len(given), np.bool_)
    begins[1:] = (given.asset_id[1:] != given.asset_id[:-1]) | (minute[1:] != minute[:-1])
    first = np.flatnonzero(begins)
    if not len(first):
        return Minutes(*(np.empty(0, np.int64) for _ in range(7)))
    last = np.append(first[1:], len(given)) - 1
    return Minutes(
        asset_id=given.asset_id[first],
        at=minute[first],
        open=given.price[first],
        high=np.maximum.reduceat(given.price, first),
        low=np.minimum.reduceat(given.price, first),
        close=given.price[last],
        volume=np.add.reduceat(given.size, first),
    )


def newest(given: Ticks) -> Ticks:
    """Return the last trade of each asset, of trades sorted by asset and instant."""
    last = np.ones(len(given), np.bool_)
    last[:-1] = given.asset_id[1:] != given.asset_id[:-1]
    return given.where(last)
