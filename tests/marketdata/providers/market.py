"""The securities and rates that the loopback vendors quote, and the ten lies they can tell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from marketdata.providers.port import DayBar, Dividend, MinuteBar, Split


@dataclass(frozen=True)
class Security:
    """A security, its newest price, and its raw history. Days ascend.

    `as_of` None: the price is of the moment it is asked for. `exchange` is a calendar's code.
    """

    symbol: str
    name: str
    asset_class: str
    exchange: str
    currency: str
    price: Decimal
    previous_close: Decimal
    as_of: datetime | None = None
    bars: Sequence[DayBar] = ()
    minutes: Sequence[MinuteBar] = ()
    splits: Sequence[Split] = ()
    dividends: Sequence[Dividend] = ()

    @property
    def quoted_at(self) -> datetime:
        return self.as_of or datetime.now(UTC).replace(microsecond=0)


def day_bar(day: str, *prices: str, volume: int) -> DayBar:
    opened, high, low, close = (Decimal(price) for price in prices)
    return DayBar(date.fromisoformat(day), close, opened, high, low, volume)


def minute_bar(at: str, *prices: str, volume: int) -> MinuteBar:
    opened, high, low, close = (Decimal(price) for price in prices)
    return MinuteBar(datetime.fromisoformat(at), opened, high, low, close, volume)


# A split 2:1 on the 18th and a dividend on the 19th.
ACME = Security(
    *("ACME", "Acme Corporation", "equity", "XNYS", "USD"),
    price=Decimal("101.25"),
    previous_close=Decimal("100.5"),
    bars=(
        day_bar("2026-11-16", "197", "198.5", "196.25", "198", volume=1_200_000),
        day_bar("2026-11-17", "198.1", "199.75", "197.5", "199", volume=1_300_000),
        day_bar("2026-11-18", "99.6", "100.25", "99.1", "99.75", volume=2_500_000),
        day_bar("2026-11-19", "99.8", "100.4", "99.55", "100.1", volume=2_100_000),
        day_bar("2026-11-20", "100.2", "101", "99.9", "100.5", volume=1_900_000),
    ),
    minutes=(
        minute_bar("2026-11-20T14:30:00+00:00", "100.2", "100.3", "100.1", "100.25", volume=900),
        minute_bar("2026-11-20T14:31:00+00:00", "100.25", "100.4", "100.2", "100.35", volume=700),
        minute_bar("2026-11-20T14:33:00+00:00", "100.35", "100.35", "99.9", "100", volume=1100),
    ),
    splits=(Split(date(2026, 11, 18), Decimal(2), Decimal(1)),),
    dividends=(Dividend(date(2026, 11, 19), Decimal("0.25")),),
)
BOLT = Security(
    *("BOLT", "Bolt Total Market ETF", "etf", "XNAS", "USD"),
    price=Decimal("50.1"),
    previous_close=Decimal("49.9"),
    bars=(
        day_bar("2026-11-19", "49.5", "50", "49.25", "49.75", volume=400_000),
        day_bar("2026-11-20", "49.8", "50.2", "49.6", "49.9", volume=410_000),
    ),
)
# In pence.
PLUM = Security(
    *("PLUM.L", "Plum Orchards plc", "equity", "XLON", "GBp"),
    price=Decimal("812.5"),
    previous_close=Decimal("810"),
    bars=(day_bar("2026-11-20", "808", "814", "807.5", "810", volume=65_000),),
)
# Units of a currency for one euro, by day.
RATES: Mapping[date, Mapping[str, Decimal]] = {
    date(2026, 11, 18): {"USD": Decimal("1.1583"), "GBP": Decimal("0.8781"), "JPY": Decimal(180)},
    date(2026, 11, 19): {
        "USD": Decimal("1.1576"),
        "GBP": Decimal("0.8801"),
        "JPY": Decimal("181.3"),
    },
    date(2026, 11, 20): {
        "USD": Decimal("1.152"),
        "GBP": Decimal("0.88055"),
        "JPY": Decimal("181.01"),
    },
}


@dataclass
class Market:
    """What there is to be quoted. Tests change it; every vendor quotes the same."""

    securities: dict[str, Security] = field(
        default_factory=lambda: {each.symbol: each for each in (ACME, BOLT, PLUM)}
    )
    rates: dict[date, Mapping[str, Decimal]] = field(default_factory=lambda: dict(RATES))


Lie = Callable[[Security], Security]


def _todays_bar(security: Security, close: Decimal) -> Security:
    """Return the security with a further session, of the day of its quote, that closed so."""
    today = security.quoted_at.date()
    earlier = tuple(bar for bar in security.bars if bar.day < today)
    return replace(security, bars=(*earlier, DayBar(today, close, close, close, close, 1)))


def _priced(price: Callable[[Security], Decimal]) -> Lie:
    return lambda security: _todays_bar(
        replace(security, price=price(security)), close=price(security)
    )


# By name. Prices and the day bar of today lie alike.
LIES: Mapping[str, Lie] = {
    "lie_zero": _priced(lambda security: Decimal(0)),
    "lie_negative": _priced(lambda security: -security.price),
    "lie_nan": _priced(lambda security: Decimal("NaN")),
    "lie_hundredfold": _priced(lambda security: security.price * 100),
    "lie_old_time": lambda security: replace(
        security, as_of=security.quoted_at - timedelta(days=30)
    ),
    "lie_future_time": lambda security: replace(
        security, as_of=security.quoted_at + timedelta(days=2)
    ),
    "lie_wrong_symbol": lambda security: replace(security, symbol="NOTASKED"),
    "lie_wrong_currency": lambda security: replace(security, currency="JPY"),
    "lie_stale_close": _priced(lambda security: security.previous_close),
}
# The tenth: each of two securities has the price of the other.
LIE_SWAPPED = "lie_swapped"
LIE_NAMES = (*LIES, LIE_SWAPPED)


def told(market: Market, lie: str) -> Market:
    """Return the market as a vendor that tells this lie describes it."""
    if lie == LIE_SWAPPED:
        return Market(_swapped(market.securities), market.rates)
    changed = {symbol: LIES[lie](each) for symbol, each in market.securities.items()}
    return Market(changed, market.rates)


def _swapped(securities: Mapping[str, Security]) -> dict[str, Security]:
    symbols = sorted(securities)
    other = dict(zip(symbols, (*symbols[1:], symbols[0]), strict=True))
    return {
        symbol: replace(
            security,
            price=securities[other[symbol]].price,
            previous_close=securities[other[symbol]].previous_close,
            bars=securities[other[symbol]].bars,
        )
        for symbol, security in securities.items()
    }
