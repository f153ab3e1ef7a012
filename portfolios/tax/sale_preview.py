"""What a sale would cost in tax, beside what it would not: pure figures over gain lines.

gain       recognised gain of the lines by term, after what wash sales would keep back
tax        tax of the whole return with the sale - tax of the return without it: the
           recomputed Schedule D, so that losses of the year, carried losses and the limit count
marginal   short gain * short rate + long gain * long rate: what the sale alone would suggest
buy back   from the 31st day after the sale: day 30 still washes its loss (Reg. 1.1091-1(a))
clean      the first day to sell without meeting purchases made already: 31 days after the last
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.money import quantize
from portfolios.tax.gains import GainLine, Totals, total_of
from portfolios.tax.schedule_d import NetGains, ScheduleD, Tax, TaxRates, tax
from portfolios.tax.tax_return import TaxReturn, years_of
from transactions.ledger.wash_sales import clean_date


@dataclass(frozen=True, slots=True)
class TaxEffect:
    """A sale's effect on its return, in the return's currency."""

    currency: str
    rates: TaxRates
    before: ScheduleD
    after: ScheduleD
    tax_before: Tax
    tax_after: Tax
    marginal: Decimal

    @property
    def total(self) -> Decimal:
        return self.tax_after.total - self.tax_before.total


def tax_effect(*, found: TaxReturn, change: NetGains) -> TaxEffect:
    """What gains more, recognised and in the currency of the return, would change about it.

    The rates are those of the return's first owner; see `with_rates`.
    """
    rates = found.owners[0].rates
    before = years_of(found)[found.year]
    after = years_of(found, change=change)[found.year]
    return TaxEffect(
        currency=found.currency,
        rates=rates,
        before=before,
        after=after,
        tax_before=tax(result=before, rates=rates, currency=found.currency),
        tax_after=tax(result=after, rates=rates, currency=found.currency),
        marginal=quantize(
            change.short_term * rates.on_short + change.long_term * rates.on_long, found.currency
        ),
    )


def by_term(lines: Sequence[GainLine]) -> tuple[Totals, Totals]:
    """The sums of the short and of the long lines."""
    short = sum((total_of(line) for line in lines if not line.long_term), Totals())
    long = sum((total_of(line) for line in lines if line.long_term), Totals())
    return short, long


def first_safe_date(lines: Sequence[GainLine], *, sold_date: date) -> date | None:
    """From when the same asset may be bought back; None where no loss could be washed."""
    at_loss = any(line.washable and line.gain < 0 for line in lines)
    return clean_date(sold_date) if at_loss else None


def clean_sale_date(recent: Sequence[date]) -> date | None:
    """The first day to sell beyond the window of purchases already made; None without any."""
    return clean_date(max(recent)) if recent else None
