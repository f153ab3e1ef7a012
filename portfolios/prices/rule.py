"""The price of an asset for one household, at an instant and on every day. Pure.

    1. live     the newest quote of a feed, however old: it is marked stale
    2. close    the last close of a feed
    3. own      the household's own price, by hand or from a file
    4. trade    the price of the household's own last trade: an estimate

At an instant the first of these that exists is the price. On a day the same holds among the prices
made up to that day: closes from the first close on, own prices from the first own price to there,
trades before. So a holding that was ever traded always has a price.

A price belongs to the units of its day. A split after that day divides it once; `rescaled` is the
only rounding, to 10^-8, halves up. A file whose publisher adjusted its prices for splits is in
units of its newest day (`adjusted_until`): they are first multiplied back to those of their day.

Worked example: no feed; own price 300 of January 31; trades at 280 in January and at 90 in May; a
3 for 1 split on April 1. The price is 280 in January before the 31st (an estimate), 300 from then
to March 31, and 100 from April 1 on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.adjusting import rescaled
from marketdata.quotes import CLOSE, FILE, MANUAL, TRADE, is_stale
from marketdata.quotes import Quote as FeedQuote

PRICE_DECIMALS = 8
LIVE = "live"
FEEDS = (LIVE, CLOSE)
PRICE_SOURCES = (LIVE, CLOSE, MANUAL, FILE, TRADE)
# A price this old has no change of the day. Longer than any exchange stays closed.
_DAY_CHANGE_AGE = timedelta(days=7)

Ints = NDArray[np.int64]
Whole = NDArray[Any]  # Python integers of any size
Splits = Sequence[tuple[int, Fraction]]


@dataclass(frozen=True, slots=True)
class Quote:
    """A price, where it comes from (live, close, manual, file, trade), and whether it is old."""

    price: Decimal
    as_of: datetime
    stale: bool
    previous_close: Decimal | None
    source: str = LIVE
    # The name of the feed; empty for what the household alone knows.
    feed: str = ""

    @property
    def estimated(self) -> bool:
        """Whether the price is that of the household's own last trade."""
        return self.source == TRADE


@dataclass(frozen=True, slots=True)
class OwnPoint:
    """The newest own price: `day` and `adjusted_until` are ordinals, 0 for not adjusted."""

    day: int
    price: Decimal
    source: str
    adjusted_until: int = 0


@dataclass(frozen=True, slots=True)
class PrivateFacts:
    """What a household alone knows of an asset's price.

    `trade` is the ordinal of the day and the price of the last trade; `splits` by day, new units
    for one old. `close` is the last close, which every household knows, in the same form.
    """

    own: OwnPoint | None = None
    close: tuple[int, Decimal] | None = None
    trade: tuple[int, Decimal] | None = None
    splits: Splits = ()


NOTHING_PRIVATE = PrivateFacts()


def feed_price(feed: FeedQuote, *, now: datetime) -> Quote:
    """Return the price of a feed, where no split was since."""
    fresh = now - feed.as_of < _DAY_CHANGE_AGE
    return Quote(
        feed.price,
        feed.as_of,
        feed.stale,
        feed.previous_close if fresh else None,
        CLOSE if feed.source == CLOSE else LIVE,
        feed.source,
    )


def price_now(*, feed: FeedQuote | None, private: PrivateFacts, now: datetime) -> Quote | None:
    """Return the price at `now`, in the units of that day; None if there is none at all."""
    today = now.date().toordinal()
    if feed is not None:
        day, quoted = feed.as_of.date().toordinal(), feed_price(feed, now=now)
        before = quoted.previous_close
        return replace(
            quoted,
            price=divided(quoted.price, private.splits, since=day, until=today),
            previous_close=(
                None if before is None else divided(before, private.splits, since=day, until=today)
            ),
        )
    if private.own is not None:
        own = private.own
        price = multiplied(own.price, private.splits, since=own.day, until=own.adjusted_until)
        return _own(own.day, price, own.source, private.splits, now)
    if private.trade is not None:
        return _own(*private.trade, TRADE, private.splits, now)
    return None


