"""What a loss realized today is worth to its owner. Pure.

    now       tax of the year without the loss - tax with it, from the recomputed Schedule D. So the
              losses carried in and the year's own gains come first: short-term losses offset
              short-term gains, long-term losses long-term gains, each then the other side, then
              income up to the limit of IRC 1211(b)
    carried   the part no gain and no limit of this year absorbs is carried (IRC 1212(b)) and used
              against income: limit L each year from the next one on, at the ordinary rates,
              discounted; L_k = min(L, what is left), worth L_k * ordinary rates * d^k, k = 1, 2 ...
              horizon. What is left then counts as nothing. Future gains, which would use the loss
              earlier, are not assumed
    later     the replacement has the lower basis, so the loss comes back as a gain when it is sold:
              loss * long-term rates * d^horizon. This is the opportunity cost: what remains of
              `now` is the time value, plus the difference of the rates
    d         1 / (1 + discount)

Waiting has no value of its own in this model: after a harvest, a further fall can be harvested
again from the lower basis, at the price of another round trip (Constantinides, "Capital Market
Equilibrium with Personal Taxes", Econometrica 51, 1983). So a loss is taken as soon as it pays for
its round trip.

Worked example: rates short 40 %, long 20 %, no gains, limit 3,000, loss 1,000 short-term, horizon
10 years at 5 %: now 400.00; carried 0; later 1,000 * 0.20 * 1.05^-10 = 122.78; in all 277.22.
With a gain of 5,000 long-term instead: now 200.00 (it offsets the long side), in all 77.22.

Amounts are in the account's currency; Schedule D is in the currency of the owner's return.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from core.money import quantize
from portfolios.tax.schedule_d import Carried, NetGains, ScheduleD, TaxRates, schedule_d, tax
from recommendations.harvesting.options import HarvestOptions

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class TaxPosition:
    """The owner's return before the harvest, in its own currency.

    short_term, long_term: recognized gains of the year so far; carried_short, carried_long: losses
    carried into the year, >= 0. The four rates are the owner's marginal ones, fractions.
    fx_rate: units of `currency` for one unit of the account's currency.
    """

    year: int
    currency: str
    short_term: Decimal
    long_term: Decimal
    carried_short: Decimal
    carried_long: Decimal
    loss_limit: Decimal
    ordinary_rate: Decimal
    long_term_rate: Decimal
    state_rate: Decimal
    net_investment_income_rate: Decimal
    fx_rate: Decimal = ONE

    @property
    def rates(self) -> TaxRates:
        """Return the rates as the return applies them."""
        return TaxRates(
            self.ordinary_rate,
            self.long_term_rate,
            self.state_rate,
            self.net_investment_income_rate,
        )

    @property
    def schedule(self) -> ScheduleD:
        """Return the year's Schedule D."""
        return schedule_d(
            year=self.year,
            gains=NetGains(self.short_term, self.long_term),
            carried_in=Carried(self.carried_short, self.carried_long),
            loss_limit=self.loss_limit,
        )

    def after(self, loss: "Loss") -> "TaxPosition":
        """Return the position after a loss, given in the account's currency."""
        return replace(
            self,
            short_term=self.short_term - loss.short_term * self.fx_rate,
            long_term=self.long_term - loss.long_term * self.fx_rate,
        )


@dataclass(frozen=True, slots=True)
class Loss:
    """Recognized losses by term, in the account's currency; a gain is negative."""

    short_term: Decimal = ZERO
    long_term: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.short_term + self.long_term


@dataclass(frozen=True, slots=True)
class TaxValue:
    """The value of a loss in the account's currency, rounded: now + carried - later = net."""

    now: Decimal
    carried: Decimal
    later: Decimal

    @property
    def net(self) -> Decimal:
        return self.now + self.carried - self.later


def tax_value(
    *, position: TaxPosition, loss: Loss, options: HarvestOptions, currency: str
) -> TaxValue:
    """Return the value of a loss on top of the position, in `currency`, the account's."""
    rates, home = position.rates, position.currency
    before, after = position.schedule, position.after(loss).schedule
    saved = (
        tax(result=before, rates=rates, currency=home).total
        - tax(result=after, rates=rates, currency=home).total
    )
    discount = _discount(options)
    carried = _use_of(after, rates, discount, options) - _use_of(before, rates, discount, options)
    later = loss.total * rates.on_long * discount**options.horizon_years
    return TaxValue(
        now=quantize(saved / position.fx_rate, currency),
        carried=quantize(carried / position.fx_rate, currency),
        later=quantize(later, currency),
    )


def _discount(options: HarvestOptions) -> Decimal:
    return ONE / (ONE + options.discount_percentage / HUNDRED)


def _use_of(
    schedule: ScheduleD, rates: TaxRates, discount: Decimal, options: HarvestOptions
) -> Decimal:
    """Return what the losses carried out of the year save later, discounted to today."""
    left = schedule.carried_out.short_term + schedule.carried_out.long_term
    worth, factor = ZERO, ONE
    for _ in range(options.horizon_years):
        if left <= 0:
            break
        factor *= discount
        used = min(left, schedule.loss_limit)
        worth += used * rates.on_short * factor
        left -= used
    return worth
