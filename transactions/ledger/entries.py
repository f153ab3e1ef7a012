"""Check a transaction as entered and compute the figures the ledger stores. Pure.

    amount        quantity * price, rounded to the currency, or as stated
    reinvestment  the amount is income and, with the fee, the basis of what it bought
    split         ratio new:old (its quantity, where no ratio is given); amount is cash in lieu
    distribution  (spin_off and its like) ratio per share held, or the quantity received in all;
                  basis_percentage is the part of the parent's basis that goes with it; amount is
                  cash in lieu
    merger        new_symbol and ratio, or amount in cash, or both: with price (the value of one
                  new share) the cash is boot, without it cash in lieu
    exchange      (exchange_offer) like a merger, of the quantity that was tendered
    transfer_in   takes the lots of a transfer out of the household, or states what they cost
                  (amount) and when they were acquired (opened_date)

`kinds` has the rest by kind: which fields it takes and requires, and its cash effect: amount less
fee (in), minus amount and fee (out), or minus the fee alone. Cash effects are in the account's
currency at `fx_rate` (account units for one unit of currency).

A broker that quotes a price in one currency and settles in another states what it settled:
`settled_amount` is the cash that moved, after the fee, in the account's currency. It is the cash
effect to the cent, and gives the rate: settled_amount / (amount with the fee).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from core.errors import InvalidInput
from core.limits import FX_RATE_MAX, MONEY_MAX, PRICE_DECIMALS, PRICE_MAX, RATIO_MAX
from core.money import WIDE, converted, quantize
from transactions.ledger.kinds import FIELDS, KINDS, Kind


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
    # In the offset of its place, if that is known.
    executed_at: datetime
    currency: str
    symbol: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    amount: Decimal | None = None
    fee: Decimal = Decimal(0)
    fx_rate: Decimal | None = None
    settled_amount: Decimal | None = None
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
    # Chosen by the caller, so that another row of the batch can name this row as its lot.
    public_id: UUID | None = None
    # The tax rates of a minimum-tax sale that is restored from a file.
    tax_rates: Mapping[str, str] | None = None
    # The day at the place of the trade, where the offset of `executed_at` does not say it.
    trade_date: date | None = None

    @property
    def day(self) -> date:
        """The trade date: as stated, or the day of the instant in its offset."""
        return self.trade_date or self.executed_at.date()


@dataclass(frozen=True, slots=True)
class Amounts:
    """The figures of an entry as the ledger stores them."""

    quantity: Decimal | None
    price: Decimal | None
    amount: Decimal
    fee: Decimal
    cash_effect: Decimal
    fx_rate: Decimal
    ratio: Ratio | None = None


def ratio_of(text: str) -> Ratio:
    """Read '2:1', '3/2', '1:10' or '1.05' as new units for old ones. Raise `ratio_invalid`."""
    new, _, old = text.replace("/", ":").partition(":")
    try:
        ratio = Ratio(Decimal(new.strip()), Decimal(old.strip() or 1))
    except InvalidOperation:
        raise _invalid("ratio", "must be written as 2:1 or 1.05", code="ratio_invalid") from None
    for term in (ratio.new, ratio.old):
        if not term.is_finite() or not 0 < term <= RATIO_MAX or _decimals(term) > 10:
            raise _invalid("ratio", "must consist of positive numbers", code="ratio_invalid")
    return ratio


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def amounts(*, entry: Entry, fx_rate: Decimal, account_currency: str) -> Amounts:
    """Check the entry's figures against each other and compute those it left out.

    `fx_rate` is the rate to use unless the entry states what was settled, which gives its own.
    """
    for name in ("price", "amount", "fee", "settled_amount"):
        value = getattr(entry, name)
        if value is not None and (not value.is_finite() or value < 0):
            raise _invalid(name, "must not be negative", code="negative")
    kind = KINDS[entry.type]
    _ensure_fields(kind, entry)
    quantity, price, amount, ratio = _FIGURES[kind.figures](kind, entry)
    if fx_rate > FX_RATE_MAX:
        raise _invalid("fx_rate", f"exceeds {FX_RATE_MAX}", code="fx_rate_too_large")
    fee = quantize(entry.fee, entry.currency)
    if fee != entry.fee:
        raise _invalid("fee", "has more decimals than the currency", code="fee_precision")
    moved = _cash(kind, amount, fee)
    if entry.settled_amount is None:
        effect = converted(moved, fx_rate, account_currency)
    else:
        effect, fx_rate = _settled(kind, entry, moved, account_currency)
    if max(amount, fee, abs(effect)) > MONEY_MAX:
        raise _invalid("amount", f"exceeds {MONEY_MAX}", code="amount_too_large")
    return Amounts(quantity, price, amount, fee, effect, fx_rate, ratio)


def _settled(
    kind: Kind, entry: Entry, moved: Decimal, account_currency: str
) -> tuple[Decimal, Decimal]:
    """Return the cash effect that the entry states, and the rate that it implies."""
    settled = entry.settled_amount
    assert settled is not None, "asked only where it is stated"
    if kind.cash == "fee":
        raise InvalidInput(
            f"{kind.label} changes cash only by the fee. Remove settled_amount.",
            code="field_not_allowed",
            fields={"settled_amount": [f"is not used by {kind.name}"]},
        )
    if entry.fx_rate is not None:
        raise _invalid(
            "fx_rate", "must not be given together with settled_amount", code="fx_rate_and_settled"
        )
    if quantize(settled, account_currency) != settled:
        raise _invalid(
            "settled_amount", "has more decimals than the currency", code="settled_precision"
        )
    if entry.currency == account_currency and settled != abs(moved):
        raise _invalid(
            "settled_amount",
            f"must be {abs(moved)}, the amount with the fee, because nothing is converted",
            code="settled_amount_mismatch",
        )
    if (settled == 0) != (moved == 0):
        raise _invalid(
            "settled_amount",
            "must be zero exactly when no cash is paid",
            code="settled_amount_mismatch",
        )
    rate = WIDE.divide(settled, abs(moved)) if moved else Decimal(1)
    if rate > FX_RATE_MAX:
        raise _invalid(
            "settled_amount", "implies an exchange rate above the limit", code="fx_rate_too_large"
        )
    return settled.copy_sign(moved), rate


def _ensure_fields(kind: Kind, entry: Entry) -> None:
    """Refuse fields the kind does not have, and missing fields it needs."""
    for name in sorted(FIELDS - kind.takes):
        if getattr(entry, name) is not None:
            raise InvalidInput(
                f"{kind.label} has no {_words(name)}. Remove it.",
                code="field_not_allowed",
                fields={name: [f"is not used by {kind.name}"]},
            )
    for name in kind.requires:
        if getattr(entry, name) is None:
            raise _missing(kind, name)
    if entry.quantity is not None and entry.quantity <= 0:
        raise _invalid("quantity", "must be greater than zero", code="not_positive")
    if entry.new_symbol is not None and entry.new_symbol == entry.symbol:
        raise _invalid("new_symbol", "must differ from symbol", code="new_symbol_same")
    if entry.basis_percentage is not None and not 0 <= entry.basis_percentage <= 100:
        raise _invalid(
            "basis_percentage", "must be between 0 and 100", code="basis_percentage_invalid"
        )
    if kind.ratio_or_quantity and (entry.ratio is None) == (entry.quantity is None):
        raise _invalid(
            "ratio",
            "is required unless there is a quantity; send one of them",
            code="ratio_or_quantity",
        )


def _missing(kind: Kind, name: str) -> InvalidInput:
    return InvalidInput(
        f"{kind.label} needs the {_words(name)}. Add it.",
        code=f"{name}_required",
        fields={name: ["is required"]},
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cash(kind: Kind, amount: Decimal, fee: Decimal) -> Decimal:
    if kind.cash == "fee":
        return -fee
    return -amount - fee if kind.cash == "out" else amount - fee


# Quantity, price, amount and ratio as the ledger stores them.
Figures = tuple[Decimal | None, Decimal | None, Decimal, Ratio | None]


def _trade_figures(kind: Kind, entry: Entry) -> Figures:
    quantity = entry.quantity
    assert quantity is not None, "a trade requires a quantity"
    if entry.price is not None and entry.amount is not None:
        raise _invalid("amount", "must not be given together with price", code="price_and_amount")
    if entry.price is not None:
        amount = quantize(quantity * entry.price, entry.currency)
        return quantity, entry.price, amount, entry.ratio
    if entry.amount is None:
        raise _invalid("price", "is required unless there is an amount", code="price_required")
    amount = _whole_units(entry.amount, entry.currency)
    price = amount / quantity
    if price > PRICE_MAX:
        raise _invalid("price", f"exceeds {PRICE_MAX}", code="price_too_large")
    price = price.quantize(Decimal(1).scaleb(-PRICE_DECIMALS), context=WIDE)
    return quantity, price, amount, entry.ratio


def _split_figures(kind: Kind, entry: Entry) -> Figures:
    ratio = entry.ratio
    if ratio is None:
        if entry.quantity is None:
            raise _missing(kind, "ratio")
        ratio = ratio_of(f"{entry.quantity:f}")
    return None, None, _whole_units(entry.amount or Decimal(0), entry.currency), ratio


def _merger_figures(kind: Kind, entry: Entry) -> Figures:
    amount = _whole_units(entry.amount or Decimal(0), entry.currency)
    if entry.new_symbol is None:
        if not amount:
            raise _invalid(
                "amount", "is required unless there is a new_symbol", code="amount_required"
            )
        if entry.ratio is not None or entry.price is not None:
            raise _invalid("ratio", "is allowed only with a new_symbol", code="new_symbol_required")
    elif entry.ratio is None:
        raise _invalid("ratio", "is required when there is a new_symbol", code="ratio_required")
    return entry.quantity, entry.price, amount, entry.ratio


def _event_figures(kind: Kind, entry: Entry) -> Figures:
    amount = _whole_units(entry.amount or Decimal(0), entry.currency)
    if amount and entry.ratio is None:
        raise _invalid("ratio", "is required when cash in lieu is paid", code="ratio_required")
    return entry.quantity, None, amount, entry.ratio


def _transfer_figures(kind: Kind, entry: Entry) -> Figures:
    if entry.price is None and entry.amount is None:
        if entry.opened_date is not None:
            raise _invalid(
                "amount", "is required when there is an opened_date", code="amount_required"
            )
        return entry.quantity, None, Decimal(0), None
    if entry.opened_date is None:
        raise _invalid(
            "opened_date", "is required when there is a cost", code="opened_date_required"
        )
    if entry.opened_date > entry.day:
        raise _invalid("opened_date", "must not be after the transfer", code="opened_date_late")
    return _trade_figures(kind, entry)


def _cash_figures(kind: Kind, entry: Entry) -> Figures:
    assert entry.amount is not None, "cash requires an amount"
    if entry.amount <= 0:
        raise _invalid("amount", "must be greater than zero", code="amount_not_positive")
    return None, None, _whole_units(entry.amount, entry.currency), None


_FIGURES: Mapping[str, Callable[[Kind, Entry], Figures]] = {
    "trade": _trade_figures,
    "cash": _cash_figures,
    "split": _split_figures,
    "merger": _merger_figures,
    "event": _event_figures,
    "transfer": _transfer_figures,
}


def _whole_units(amount: Decimal, currency: str) -> Decimal:
    rounded = quantize(amount, currency)
    if rounded != amount:
        raise _invalid("amount", "has more decimals than the currency", code="amount_precision")
    return rounded


def _invalid(field: str, message: str, *, code: str) -> InvalidInput:
    return InvalidInput(f"{field} {message}.", code=code, fields={field: [message]})