def _own(day: int, price: Decimal, source: str, splits: Splits, now: datetime) -> Quote:
    as_of = datetime.combine(date.fromordinal(day), time(), tzinfo=UTC)
    return Quote(
        price=divided(price, splits, since=day, until=now.date().toordinal()),
        as_of=as_of,
        stale=is_stale(source=source, as_of=as_of, now=now, exchange=""),
        previous_close=None,
        source=source,
    )


def divided(price: Decimal, splits: Splits, *, since: int, until: int) -> Decimal:
    """Return a price of the day `since` in the units of the day `until`."""
    return _rescaled_by(price, [1 / ratio for day, ratio in splits if since < day <= until])


def multiplied(price: Decimal, splits: Splits, *, since: int, until: int) -> Decimal:
    """Return a price in units of `until` in the units of the earlier day `since`."""
    return _rescaled_by(price, [ratio for day, ratio in splits if since < day <= until])


def _rescaled_by(price: Decimal, ratios: Sequence[Fraction]) -> Decimal:
    if not ratios:
        return price
    whole = int(price.scaleb(PRICE_DECIMALS))
    for ratio in ratios:
        whole = rescaled(whole, ratio)
    return Decimal(whole).scaleb(-PRICE_DECIMALS)


@dataclass(frozen=True, slots=True)
class Points:
    """Whole numbers by ascending day (ordinals): each counts from its day on."""

    days: Ints
    values: Whole


@dataclass(frozen=True, slots=True)
class OwnSeries:
    """Own prices by ascending day, in 10^-8; `adjusted_until` by price, 0 for not adjusted."""

    days: Ints
    prices: Whole
    adjusted_until: Ints


@dataclass(frozen=True, slots=True)
class Closes:
    """The closes of an asset by ascending day (ordinals), in 10^-8 of its currency."""

    days: Ints
    prices: Whole
    # The newest close of a split-adjusted series; None: prices as traded.
    adjusted_until: int | None = None


_NO_DAYS = np.empty(0, dtype=np.int64)
NO_MARKS = Points(_NO_DAYS, _NO_DAYS)
NO_CLOSES = Closes(_NO_DAYS, np.empty(0, dtype=object))
NO_OWN = OwnSeries(_NO_DAYS, _NO_DAYS, _NO_DAYS)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The prices that count, by ascending day, in the units of their days.

    Those before `real_from` are estimates; None: all are.
    """

    days: Ints
    prices: Whole
    real_from: int | None


def chosen(*, closes: Closes, own: OwnSeries, marks: Points, splits: Splits) -> Chosen:
    """Return the prices that count: closes, before them own prices, before those the trades."""
    days, prices = closes.days, _back_in_units(closes, splits)
    if len(own.days):
        early = int(np.searchsorted(own.days, days[0])) if len(days) else len(own.days)
        if early:
            earlier = _own_in_units(own, early, splits)
            days = np.concatenate([own.days[:early], days])
            prices = np.concatenate([earlier, prices])
    real_from = int(days[0]) if len(days) else None
    early = len(marks.days) if real_from is None else int(np.searchsorted(marks.days, real_from))
    if early:
        days = np.concatenate([marks.days[:early], days])
        prices = np.concatenate([marks.values[:early], prices])
    return Chosen(days, prices, real_from)


def _back_in_units(closes: Closes, splits: Splits) -> Whole:
    prices = closes.prices
    if closes.adjusted_until is None:
        return prices
    for day, ratio in splits:
        if day <= closes.adjusted_until:
            prices = times(prices, closes.days < day, ratio)
    return prices


def _own_in_units(own: OwnSeries, count: int, splits: Splits) -> Whole:
    days, until = own.days[:count], own.adjusted_until[:count]
    prices = own.prices[:count]
    for day, ratio in splits:
        prices = times(prices, (days < day) & (day <= until), ratio)
    return prices


def times(prices: Whole, where: NDArray[np.bool_], ratio: Fraction) -> Whole:
    """Return the prices with those of `where` times a ratio."""
    if not where.any():
        return prices
    changed = prices.astype(object)
    changed[where] = [rescaled(int(price), ratio) for price in changed[where]]
    return changed
