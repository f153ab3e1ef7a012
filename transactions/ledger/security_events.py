"""The entries of the ledger by which a corporate action changes one account. Pure.

    units     held at the beginning of the ex-day, and when the action is booked (a payment, or the
              end of the year, may come later)
    cash      units of the ex-day * cash per share, rounded to the currency
    fraction  what is left of a share after the action, paid at the price of a whole share

Worked example: 33 shares, a split of 3:2, 20.00 for a whole share in lieu: 49.5 shares, of which
0.5 are sold for 10.00. 100 shares, a merger for 0.5 new shares worth 30.00 each and 10.00 in cash
for each share: 50 new shares and 1,000.00; the ledger recognizes gain up to the 1,000.00.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from uuid import UUID

from core.limits import QUANTITY_DECIMALS
from core.money import WIDE, quantize
from marketdata.corporate_actions import Terms, same_day, same_ratio
from transactions.ledger.entries import ChosenLot, Entry, Ratio
from transactions.ledger.kinds import KINDS

_STEP = Decimal(1).scaleb(-QUANTITY_DECIMALS)
# The transaction types by which an account may record each kind of action itself.
_TOLD_AS = {
    "split": ("split", "stock_dividend"),
    "stock_dividend": ("split", "stock_dividend"),
    "delisting": (),
    "cash_in_lieu": (),
}


@dataclass(frozen=True, slots=True)
class Units:
    """The units of an account: at the beginning of the ex-day, and just before the booking.

    `tendered`: the units given up in an exchange offer, which is voluntary. `lots`: public ids and
    units just before the booking, the oldest first, if a fraction of what they become is sold.
    """

    at_ex_date: Fraction = Fraction(0)
    at_booking: Fraction = Fraction(0)
    tendered: Fraction = Fraction(0)
    lots: tuple[tuple[UUID, Fraction], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A transaction of an account that may already record the action."""

    id: int
    type: str
    day: date
    ratio: Fraction | None
    quantity: Decimal | None
    new_symbol: str | None


def begins_at(terms: Terms) -> datetime:
    """Return the beginning of the ex-day: accounts that hold the security then take part."""
    return datetime.combine(terms.ex_date, time(), UTC)


def booked_at(terms: Terms) -> datetime:
    """Return the instant of the transactions: before the trades of a day, or after them.

    A payment on a later day comes at noon, as does cash for a fraction, which an event of the same
    day may have left; a worthless security at the end of the year.
    """
    day = terms.booked_on
    if terms.kind == "delisting":
        return datetime.combine(day, time(23, 59, 59), UTC)
    late = day > terms.ex_date or terms.kind == "cash_in_lieu"
    return datetime.combine(day, time(12 if late else 0), UTC)


def turn_of(terms: Terms) -> tuple[int, int]:
    """Return where the action goes within its instant: events before it change its units."""
    kind = KINDS[next(iter(told_types(terms)), "sell")]
    return kind.rank, kind.turn


def told_types(terms: Terms) -> tuple[str, ...]:
    """Return the types of transactions by which an account may record the action itself."""
    if terms.kind == "liquidation":
        return ("merger",) if terms.final else ("return_of_capital",)
    return _TOLD_AS.get(terms.kind, (terms.kind,))


def told_by(terms: Terms, rows: Iterable[Told], units: Fraction) -> Told | None:
    """Return the transaction that is the action, the nearest by day, or None."""
    alike = [row for row in rows if _is_told(terms, row, units)]
    return min(
        alike,
        key=lambda row: (abs((row.day - terms.booked_on).days), row.id),
        default=None,
    )


def _is_told(terms: Terms, row: Told, units: Fraction) -> bool:
    if row.type not in told_types(terms):
        return False
    if not (same_day(row.day, terms.ex_date) or same_day(row.day, terms.booked_on)):
        return False
    if terms.rescaling is not None:
        factor = _rescaling(row, units)
        return factor is not None and same_ratio(factor, terms.rescaling)
    if (row.new_symbol or "") != (terms.new_symbol or ""):
        return False
    return terms.ratio is None or row.ratio is None or same_ratio(row.ratio, terms.ratio)


def _rescaling(row: Told, units: Fraction) -> Fraction | None:
    """Return the new units for one old that a transaction states, as a ratio or as units added."""
    if row.ratio is not None:
        return 1 + row.ratio if row.type == "stock_dividend" else row.ratio
    if row.quantity is None or not units:
        return None
    return 1 + Fraction(row.quantity) / units


def takes_part(terms: Terms, units: Units) -> bool:
    """Return whether the action changes anything in an account that holds these units."""
    if terms.kind == "delisting":
        return bool(units.at_ex_date and units.at_booking)
    if terms.kind == "cash_in_lieu":
        return bool(_fraction(units.at_booking))
    if terms.kind == "exchange_offer":
        return bool(units.tendered)
    return bool(units.at_ex_date)


