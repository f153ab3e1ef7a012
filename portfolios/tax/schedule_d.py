"""Schedule D of Form 1040: netting, the limit on losses, and the losses carried forward. Pure.

    line  6   short-term loss carried in (>= 0)          line 14   long-term loss carried in (>= 0)
    line  7   net short = short lines - line 6           line 15   net long = long lines - line 14
    line 16   line 7 + line 15: short and long offset each other
    line 21   if line 16 is a loss: the smaller of the loss and the limit of IRC 1211(b)
    carried   Capital Loss Carryover Worksheet of the Schedule D instructions: the deduction uses
              short-term losses first (IRC 1212(b)); each part keeps its term

    tax       net short gain * (ordinary + state + NIIT) + net long gain * (long + state + NIIT)
              if line 16 is a gain, after one side has absorbed the other's loss;
              -(line 21) * (ordinary + state + NIIT) if it is a loss

Worked example: short -6,000, long +1,000, limit 3,000, taxable income ample:
    line 7 -6,000   line 15 +1,000   line 16 -5,000   line 21 3,000   carried: short 2,000, long 0

Rates are the investor's own marginal ones. Each part of the tax (federal short, federal long,
state, NIIT) is rounded to the cent and the total is their sum.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.money import quantize

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Carried:
    """Capital losses of earlier years that no return has used yet; both >= 0."""

    short_term: Decimal = ZERO
    long_term: Decimal = ZERO

    def __add__(self, other: "Carried") -> "Carried":
        return Carried(self.short_term + other.short_term, self.long_term + other.long_term)


@dataclass(frozen=True, slots=True)
class NetGains:
    """The year's lines summed by term, before anything carried in (recognized gains)."""

    short_term: Decimal = ZERO
    long_term: Decimal = ZERO

    def __add__(self, other: "NetGains") -> "NetGains":
        return NetGains(self.short_term + other.short_term, self.long_term + other.long_term)


@dataclass(frozen=True, slots=True)
class TaxRates:
    """The investor's own marginal rates, fractions of income."""

    ordinary: Decimal
    long_term: Decimal
    state: Decimal
    net_investment_income: Decimal

    @property
    def on_short(self) -> Decimal:
        return self.ordinary + self.state + self.net_investment_income

    @property
    def on_long(self) -> Decimal:
        return self.long_term + self.state + self.net_investment_income


@dataclass(frozen=True, slots=True)
class ScheduleD:
    """One year of one return, in the currency of its lines. Losses carried are >= 0."""

    year: int
    gains: NetGains
    carried_in: Carried
    net_short: Decimal  # line 7
    net_long: Decimal  # line 15
    net: Decimal  # line 16
    loss_limit: Decimal
    deducted: Decimal  # line 21, >= 0
    carried_out: Carried

    @property
    def lines(self) -> dict[str, Decimal]:
        """The numbered lines of the form; an amount the form writes in parentheses is negative."""
        return {
            "6": -self.carried_in.short_term,
            "7": self.net_short,
            "14": -self.carried_in.long_term,
            "15": self.net_long,
            "16": self.net,
            "21": -self.deducted,
        }

    @property
    def taxed_short(self) -> Decimal:
        """The amount taxed as short-term gain, after the loss of the long side."""
        return max(ZERO, self.net_short + min(ZERO, self.net_long))

    @property
    def taxed_long(self) -> Decimal:
        """The amount taxed as net capital gain (IRC 1222(11))."""
        return max(ZERO, self.net_long + min(ZERO, self.net_short))


@dataclass(frozen=True, slots=True)
class Tax:
    """An estimate at flat marginal rates; negative if losses save tax on other income."""

    federal_short: Decimal
    federal_long: Decimal
    state: Decimal
    net_investment_income: Decimal

    @property
    def total(self) -> Decimal:
        return self.federal_short + self.federal_long + self.state + self.net_investment_income


def schedule_d(
    *,
    year: int,
    gains: NetGains,
    carried_in: Carried,
    loss_limit: Decimal,
    taxable_income: Decimal | None = None,
) -> ScheduleD:
    """Net a year's gains and losses.

    `loss_limit`: the deduction IRC 1211(b) allows from other income, in the currency of the lines.
    `taxable_income`: Form 1040 line 15 of the year, negative if deductions exceed income; None if
    unknown, which counts as enough income to use the whole deduction.
    """
    net_short = gains.short_term - carried_in.short_term
    net_long = gains.long_term - carried_in.long_term
    net = net_short + net_long
    deducted = min(max(ZERO, -net), loss_limit)
    return ScheduleD(
        year=year,
        gains=gains,
        carried_in=carried_in,
        net_short=net_short,
        net_long=net_long,
        net=net,
        loss_limit=loss_limit,
        deducted=deducted,
        carried_out=_carryover(net_short, net_long, deducted, taxable_income),
    )


def _carryover(
    net_short: Decimal, net_long: Decimal, deducted: Decimal, taxable_income: Decimal | None
) -> Carried:
    """Compute the Capital Loss Carryover Worksheet, by its line numbers."""
    if net_short + net_long >= 0:
        return Carried()
    line_2 = deducted
    line_3 = line_2 if taxable_income is None else max(ZERO, taxable_income + line_2)
    line_4 = min(line_2, line_3)
    line_5 = max(ZERO, -net_short)
    line_6 = max(ZERO, net_long)
    line_8 = max(ZERO, line_5 - (line_4 + line_6))
    line_9 = max(ZERO, -net_long)
    line_10 = max(ZERO, net_short)
    line_11 = max(ZERO, line_4 - line_5)
    line_13 = max(ZERO, line_9 - (line_10 + line_11))
    carried = Carried(line_8, line_13)
    assert carried.short_term + carried.long_term == -(net_short + net_long) - line_4, (
        "the unused loss is carried"
    )
    return carried


def successive_years(
    *,
    gains: Mapping[int, NetGains],
    stated: Mapping[int, Carried],
    loss_limit: Callable[[int], Decimal],
    until: int,
) -> dict[int, ScheduleD]:
    """Return every year's Schedule D up to `until`; each carries in the losses of the one before.

    gains    the recognized gains of each year, 0 if absent
    stated   the losses the investor says were carried into a year; they replace the computed ones,
             and the years before the first statement are not computed at all
    loss_limit   the deduction allowed from other income in a year
    """
    first = min([*stated] or [*gains] or [until])
    found: dict[int, ScheduleD] = {}
    carried = Carried()
    for year in range(first, until + 1):
        found[year] = schedule_d(
            year=year,
            gains=gains.get(year, NetGains()),
            carried_in=stated.get(year, carried),
            loss_limit=loss_limit(year),
        )
        carried = found[year].carried_out
    return found


def tax(*, result: ScheduleD, rates: TaxRates, currency: str) -> Tax:
    """Return the tax on the year's gains, or the tax its losses save on other income."""
    short, long = result.taxed_short, result.taxed_long
    if result.net < 0:
        short, long = -result.deducted, ZERO
    both = short + long
    return Tax(
        federal_short=quantize(short * rates.ordinary, currency),
        federal_long=quantize(long * rates.long_term, currency),
        state=quantize(both * rates.state, currency),
        net_investment_income=quantize(both * rates.net_investment_income, currency),
    )
