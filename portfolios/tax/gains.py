"""Gain lines: the gain of a disposal, as the investor and the tax form read it. Pure.

A disposal is the part of one sale that came out of one lot. It is one line, or two if a part of
its loss is permanently disallowed (IRC 1091, Rev. Rul. 2008-5: replaced in a retirement account):

    gain             proceeds - cost basis
    disallowed loss  the part of the loss that wash sales disallow, >= 0
    recognized gain  gain + disallowed loss

    permanent line   quantity   the units replaced in a retirement account
                     proceeds   disposal's proceeds * quantity / disposal's quantity, rounded
                     basis      proceeds + permanent loss, so that none of it is recognized
                     adjustment the same share of the basis that earlier wash sales had added
    other line       the rest of every figure: the two sum to the disposal to the cent

Worked example: 40 sold for 1,800.00, basis 2,000.00; 10 replaced in an IRA, 20 in the account:
    permanent   10   proceeds 450.00   basis   500.00   gain  -50.00   disallowed  50.00
    other       30   proceeds 1350.00  basis 1,500.00   gain -150.00   disallowed 100.00

A loss is provisional while a purchase can still make it a wash sale: until the 30th day after the
sale (day 30 included), in any year. Amounts are in the account's currency.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from core.money import WIDE, quantize
from transactions.ledger.wash_windows import window_end

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """A disposal as the ledger stores it; ids are public.

    `taxable`: it counts on a tax return; `washable`: a purchase could disallow its loss.
    """

    account_id: str
    sale_id: str
    part: int
    lot_id: str
    symbol: str
    event: str
    currency: str
    taxable: bool
    washable: bool
    opened_date: date
    holding_period_date: date
    closed_date: date
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    wash_sale_adjustment: Decimal
    long_term: bool
    matched_quantity: Decimal
    deferred_loss: Decimal
    permanent_quantity: Decimal
    permanent_loss: Decimal


@dataclass(frozen=True, slots=True)
class GainLine:
    """One gain line, and one row of Form 8949 if the account is taxable."""

    account_id: str
    sale_id: str
    part: int
    lot_id: str
    symbol: str
    event: str
    currency: str
    taxable: bool
    washable: bool
    opened_date: date
    holding_period_date: date
    closed_date: date
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    wash_sale_adjustment: Decimal
    disallowed_loss: Decimal
    long_term: bool
    permanent: bool

    @property
    def id(self) -> str:
        """A stable id: the sale, the number of its part, and p for a permanent line."""
        return f"{self.sale_id}:{self.part}{'p' if self.permanent else ''}"

    @property
    def gain(self) -> Decimal:
        return self.proceeds - self.cost_basis

    @property
    def recognized_gain(self) -> Decimal:
        return self.gain + self.disallowed_loss

    @property
    def wash_sale(self) -> bool:
        return self.disallowed_loss > 0

    def provisional_until(self, *, as_of: date) -> date | None:
        """Return the last day on which a purchase could disallow the recognized loss."""
        until = window_end(self.closed_date)
        return until if self.washable and self.recognized_gain < 0 and as_of <= until else None


def gain_lines(part: Part) -> tuple[GainLine, ...]:
    """Return the line of a disposal, or its two lines, the permanent one first."""
    whole = GainLine(
        account_id=part.account_id,
        sale_id=part.sale_id,
        part=part.part,
        lot_id=part.lot_id,
        symbol=part.symbol,
        event=part.event,
        currency=part.currency,
        taxable=part.taxable,
        washable=part.washable,
        opened_date=part.opened_date,
        holding_period_date=part.holding_period_date,
        closed_date=part.closed_date,
        quantity=part.quantity,
        proceeds=part.proceeds,
        cost_basis=part.cost_basis,
        wash_sale_adjustment=part.wash_sale_adjustment,
        disallowed_loss=part.deferred_loss + part.permanent_loss,
        long_term=part.long_term,
        permanent=False,
    )
    if not part.permanent_loss:
        return (whole,)
    if part.permanent_quantity >= part.quantity:
        return (replace(whole, permanent=True),)
    share = WIDE.divide(part.permanent_quantity, part.quantity)
    proceeds = quantize(WIDE.multiply(part.proceeds, share), part.currency)
    gone = replace(
        whole,
        quantity=part.permanent_quantity,
        proceeds=proceeds,
        cost_basis=proceeds + part.permanent_loss,
        wash_sale_adjustment=quantize(
            WIDE.multiply(part.wash_sale_adjustment, share), part.currency
        ),
        disallowed_loss=part.permanent_loss,
        permanent=True,
    )
    return (gone, _rest(whole, gone))


def _rest(whole: GainLine, gone: GainLine) -> GainLine:
    return replace(
        whole,
        quantity=whole.quantity - gone.quantity,
        proceeds=whole.proceeds - gone.proceeds,
        cost_basis=whole.cost_basis - gone.cost_basis,
        wash_sale_adjustment=whole.wash_sale_adjustment - gone.wash_sale_adjustment,
        disallowed_loss=whole.disallowed_loss - gone.disallowed_loss,
    )


def converted(line: GainLine, *, rate: Decimal, currency: str) -> GainLine:
    """Return the line in another currency at `rate` units of it for one, each figure rounded."""

    def other(amount: Decimal) -> Decimal:
        return quantize(WIDE.multiply(amount, rate), currency)

    return replace(
        line,
        currency=currency,
        proceeds=other(line.proceeds),
        cost_basis=other(line.cost_basis),
        wash_sale_adjustment=other(line.wash_sale_adjustment),
        disallowed_loss=other(line.disallowed_loss),
    )


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over lines of one currency: columns (d), (e), (g) and (h) of Form 8949."""

    proceeds: Decimal = ZERO
    cost_basis: Decimal = ZERO
    disallowed_loss: Decimal = ZERO
    lines: int = 0

    @property
    def gain(self) -> Decimal:
        return self.proceeds - self.cost_basis

    @property
    def recognized_gain(self) -> Decimal:
        return self.gain + self.disallowed_loss

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.proceeds + other.proceeds,
            self.cost_basis + other.cost_basis,
            self.disallowed_loss + other.disallowed_loss,
            self.lines + other.lines,
        )


