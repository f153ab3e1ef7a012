"""The value of a strategy counted out in units and cash, to check the records against.

Nothing of `recommendations.strategies` is used: fractions instead of floats, units instead of
weights, a dictionary of closes instead of arrays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction


@dataclass
class Security:
    closes: Mapping[date, Fraction]  # in units of their days
    splits: Mapping[date, Fraction] = field(default_factory=dict)
    dividends: Mapping[date, Fraction] = field(default_factory=dict)  # of one unit of the day
    ended: date | None = None
    paid: Fraction | None = None  # for a unit at the end; None: the last price
    spread: Fraction = Fraction(0)
    rates: Mapping[date, Fraction] = field(default_factory=dict)  # to the strategy's currency

    def over(self, day: date) -> bool:
        return self.ended is not None and day >= self.ended


@dataclass
class Version:
    published: date
    targets: Mapping[str, Fraction]
    band: Fraction | None = None
    months: int = 0


class _Book:
    """Units and cash, and the last known price and rate of every security."""

    def __init__(self, securities: Mapping[str, Security]) -> None:
        self.securities = securities
        self.units: dict[str, Fraction] = {}
        self.cash = Fraction(1)
        self.prices: dict[str, Fraction] = {}  # in today's units
        self.seen: dict[str, date] = {}
        self.rates: dict[str, Fraction] = {}
        self.held: Version | None = None
        self.waiting = False

    def pass_day(self, day: date) -> None:
        """Take in rates, splits, endings, closes and dividends of a day."""
        for name, one in self.securities.items():
            if day in one.rates:
                self.rates[name] = one.rates[day]
            ratio = one.splits.get(day, Fraction(1))
            if name in self.units:
                self.units[name] *= ratio
            if name in self.prices:
                self.prices[name] /= ratio
            if one.ended == day and name in self.units:
                at = self.prices[name] * ratio if one.paid is None else one.paid
                self.cash += self.units.pop(name) / ratio * at * self.rate(name)
            if day in one.closes and not one.over(day):
                self.prices[name], self.seen[name] = one.closes[day], day
            if day in one.dividends and name in self.units:
                self.units[name] += self.units[name] * one.dividends[day] / self.prices[name]

    def rate(self, name: str) -> Fraction:
        return self.rates.get(name, Fraction(1))

    def close(self, day: date, previous: date | None, version: Version) -> Fraction:
        """Rebalance if it is due, and return the value at the close."""
        worth = {name: count * self.price(name) for name, count in self.units.items()}
        total = self.cash + sum(worth.values())
        since = day - timedelta(days=2) if day.weekday() == 0 else day
        names = {*self.units, *version.targets}
        can = {
            name
            for name in names
            if self.seen.get(name, date.min) >= since and not self.securities[name].over(day)
        }
        frozen = sum((worth[name] for name in worth if name not in can), Fraction(0))
        share = sum((version.targets.get(name, Fraction(0)) for name in can), Fraction(0))
        share += 1 - sum(version.targets.values(), Fraction(0))
        wanted = {
            name: version.targets.get(name, Fraction(0)) / share * (total - frozen) / total
            for name in can
            if share
        }
        if not self._due(day, previous, version, worth, wanted, total):
            return total
        if can:
            total = self._trade(worth, wanted, total, frozen)
        self.held = version
        self.waiting = any(
            name not in can
            and name in self.seen
            and (day - self.seen[name]).days <= 7
            and not self.securities[name].over(day)
            and worth.get(name, 0) / total != version.targets.get(name, 0)
            for name in names
        )
        return total

    def price(self, name: str) -> Fraction:
        return self.prices[name] * self.rate(name)

    def _due(
        self,
        day: date,
        previous: date | None,
        version: Version,
        worth: Mapping[str, Fraction],
        wanted: Mapping[str, Fraction],
        total: Fraction,
    ) -> bool:
        if version is not self.held or self.waiting:
            return True
        if previous and version.months:
            months = version.months
            if _period(previous, months) != _period(day, months):
                return True
        return version.band is not None and any(
            abs(worth.get(name, 0) / total - weight) > version.band
            for name, weight in wanted.items()
        )

    def _trade(
        self,
        worth: dict[str, Fraction],
        wanted: Mapping[str, Fraction],
        total: Fraction,
        frozen: Fraction,
    ) -> Fraction:
        cost = sum(
            (
                abs(weight * total - worth.get(name, 0)) * self.securities[name].spread
                for name, weight in wanted.items()
            ),
            Fraction(0),
        )
        left = total - frozen - cost
        for name, weight in wanted.items():
            worth[name] = weight * total / (total - frozen) * left
            self.units[name] = worth[name] / self.price(name)
        self.units = {name: count for name, count in self.units.items() if count}
        held = sum((n * self.price(name) for name, n in self.units.items()), Fraction(0))
        self.cash = total - cost - held
        return total - cost


def values(
    securities: Mapping[str, Security], versions: Sequence[Version], last: date
) -> dict[date, Fraction]:
    """Return the value of one unit of currency invested at the first close after publication."""
    book = _Book(securities)
    found: dict[date, Fraction] = {}
    previous: date | None = None
    day = min(on for one in securities.values() for on in one.closes)
    while day <= last:
        book.pass_day(day)
        valid = [one for one in versions if one.published < day]
        if valid and day.weekday() < 5:
            found[day] = book.close(day, previous, valid[-1])
            previous = day
        day += timedelta(days=1)
    return found


def _period(day: date, months: int) -> int:
    return (day.year * 12 + day.month - 1) // months