def entries_of(terms: Terms, units: Units, *, lot_method: str | None = None) -> list[Entry]:
    """Return the entries that book the action in an account, in order.

    `lot_method`: of the sale of a fraction; None: the account's own.
    """
    at = booked_at(terms)
    if terms.kind == "delisting":
        everything = quantity_of(units.at_booking)
        return [_sale(terms, at, everything, Decimal(0), terms.symbol, "fifo")]
    if terms.kind == "cash_in_lieu":
        fraction = _fraction(units.at_booking)
        paid = _in_lieu(terms, fraction)
        return [_sale(terms, at, quantity_of(fraction), paid, terms.symbol, lot_method)]
    offered = terms.kind == "exchange_offer"
    given_up = units.tendered if offered else units.at_ex_date
    cash = quantize(
        WIDE.multiply(quantity_of(given_up), terms.cash_per_share or Decimal(0)),
        terms.currency,
    )
    if terms.kind in ("return_of_capital", "liquidation"):
        final = terms.kind == "liquidation" and terms.final and units.at_booking
        kind = "merger" if final else "return_of_capital"
        return [Entry(kind, at, terms.currency, terms.symbol, amount=cash)]
    fraction = _fraction(_after(terms, units))
    paid = _in_lieu(terms, fraction)
    exchanged = offered or terms.kind == "merger"
    boot = exchanged and terms.new_symbol is not None and cash > 0
    entry = Entry(
        terms.kind,
        at,
        terms.currency,
        terms.symbol,
        quantity=quantity_of(units.tendered) if offered else None,
        amount=(cash if boot or (exchanged and not terms.new_symbol) else paid) or None,
        price=terms.new_share_value if boot else None,
        new_symbol=terms.new_symbol,
        ratio=_ratio(terms),
        basis_percentage=terms.basis_percentage,
        lot_method=lot_method if offered else None,
    )
    if not (boot and paid):
        return [entry]
    assert terms.new_symbol is not None, "boot comes beside shares"
    sold = _sale(terms, at, quantity_of(fraction), paid, terms.new_symbol, lot_method)
    return [entry, _of_received(sold, units, terms)]


def _of_received(sold: Entry, units: Units, terms: Terms) -> Entry:
    """Return the sale of a fraction with the lots named that were received, the oldest first."""
    left, chosen = sold.quantity or Decimal(0), list[ChosenLot]()
    for lot_id, held in units.lots:
        part = min(left, quantity_of(held * (terms.ratio or 1)))
        if part > 0:
            chosen.append(ChosenLot(lot_id, part))
            left -= part
    return replace(sold, lots=tuple(chosen), lot_method=None) if chosen and not left else sold


def unheld_entry(terms: Terms) -> Entry:
    """Return the entry for an account that holds nothing, but whose losses wait in old units."""
    return Entry(
        terms.kind,
        booked_at(terms),
        terms.currency,
        terms.symbol,
        new_symbol=terms.new_symbol,
        ratio=_ratio(terms),
    )


def reaches_losses(terms: Terms) -> bool:
    """Return whether losses that wait for replacement shares follow the action."""
    return terms.rescaling is not None or terms.kind == "symbol_change"


def _after(terms: Terms, units: Units) -> Fraction:
    """Return the units among which a fraction may be left: all after a split, else those new."""
    if terms.rescaling is not None:
        return units.at_booking * terms.rescaling
    held = units.tendered if terms.kind == "exchange_offer" else units.at_booking
    return held * (terms.ratio or Fraction(0))


def _in_lieu(terms: Terms, fraction: Fraction) -> Decimal:
    if terms.cash_in_lieu_price is None:
        return Decimal(0)
    exact = Fraction(terms.cash_in_lieu_price) * fraction
    return quantize(
        WIDE.divide(Decimal(exact.numerator), Decimal(exact.denominator)), terms.currency
    )


def _sale(
    terms: Terms,
    at: datetime,
    quantity: Decimal,
    amount: Decimal,
    symbol: str,
    lot_method: str | None,
) -> Entry:
    return Entry("sell", at, terms.currency, symbol, quantity, amount=amount, lot_method=lot_method)


def _ratio(terms: Terms) -> Ratio | None:
    if terms.ratio_new is None or terms.ratio_old is None:
        return None
    return Ratio(terms.ratio_new, terms.ratio_old)


def _fraction(units: Fraction) -> Fraction:
    return units - units.numerator // units.denominator


def quantity_of(units: Fraction) -> Decimal:
    """Return exact units as a quantity of the ledger, rounded down."""
    exact = WIDE.divide(Decimal(units.numerator), Decimal(units.denominator))
    return exact.quantize(_STEP, rounding=ROUND_DOWN, context=WIDE)