def total_of(line: GainLine) -> Totals:
    """Return a single line as totals."""
    return Totals(line.proceeds, line.cost_basis, line.disallowed_loss, 1)


def totals(lines: Iterable[GainLine]) -> Mapping[bool, Totals]:
    """Return the sums of the short-term (False) and the long-term (True) lines."""
    found = {False: Totals(), True: Totals()}
    for line in lines:
        found[line.long_term] += total_of(line)
    return found


@dataclass(frozen=True, slots=True)
class TermTotals:
    """Totals by term, and their sum."""

    short_term: Totals = Totals()
    long_term: Totals = Totals()

    @property
    def total(self) -> Totals:
        return self.short_term + self.long_term


@dataclass(frozen=True, slots=True)
class Provisional:
    """Recognized losses (>= 0) that a purchase can still disallow, and the last such day."""

    loss: Decimal = ZERO
    until: date | None = None

    def __add__(self, other: "Provisional") -> "Provisional":
        days = [day for day in (self.until, other.until) if day is not None]
        return Provisional(self.loss + other.loss, max(days, default=None))


@dataclass(frozen=True, slots=True)
class YearGains:
    """Realized gains of one year."""

    year: int
    totals: TermTotals
    provisional: Provisional


@dataclass(frozen=True, slots=True)
class SymbolGains:
    """Realized gains of one symbol."""

    symbol: str
    totals: TermTotals


@dataclass(frozen=True, slots=True)
class GainsSummary:
    """Realized gains of an account: every year, newest first, and the symbols of `year` (or all).

    Amounts are in the account's currency.
    """

    account_id: UUID
    currency: str
    taxable: bool
    year: int | None
    years: tuple[YearGains, ...]
    symbols: tuple[SymbolGains, ...]
