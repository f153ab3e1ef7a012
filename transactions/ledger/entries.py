"""From what an investor states to what the ledger stores: amounts, cash effect, ratios. Pure.

    amount       quantity * price, rounded to the currency, or as stated
    buy          cash -(amount + fee), basis the same
    sell         cash +(amount - fee), proceeds the same
    reinvestment cash -fee; amount is income and, with the fee, the basis of what it bought
    deposit, dividend, interest, return_of_capital   cash +amount - fee
    withdrawal, fee, tax                             cash -amount - fee
    split        ratio new:old (its quantity, where no ratio is given); amount is cash in lieu
    spin_off     new_symbol, ratio per share or quantity received, basis_percentage of the parent's
                 basis that goes with it; amount is cash in lieu
    merger       new_symbol and ratio, or amount in cash, or both: with price (what a new share was
                 worth) the cash is boot, without it cash in lieu
    symbol_change new_symbol
    transfer_out leaves with its lots and without gain, to an own account or elsewhere
    transfer_in  takes the lots of a transfer out of the household, or states what they cost
                 (amount) and when they were acquired (opened_date)

Cash effects are in the account's currency at `fx_rate` (account units for one unit of currency).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from core.errors import InvalidInput
from core.limits import FX_RATE_MAX, MONEY_MAX, PRICE_DECIMALS, PRICE_MAX, RATIO_MAX
from core.money import WIDE, converted, quantize

# What is bought and sold at a price.
TRADES = frozenset({"buy", "sell", "reinvestment"})
CASH_IN = frozenset({"deposit", "dividend", "interest", "return_of_capital"})
CASH_OUT = frozenset({"withdrawal", "fee", "tax"})
EVENTS = frozenset({"split", "spin_off", "merger", "symbol_change"})
TRANSFERS = frozenset({"transfer_in", "transfer_out"})
NEEDS_NO_ASSET = frozenset({"deposit", "withdrawal", "interest", "fee", "tax"})
# Where lots leave, and a method or names choose which.
CHOOSES_LOTS = frozenset({"sell", "transfer_out"})

_OPTIONAL = ("quantity", "price", "amount", "ratio", "new_symbol", "basis_percentage",
             "opened_date", "to_account_id")  # fmt: skip
_ALLOWED: dict[str, frozenset[str]] = {
    **dict.fromkeys(TRADES, frozenset({"quantity", "price", "amount"})),
    **dict.fromkeys(CASH_IN | CASH_OUT, frozenset({"amount"})),
    "split": frozenset({"ratio", "quantity", "amount"}),
    "spin_off": frozenset({"new_symbol", "ratio", "quantity", "amount", "basis_percentage"}),
    "merger": frozenset({"new_symbol", "ratio", "amount", "price"}),
    "symbol_change": frozenset({"new_symbol"}),
    "transfer_out": frozenset({"quantity", "to_account_id"}),
    "transfer_in": frozenset({"quantity", "price", "amount", "opened_date"}),
}


@dataclass(frozen=True, slots=True)
class ChosenLot:
    """A lot named by its public id, and how much of it to sell.

    `piece`: the number of one of the pieces into which wash sales divided the lot, from 0.
    """

    lot_id: UUID
    quantity: Decimal
    piece: int | None = None

    def as_stored(self) -> dict[str, Any]:
        """The form in which a transaction keeps it."""
        stored: dict[str, Any] = {"lot_id": str(self.lot_id), "quantity": str(self.quantity)}
        return stored if self.piece is None else {**stored, "piece": self.piece}


@dataclass(frozen=True, slots=True)
class Ratio:
    """New units for old ones, exactly."""

    new: Decimal
    old: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction as stated by a user or a file.

    An empty `currency` means that of the asset, or that of the account where there is no asset.
    """

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
    new_symbol: str | None = None
    ratio: Ratio | None = None
    basis_percentage: Decimal | None = None
    opened_date: date | None = None
    to_account_id: UUID | None = None
    order_id: str = ""
    external_id: str = ""
    # Chosen by the caller, so that another row of the batch can name it as its lot.
    public_id: UUID | None = None
    # The rates a sale for minimum tax was made at, where it is written down again.
    tax_rates: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the ledger stores of an entry."""

    quantity: Decimal | None
    price: Decimal | None
    amount: Decimal
    fee: Decimal
    cash_effect: Decimal
    ratio: Ratio | None = None


def ratio_of(text: str) -> Ratio:
    """'2:1', '3/2', '1:10' or '1.05' as new units for old ones; raises `ratio_invalid`."""
    new, _, old = text.replace("/", ":").partition(":")
    try:
        ratio = Ratio(Decimal(new.strip()), Decimal(old.strip() or 1))
    except InvalidOperation:
        raise _invalid("ratio", "must look like 2:1", code="ratio_invalid") from None
    for term in (ratio.new, ratio.old):
        if not term.is_finite() or not 0 < term <= RATIO_MAX or _decimals(term) > 10:
            raise _invalid("ratio", "must be of positive numbers", code="ratio_invalid")
    return ratio


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def amounts(*, entry: Entry, fx_rate: Decimal, account_currency: str) -> Amounts:
    """Checks the entry's figures against each other and computes those it left out."""
    for name in ("price", "amount", "fee"):
        value = getattr(entry, name)
        if value is not None and (not value.is_finite() or value < 0):
            raise _invalid(name, "must not be negative", code="negative")
    for name in _OPTIONAL:
        if getattr(entry, name) is not None and name not in _ALLOWED[entry.type]:
            raise _invalid(name, f"does not belong to a {entry.type}", code="field_not_allowed")
    quantity: Decimal | None
    price: Decimal | None
    ratio = None
    if entry.type in TRADES:
        quantity, price, amount = _trade_figures(entry)
    elif entry.type in EVENTS:
        quantity, price, amount, ratio = _event_figures(entry)
    elif entry.type in TRANSFERS:
        quantity, price, amount = _transfer_figures(entry)
    else:
        quantity, price, amount = None, None, _cash_figure(entry)
    if fx_rate > FX_RATE_MAX:
        raise _invalid("fx_rate", f"exceeds {FX_RATE_MAX}", code="fx_rate_too_large")
    fee = quantize(entry.fee, entry.currency)
    if fee != entry.fee:
        raise _invalid("fee", "has more decimals than the currency", code="fee_precision")
    effect = converted(_cash(entry.type, amount, fee), fx_rate, account_currency)
    if max(amount, fee, abs(effect)) > MONEY_MAX:
        raise _invalid("amount", f"exceeds {MONEY_MAX}", code="amount_too_large")
    return Amounts(quantity, price, amount, fee, effect, ratio)


