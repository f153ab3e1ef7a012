"""The tax effect of a sale, from its gain lines. Pure.

gain       recognized gain of the lines by term, after the losses that wash sales would disallow
tax        tax of the whole return with the sale - tax of the return without it: the
           recomputed Schedule D, so that losses of the year, carried losses and the limit count
marginal   short gain * short rate + long gain * long rate: the sale on its own
buy back   from the 31st day after the sale: a purchase on day 30 is a replacement
           (Reg. 1.1091-1(a))
clean      the first day on which no earlier purchase is a replacement: 31 days after the last
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from core.money import quantize
from portfolios.tax.gains import GainLine, TermTotals, Totals, total_of
from portfolios.tax.schedule_d import NetGains, ScheduleD, Tax, TaxRates, tax
from portfolios.tax.tax_return import TaxReturn, years_of
from transactions.ledger.wash_windows import clean_date

ZERO = Decimal(0)


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
    """Return the effect of more recognized gains, in the return's currency, on the return.

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
    """Return the sums of the short-term and of the long-term lines."""
    short = sum((total_of(line) for line in lines if not line.long_term), Totals())
    long = sum((total_of(line) for line in lines if line.long_term), Totals())
    return short, long


def first_safe_date(lines: Sequence[GainLine], *, sold_date: date) -> date | None:
    """Return the first day to buy back the asset; None if no loss could be disallowed."""
    at_loss = any(line.washable and line.gain < 0 for line in lines)
    return clean_date(sold_date) if at_loss else None


def clean_sale_date(recent: Sequence[date]) -> date | None:
    """Return the first day to sell outside the window of earlier purchases; None without any."""
    return clean_date(max(recent)) if recent else None


@dataclass(frozen=True, slots=True)
class PreviewedReplacement:
    """Shares that would take over a part of the loss, in the account that holds them.

    `disallowed_loss` is in the currency of the sale's account, `basis_added` in `currency`.
    """

    lot_id: str
    account_id: UUID
    account_name: str
    currency: str
    replacement_date: date
    quantity: Decimal
    disallowed_loss: Decimal
    basis_added: Decimal
    permanent: bool
    days_held: int


@dataclass(frozen=True, slots=True)
class PreviewedWashSale:
    """The losses the sale would lose to wash sales, now (>= 0) or to a later purchase."""

    deferred_loss: Decimal
    permanent_loss: Decimal
    loss_at_risk: Decimal
    replacements: tuple[PreviewedReplacement, ...]

    @property
    def disallowed_loss(self) -> Decimal:
        return self.deferred_loss + self.permanent_loss


@dataclass(frozen=True, slots=True)
class ComparedMethod:
    """The outcome of one lot method; `totals` is None if the method cannot make the sale."""

    lot_method: str
    totals: TermTotals | None
    estimated_tax: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class SalePreview:
    """A sale before it is made; amounts in `currency`, the account's, unless named otherwise.

    `effect` is None if the account is not taxed. `price_as_of` is None for a stated price. The
    first of `methods` is the one asked for.
    """

    account_id: UUID
    symbol: str
    quantity: Decimal
    as_of: datetime
    price: Decimal
    price_currency: str
    price_as_of: datetime | None
    price_stale: bool
    price_estimated: bool
    fx_rate: Decimal
    currency: str
    fee: Decimal  # in price_currency
    proceeds: Decimal
    lot_method: str
    lines: tuple[GainLine, ...]
    totals: TermTotals
    effect: TaxEffect | None
    wash_sale: PreviewedWashSale
    first_safe_date: date | None
    clean_sale_date: date | None
    methods: tuple[ComparedMethod, ...]

    @property
    def estimated_tax(self) -> Decimal:
        return self.effect.total if self.effect else ZERO

    @property
    def proceeds_after_tax(self) -> Decimal:
        """The proceeds less the tax; only meaningful where the tax is in the same currency."""
        return self.proceeds - self.estimated_tax

    @property
    def tax_currency(self) -> str:
        return self.effect.currency if self.effect else self.currency
