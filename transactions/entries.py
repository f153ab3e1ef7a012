"""From what an investor states to what the ledger books: amounts, cash effect, sides. Pure.

    amount       quantity * price, rounded to the currency, or as stated
    buy          cash -(amount + fee), basis the same
    sell         cash +(amount - fee), proceeds the same
    deposit, dividend, interest   cash +amount - fee
    withdrawal, fee               cash -amount - fee

Cash effects are in the account's currency at `fx_rate` (account units for one unit of currency).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from core.errors import InvalidInput
from core.limits import FX_RATE_MAX, MONEY_MAX, PRICE_DECIMALS, PRICE_MAX
from core.money import WIDE, quantize

TRADES = frozenset({"buy", "sell"})
CASH_IN = frozenset({"deposit", "dividend", "interest", "sell"})
NEEDS_NO_ASSET = frozenset({"deposit", "withdrawal", "interest", "fee"})


@dataclass(frozen=True, slots=True)
class ChosenLot:
    """A lot named by its public id, and how much of it to sell."""

    lot_id: UUID
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction as stated by a user or a file; currency defaults are already filled in."""

    type: str
    executed_at: datetime
    currency: str
    symbol: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = Decimal(0)
    fx_rate: Decimal | None = None
    lot_method: str | None = None
    lots: Sequence[ChosenLot] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the ledger stores of an entry."""

    quantity: Decimal | None
    price: Decimal | None
    amount: Decimal
    fee: Decimal
    cash_effect: Decimal


def amounts(*, entry: Entry, fx_rate: Decimal, account_currency: str) -> Amounts:
    """Checks the entry's figures against each other and computes those it left out."""
    for name in ("price", "amount", "fee"):
        value = getattr(entry, name)
        if value is not None and (not value.is_finite() or value < 0):
            raise _invalid(name, "must not be negative", code="negative")
    if entry.type in TRADES:
        quantity, price, amount = _trade_figures(entry)
    else:
        quantity, price, amount = None, None, _cash_figure(entry)
    if fx_rate > FX_RATE_MAX:
        raise _invalid("fx_rate", f"exceeds {FX_RATE_MAX}", code="fx_rate_too_large")
    fee = quantize(entry.fee, entry.currency)
    if fee != entry.fee:
        raise _invalid("fee", "has more decimals than the currency", code="fee_precision")
    sign = 1 if entry.type in CASH_IN else -1
    effect = quantize((sign * amount - fee) * fx_rate, account_currency)
    if max(amount, fee, abs(effect)) > MONEY_MAX:
        raise _invalid("amount", f"exceeds {MONEY_MAX}", code="amount_too_large")
    return Amounts(quantity, price, amount, fee, effect)


def _trade_figures(entry: Entry) -> tuple[Decimal, Decimal, Decimal]:
    if entry.quantity is None:
        raise _invalid("quantity", "is required for a trade", code="quantity_required")
    if entry.quantity <= 0:
        raise _invalid("quantity", "must be greater than zero", code="not_positive")
    if entry.price is not None and entry.amount is not None:
        raise _invalid("amount", "give price or amount, not both", code="price_and_amount")
    if entry.price is not None:
        return entry.quantity, entry.price, quantize(entry.quantity * entry.price, entry.currency)
    if entry.amount is None:
        raise _invalid("price", "price or amount is required", code="price_required")
    amount = _whole_units(entry.amount, entry.currency)
    price = amount / entry.quantity
    if price > PRICE_MAX:
        raise _invalid("price", f"exceeds {PRICE_MAX}", code="price_too_large")
    price = price.quantize(Decimal(1).scaleb(-PRICE_DECIMALS), context=WIDE)
    return entry.quantity, price, amount


def _cash_figure(entry: Entry) -> Decimal:
    if entry.amount is None:
        raise _invalid("amount", f"is required for a {entry.type}", code="amount_required")
    for name in ("quantity", "price"):
        if getattr(entry, name) is not None:
            raise _invalid(name, f"does not belong to a {entry.type}", code="field_not_allowed")
    if entry.amount <= 0:
        raise _invalid("amount", "must be positive", code="amount_not_positive")
    return _whole_units(entry.amount, entry.currency)


def _whole_units(amount: Decimal, currency: str) -> Decimal:
    rounded = quantize(amount, currency)
    if rounded != amount:
        raise _invalid("amount", "has more decimals than the currency", code="amount_precision")
    return rounded


def _invalid(field: str, message: str, *, code: str) -> InvalidInput:
    return InvalidInput(f"{field} {message}.", code=code, fields={field: [message]})
