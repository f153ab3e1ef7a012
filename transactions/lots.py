"""Booking: how trades open and close lots. Pure; Decimal throughout; one currency.

State      lots, in the order they were opened (opened_at, acquisition id)
buy        opens a lot of `quantity` with basis `net` (price and fee)
sell       closes `quantity` from the lots its method puts first; `net` (after the fee) is spread
           over the parts by quantity, largest remainder: parts sum to the sale to the cent
           basis of a part = lot basis * part / lot quantity, rounded; the rest stays in the lot,
           so a lot sold to the end leaves exactly nothing
day        the calendar day of `executed_at`, which is in UTC, is the trade date
Conserved  sum(bought) - sum(sold) = sum(lot quantities)
           sum(cost of buys) = sum(basis closed) + sum(basis of lots)

Worked example, FIFO: buy 10 for 100.00, buy 10 for 120.00, sell 15 for 180.00:
    10 from the first   proceeds 120.00  basis 100.00  gain 20.00
     5 from the second  proceeds  60.00  basis  60.00  gain  0.00
    left: 5 with basis 60.00
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from core.errors import Conflict, InvalidInput
from core.money import allocate, quantize
from transactions.holding_period import is_long_term


class InsufficientShares(Conflict):
    """More was sold than was held at that moment."""

    status = 400
    code = "insufficient_quantity"


class LotSelectionInvalid(InvalidInput):
    """The lots named for a sale do not exist, hold too little, or do not add up to it."""

    code = "lot_selection_invalid"


@dataclass(frozen=True, slots=True)
class OpenLot:
    """What is left of one acquisition; `acquisition_id` orders lots opened at the same instant."""

    acquisition_id: int
    opened_at: datetime
    holding_period_date: date
    quantity: Decimal
    cost_basis: Decimal


@dataclass(frozen=True, slots=True)
class Chosen:
    """A quantity of one lot named for a sale."""

    acquisition_id: int
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """A buy or a sale. `net`: what it cost with the fee, or brought after the fee."""

    id: int
    side: str
    quantity: Decimal
    net: Decimal
    executed_at: datetime
    method: str = ""
    chosen: tuple[Chosen, ...] = ()


@dataclass(frozen=True, slots=True)
class Closing:
    """The part of sale `sale_id` that came out of lot `acquisition_id`."""

    sale_id: int
    acquisition_id: int
    opened_at: datetime
    closed_at: datetime
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    long_term: bool


@dataclass(frozen=True, slots=True)
class Booked:
    """Open lots after the last trade, and every closing on the way, in order."""

    lots: tuple[OpenLot, ...]
    closings: tuple[Closing, ...]


Method = Callable[[Sequence[OpenLot], Trade], Sequence[Chosen]]


def _in_order(key: Callable[[OpenLot], tuple[object, ...]]) -> Method:
    """A method that takes whole lots in the order of `key` until the sale is filled."""

    def choose(lots: Sequence[OpenLot], sale: Trade) -> Sequence[Chosen]:
        chosen: list[Chosen] = []
        wanted = sale.quantity
        for lot in sorted(lots, key=key):
            if not wanted:
                break
            part = min(wanted, lot.quantity)
            chosen.append(Chosen(lot.acquisition_id, part))
            wanted -= part
        return chosen

    return choose


def _specific(lots: Sequence[OpenLot], sale: Trade) -> Sequence[Chosen]:
    """The lots named by the investor: each must exist and suffice, together they are the sale."""
    held = {lot.acquisition_id: lot.quantity for lot in lots}
    if not sale.chosen:
        raise LotSelectionInvalid("This account sells chosen lots: name them in lots.")
    if len({part.acquisition_id for part in sale.chosen}) != len(sale.chosen):
        raise LotSelectionInvalid("A lot is named twice.")
    for part in sale.chosen:
        if part.quantity <= 0 or part.quantity > held.get(part.acquisition_id, Decimal(0)):
            raise LotSelectionInvalid("A named lot does not hold the quantity asked of it.")
    if sum(part.quantity for part in sale.chosen) != sale.quantity:
        raise LotSelectionInvalid("The lots named do not add up to the quantity sold.")
    return sale.chosen


# Ties are broken by (opened_at, acquisition id) in every method: a total order.
METHODS: Mapping[str, Method] = {
    "fifo": _in_order(lambda lot: (lot.opened_at, lot.acquisition_id)),
    "lifo": _in_order(lambda lot: (-lot.opened_at.timestamp(), -lot.acquisition_id)),
    "hifo": _in_order(
        lambda lot: (-lot.cost_basis / lot.quantity, lot.opened_at, lot.acquisition_id)
    ),
    "specific": _specific,
}


def booked(*, lots: Sequence[OpenLot] = (), trades: Sequence[Trade], currency: str) -> Booked:
    """The lots after `trades` (in time order) on top of `lots`, and what they closed.

    Raises InsufficientShares or LotSelectionInvalid at the first trade that cannot be booked.
    """
    open_lots = {lot.acquisition_id: lot for lot in lots}
    closings: list[Closing] = []
    for trade in trades:
        if trade.side == "buy":
            open_lots[trade.id] = OpenLot(
                trade.id,
                trade.executed_at,
                trade.executed_at.date(),
                trade.quantity,
                trade.net,
            )
        else:
            closings.extend(_close(open_lots, trade, currency))
    ordered = sorted(open_lots.values(), key=lambda lot: (lot.opened_at, lot.acquisition_id))
    return Booked(tuple(ordered), tuple(closings))


def _close(lots: dict[int, OpenLot], sale: Trade, currency: str) -> list[Closing]:
    held = sum((lot.quantity for lot in lots.values()), Decimal(0))
    if sale.quantity > held:
        raise InsufficientShares(
            f"Only {held.normalize():f} are held on {sale.executed_at.date()}, "
            f"{sale.quantity.normalize():f} cannot be sold.",
            fields={"quantity": [f"at most {held.normalize():f}"]},
        )
    parts = METHODS[sale.method](tuple(lots.values()), sale)
    proceeds = allocate(sale.net, [part.quantity for part in parts], currency)
    closings = []
    for part, share in zip(parts, proceeds, strict=True):
        lot = lots[part.acquisition_id]
        whole = part.quantity == lot.quantity
        basis = (
            lot.cost_basis
            if whole
            else quantize(lot.cost_basis * part.quantity / lot.quantity, currency)
        )
        closings.append(
            Closing(
                sale.id,
                lot.acquisition_id,
                lot.opened_at,
                sale.executed_at,
                part.quantity,
                share,
                basis,
                is_long_term(
                    opened_date=lot.holding_period_date, sold_date=sale.executed_at.date()
                ),
            )
        )
        if whole:
            del lots[lot.acquisition_id]
        else:
            lots[lot.acquisition_id] = replace(
                lot, quantity=lot.quantity - part.quantity, cost_basis=lot.cost_basis - basis
            )
    assert sum(closing.proceeds for closing in closings) == sale.net, "proceeds are conserved"
    return closings
