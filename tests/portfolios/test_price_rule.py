"""The rule of prices: which one counts, how a split divides it, and one answer on the last day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.quotes import Quote as FeedQuote
from portfolios.performance.daily_prices import daily_prices, ended
from portfolios.prices.jumps import jumps
from portfolios.prices.rule import (
    NO_CLOSES,
    NO_MARKS,
    NO_OWN,
    Closes,
    OwnPoint,
    OwnSeries,
    Points,
    PrivateFacts,
    price_now,
)

FIRST = date(2026, 1, 1).toordinal()
DAYS = 60
LAST = FIRST + DAYS - 1
NOW = datetime.combine(date.fromordinal(LAST), datetime.min.time(), tzinfo=UTC) + timedelta(hours=9)

prices = st.integers(1, 10**12)
days = st.integers(FIRST, LAST)
by_day = st.dictionaries(days, prices, max_size=6).map(lambda found: dict(sorted(found.items())))
ratios = st.sampled_from(
    [Fraction(2), Fraction(3), Fraction(3, 2), Fraction(1, 10), Fraction(7, 3)]
)
splits = st.lists(st.tuples(days, ratios), max_size=3, unique_by=lambda one: one[0]).map(sorted)


def points(found: dict[int, int]) -> Points:
    return Points(
        np.array(list(found), dtype=np.int64), np.array(list(found.values()), dtype=object)
    )


def own_series(found: dict[int, int], adjusted_until: int = 0) -> OwnSeries:
    made = points(found)
    return OwnSeries(made.days, made.values, np.full(len(found), adjusted_until, dtype=np.int64))


def price(whole: int) -> D:
    return D(whole).scaleb(-8)


def private(
    own: dict[int, int],
    trades: dict[int, int],
    known: Sequence[tuple[int, Fraction]],
    adjusted_until: int = 0,
) -> PrivateFacts:
    newest, last = max(own, default=None), max(trades, default=None)
    return PrivateFacts(
        own=None
        if newest is None
        else OwnPoint(newest, price(own[newest]), "manual", adjusted_until),
        trade=None if last is None else (last, price(trades[last])),
        splits=tuple(known),
    )


def feed(day: int, whole: int, source: str = "acme") -> FeedQuote:
    at = datetime.combine(date.fromordinal(day), datetime.min.time(), tzinfo=UTC)
    return FeedQuote("AAA", price(whole), at, False, source, None)


TABLE = """
quote  close  own  trade   source  price
4      3      2    1       live    4
-      3      2    1       close   3
-      -      2    1       manual  2
-      -      -    1       trade   1
4      -      -    1       live    4
-      -      -    -       none    -
"""


@pytest.mark.parametrize("line", TABLE.strip().splitlines()[1:])
def test_the_first_that_exists_is_the_price(line: str) -> None:
    quote, close, own, trade, source, expected = line.split()
    # The lower a source stands, the newer its price is here: age does not matter.
    known = (
        feed(FIRST, 4 * 10**8)
        if quote != "-"
        else feed(FIRST, 3 * 10**8, "close")
        if close != "-"
        else None
    )
    facts = private(
        {FIRST + 1: 2 * 10**8} if own != "-" else {},
        {FIRST + 2: 10**8} if trade != "-" else {},
        (),
    )
    found = price_now(feed=known, private=facts, now=NOW)
    if source == "none":
        assert found is None
        return
    assert found is not None
    assert (found.source, found.price, found.estimated) == (source, D(expected), source == "trade")


@given(by_day, by_day, by_day, st.none() | st.tuples(days, prices), splits)
def test_each_day_and_the_instant_answer_by_one_rule(
    closes: dict[int, int],
    own: dict[int, int],
    trades: dict[int, int],
    quote: tuple[int, int] | None,
    known: list[tuple[int, Fraction]],
) -> None:
    """The last day of performance is the price of the holdings page, whatever is known."""
    series = Closes(*(getattr(points(closes), name) for name in ("days", "values")))
    live = None
    if quote is not None:
        live = feed(*quote)
        series = ended(
            series, price(quote[1]), date.fromordinal(quote[0]), date.fromordinal(LAST), known
        )
    elif closes:
        live = feed(max(closes), closes[max(closes)], "close")
    daily = daily_prices(
        closes=series,
        marks=points(trades),
        splits=known,
        first=FIRST,
        count=DAYS,
        own=own_series(own),
    )
    now = price_now(feed=live, private=private(own, trades, known), now=NOW)
    assert bool(daily.known[-1]) == (now is not None)
    if now is not None:
        assert price(int(daily.prices[-1])) == now.price
        assert bool(daily.estimated[-1]) == now.estimated


@given(by_day, by_day, by_day)
def test_on_a_day_a_lower_source_counts_only_before_the_first_price_of_a_higher(
    closes: dict[int, int], own: dict[int, int], trades: dict[int, int]
) -> None:
    made = points(closes)
    daily = daily_prices(
        closes=Closes(made.days, made.values),
        marks=points(trades),
        splits=(),
        first=FIRST,
        count=DAYS,
        own=own_series(own),
    )
    for day in range(FIRST, LAST + 1):
        sources = [
            {at: whole for at, whole in found.items() if at <= day}
            for found in (closes, own, trades)
        ]
        first = next(((rank, found) for rank, found in enumerate(sources) if found), None)
        if first is None:
            continue  # carried back, or unknown
        rank, found = first
        assert int(daily.prices[day - FIRST]) == found[max(found)]
        assert bool(daily.estimated[day - FIRST]) == (rank == 2)


@given(days, st.integers(1, 10**9), days, ratios, st.sampled_from(["own", "trade", "close"]))
def test_a_split_after_the_price_divides_it_once(
    made: int, whole: int, split: int, ratio: Fraction, source: str
) -> None:
    exact = whole * ratio.numerator * 10  # so that every division comes out even
    known = [(split, ratio)]
    facts = private(
        {made: exact} if source == "own" else {}, {made: exact} if source == "trade" else {}, known
    )
    known_feed = feed(made, exact, "close") if source == "close" else None
    found = price_now(feed=known_feed, private=facts, now=NOW)
    assert found is not None
    expected = exact / ratio if split > made else Fraction(exact)
    assert abs(Fraction(found.price) * 10**8 - expected) <= Fraction(1, 2)


@given(days, prices, days, ratios)
def test_a_file_adjusted_for_a_split_is_not_divided_again(
    made: int, whole: int, split: int, ratio: Fraction
) -> None:
    known = [(split, ratio)]
    facts = private({made: whole}, {}, known, adjusted_until=LAST)
    found = price_now(feed=None, private=facts, now=NOW)
    assert found is not None
    # Back to the units of its day and forth again: two roundings at most.
    assert abs(found.price - price(whole)) <= price(max(1, int(1 / ratio) + 1))
    daily = daily_prices(
        closes=NO_CLOSES,
        marks=NO_MARKS,
        splits=known,
        first=FIRST,
        count=DAYS,
        own=own_series({made: whole}, adjusted_until=LAST),
    )
    assert price(int(daily.prices[-1])) == found.price
    if split > made:
        assert abs(Fraction(int(daily.prices[made - FIRST])) - whole * ratio) <= Fraction(1, 2)


def test_the_worked_example() -> None:
    day = {
        text: date.fromisoformat(f"2026-{text}").toordinal()
        for text in ("01-10", "01-31", "03-31", "04-01", "05-05")
    }
    daily = daily_prices(
        closes=NO_CLOSES,
        marks=points({day["01-10"]: 280 * 10**8, day["05-05"]: 90 * 10**8}),
        splits=[(day["04-01"], Fraction(3))],
        first=day["01-10"],
        count=day["05-05"] - day["01-10"] + 1,
        own=own_series({day["01-31"]: 300 * 10**8}),
    )
    shown = {
        text: (
            price(int(daily.prices[at - day["01-10"]])),
            bool(daily.estimated[at - day["01-10"]]),
        )
        for text, at in day.items()
    }
    assert shown == {
        "01-10": (D(280), True),
        "01-31": (D(300), False),
        "03-31": (D(300), False),
        "04-01": (D(100), False),
        "05-05": (D(100), False),
    }
    assert len(NO_OWN.days) == 0


JUMPS = """
known         entered       split      jump
1:0.985       2:98.5        -          2
1:0.985       2:0.99        -          -
1:300         3:3           2:100      -
1:300         3:3           -          3
5:1           2:100         -          2
-             2:1,3:100     -          3
-             2:1           -          -
1:1,3:1       2:100         -          2
"""


@pytest.mark.parametrize("line", JUMPS.strip().splitlines()[1:])
def test_a_hundredfold_jump_without_a_split_is_told(line: str) -> None:
    known, entered, split, expected = line.split()

    def read(text: str) -> dict[int, D]:
        pairs = [] if text == "-" else [part.split(":") for part in text.split(",")]
        return {int(day): D(value) for day, value in pairs}

    found = jumps(
        known=read(known),
        entered=read(entered),
        splits=[(day, Fraction(ratio)) for day, ratio in read(split).items()],
    )
    assert [jump.day for jump in found] == ([] if expected == "-" else [int(expected)])