def _cash(type: str, amount: Decimal, fee: Decimal) -> Decimal:  # noqa: A002 - the API's word
    if type in ("reinvestment", *TRANSFERS):
        return -fee
    if type in CASH_OUT or type == "buy":
        return -amount - fee
    return amount - fee


def _trade_figures(entry: Entry) -> tuple[Decimal, Decimal, Decimal]:
    quantity = _quantity(entry)
    if entry.price is not None and entry.amount is not None:
        raise _invalid("amount", "give price or amount, not both", code="price_and_amount")
    if entry.price is not None:
        return quantity, entry.price, quantize(quantity * entry.price, entry.currency)
    if entry.amount is None:
        raise _invalid("price", "price or amount is required", code="price_required")
    amount = _whole_units(entry.amount, entry.currency)
    price = amount / quantity
    if price > PRICE_MAX:
        raise _invalid("price", f"exceeds {PRICE_MAX}", code="price_too_large")
    price = price.quantize(Decimal(1).scaleb(-PRICE_DECIMALS), context=WIDE)
    return quantity, price, amount


def _quantity(entry: Entry) -> Decimal:
    if entry.quantity is None:
        raise _invalid("quantity", f"is required for a {entry.type}", code="quantity_required")
    if entry.quantity <= 0:
        raise _invalid("quantity", "must be greater than zero", code="not_positive")
    return entry.quantity


def _event_figures(
    entry: Entry,
) -> tuple[Decimal | None, Decimal | None, Decimal, Ratio | None]:
    amount = _whole_units(entry.amount or Decimal(0), entry.currency)
    ratio, quantity = entry.ratio, entry.quantity
    if entry.type == "split":
        if ratio is None:
            quantity = _quantity(entry)
            ratio = ratio_of(f"{quantity:f}")
        return None, None, amount, ratio
    if entry.type == "merger" and entry.new_symbol is None:
        if not amount:
            raise _invalid("amount", "is required for a merger for cash", code="amount_required")
        if ratio is not None or entry.price is not None:
            raise _invalid("ratio", "needs a new_symbol", code="new_symbol_required")
        return None, None, amount, None
    if entry.new_symbol is None:
        raise _invalid("new_symbol", "is required", code="new_symbol_required")
    if entry.new_symbol == entry.symbol:
        raise _invalid("new_symbol", "must be another symbol", code="new_symbol_same")
    if entry.type == "symbol_change":
        return None, None, amount, None
    if entry.type == "merger":
        if ratio is None:
            raise _invalid("ratio", "is required with a new_symbol", code="ratio_required")
        return None, entry.price, amount, ratio
    return (*_spin_off_figures(entry), amount, ratio)


def _spin_off_figures(entry: Entry) -> tuple[Decimal | None, None]:
    percentage = entry.basis_percentage
    if percentage is None:
        raise _invalid("basis_percentage", "is required", code="basis_percentage_required")
    if not 0 <= percentage <= 100:
        raise _invalid("basis_percentage", "must be 0 to 100", code="basis_percentage_invalid")
    if (entry.ratio is None) == (entry.quantity is None):
        raise _invalid("ratio", "give ratio or quantity, one of them", code="ratio_or_quantity")
    if entry.amount and entry.ratio is None:
        raise _invalid("ratio", "is required with cash in lieu", code="ratio_required")
    return (None if entry.quantity is None else _quantity(entry)), None


def _transfer_figures(entry: Entry) -> tuple[Decimal, Decimal | None, Decimal]:
    quantity = _quantity(entry)
    if entry.type == "transfer_out" or (entry.price is None and entry.amount is None):
        if entry.opened_date is not None:
            raise _invalid("amount", "is required with opened_date", code="amount_required")
        return quantity, None, Decimal(0)
    if entry.opened_date is None:
        raise _invalid("opened_date", "is required with a cost", code="opened_date_required")
    if entry.opened_date > entry.executed_at.date():
        raise _invalid("opened_date", "is after the transfer", code="opened_date_late")
    return _trade_figures(entry)


def _cash_figure(entry: Entry) -> Decimal:
    if entry.amount is None:
        raise _invalid("amount", f"is required for a {entry.type}", code="amount_required")
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
