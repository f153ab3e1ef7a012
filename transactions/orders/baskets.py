"""The files in which brokers take several orders at once. Pure.

    ibkr       BasketTrader of Interactive Brokers, as its guide documents it: a header row of TWS
               fields, then one order a row, no space after a comma
    fidelity   "Import Orders" of Fidelity's Wealthscape: eight columns by position, no header,
               quantities to three decimals
    schwab     a worksheet in the order of Schwab's trade ticket: Schwab documents no file that an
               individual investor could load

`platform/decisions/orders.md` says which parts are documented and which are not.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from io import StringIO

from core.errors import InvalidInput
from core.money import plain
from core.money_text import plain_text

_FIDELITY_STEP = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class BasketOrder:
    """One order to be written: `limit_price` is None at the market."""

    symbol: str
    side: str
    quantity: Decimal
    currency: str
    limit_price: Decimal | None = None


Rows = list[list[str]]


def _ibkr(orders: Sequence[BasketOrder], tag: str) -> Rows:
    with_limits = any(order.limit_price is not None for order in orders)
    header = ["Action", "Quantity", "Symbol", "SecType", "Exchange", "Currency", "TimeInForce"]
    header += ["OrderType", *(["LmtPrice"] if with_limits else []), "BasketTag"]
    return [header, *(_ibkr_row(order, tag, with_limits) for order in orders)]


def _ibkr_row(order: BasketOrder, tag: str, with_limits: bool) -> list[str]:
    row = [order.side.upper(), plain(order.quantity), order.symbol.replace(".", " "), "STK"]
    row += ["SMART", order.currency, "DAY"]
    row += ["MKT" if order.limit_price is None else "LMT"]
    if with_limits:
        row.append(plain_text(order.limit_price) or "")
    return [*row, tag]


def _fidelity(orders: Sequence[BasketOrder], tag: str) -> Rows:
    rows = []
    for order in orders:
        quantity = order.quantity.quantize(_FIDELITY_STEP, rounding=ROUND_DOWN)
        if not quantity:
            continue
        price = plain_text(order.limit_price)
        rows.append(
            [
                *("", "1", "B" if order.side == "buy" else "S", plain(quantity), order.symbol),
                *("L" if price else "M", "D", price or ""),
            ]
        )
    return rows


def _schwab(orders: Sequence[BasketOrder], tag: str) -> Rows:
    rows = [["Action", "Quantity", "Symbol", "Order type", "Limit price", "Timing"]]
    for order in orders:
        price = plain_text(order.limit_price)
        rows.append(
            [
                *(order.side.capitalize(), plain(order.quantity), order.symbol),
                *("Limit" if price else "Market", price or "", "Day only"),
            ]
        )
    return rows


@dataclass(frozen=True, slots=True)
class Basket:
    """A format: the name that a person reads, and what writes its rows."""

    label: str
    rows: Callable[[Sequence[BasketOrder], str], Rows]


BASKETS: Mapping[str, Basket] = {
    "schwab": Basket("Schwab worksheet", _schwab),
    "fidelity": Basket("Fidelity Wealthscape", _fidelity),
    "ibkr": Basket("IBKR BasketTrader", _ibkr),
}


def basket_csv(name: str, orders: Sequence[BasketOrder], *, tag: str) -> str:
    """Return orders as the file of a broker; `tag` names them in its reports, if it has room."""
    basket = BASKETS.get(name)
    if basket is None:
        raise InvalidInput(
            f"This file format does not exist. Choose one of {', '.join(BASKETS)}.",
            code="basket_unknown",
        )
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(basket.rows(orders, tag))
    return text.getvalue()


def as_text(orders: Sequence[BasketOrder]) -> str:
    """Return orders as lines to copy: `Sell 12 KO`."""
    lines = []
    for order in orders:
        line = f"{order.side.capitalize()} {plain(order.quantity)} {order.symbol}"
        if order.limit_price is not None:
            line += f" at {plain(order.limit_price)} {order.currency} or better"
        lines.append(line)
    return "\n".join(lines)
