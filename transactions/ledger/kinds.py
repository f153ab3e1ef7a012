"""The table of transaction types: one row per type, with everything that differs. Pure.

Models, entries, book, files, pages, exports and performance read this table. A new kind is a row
here and, where lots change in a way no other kind changes them, a step in `corporate_actions`. An
action that belongs to the security also has a row in `marketdata.corporate_actions`.

    cash      in: amount - fee    out: -amount - fee    fee: -fee
    lots      acquires: a lot opens under the transaction's id    leaves: lots are taken by a method
              changes: the lots that are held change    none: cash alone
    units     (held, quantity, ratio) -> (units of `symbol` afterwards, units of `new_symbol` that
              arrive): its effect on the whole holding, for code that keeps no lots
    rank      the order within one instant; transfers between own accounts stand at OWN_TRANSFER
              wherever they begin or end
    turn      the order of corporate actions of one asset at one instant: those that change its
              units, then cash from it, then what is distributed for each share, then exchanges
    figures   which rules of `entries` check quantity, price and amount
    ratio     of a split or a merger: new units for old ones; of a distribution: units
              received for each share held; of an exercise: new shares for one right
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from transactions.ledger.unit_moves import (
    Move,
    add,
    add_for_each,
    distribute,
    exchange,
    exercise,
    multiply,
    stay,
    take,
    tender,
)

# Corporate actions first, then acquisitions, exercises of rights, transfers between own accounts,
# sales, and transfers out. Types that only move cash come last.
EVENT, ACQUIRED, EXERCISED, OWN_TRANSFER, SOLD, LEFT, CASH = 0, 1, 2, 3, 4, 5, 6
# The turns of corporate actions; splits and stock dividends take the first, 0.
PAYMENT, DISTRIBUTION, EXCHANGE = 1, 2, 3

TRADES_GROUP = "Trades"
CASH_GROUP = "Cash and income"
EVENTS_GROUP = "Corporate actions"
TRANSFERS_GROUP = "Transfers of shares"


_SIGNS: Mapping[Move, int] = {stay: 0, add: 1, take: -1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One transaction type. The module docstring explains each column."""

    name: str
    label: str
    about: str
    group: str
    figures: Literal["trade", "cash", "split", "merger", "event", "transfer"]
    cash: Literal["in", "out", "fee"]
    performance: Literal["flow", "income", "cost", "tax", "trade"]
    lots: Literal["acquires", "leaves", "changes", "none"] = "none"
    # The step of the book, a name of `fold.STEPS`; none where no lots move.
    step: str = ""
    rank: int = CASH
    turn: int = 0
    units: Move = stay
    # Fields beyond those that every type has, and the required ones.
    takes: frozenset[str] = frozenset()
    requires: tuple[str, ...] = ()
    # Exactly one of quantity and ratio must be stated.
    ratio_or_quantity: bool = False
    needs_symbol: bool = True
    # A purchase in the sense of wash sales: it may replace a loss.
    purchase: bool = False
    # Lots leave, and a method or names choose which.
    chooses_lots: bool = False
    # Cash in lieu, or cash for everything, may sell something.
    may_sell: bool = False
    # Units of `symbol` are rescaled, so earlier prices are converted to new units.
    rescales: bool = False
    # If only its day is known, it takes place before the market opens.
    first_of_day: bool = False
    # The amount is income that was spent at once.
    reinvests: bool = False
    # The page's fields, beyond date and note; `cash`, `cost` and `amount` all state the amount.
    form: tuple[str, ...] = ()
    # The word for it in files of other programs, by export format; our own CSV has every type.
    exported_as: Mapping[str, str] = field(default_factory=dict)

    @property
    def sign(self) -> int | None:
        """Return 1 if the quantity is added to the holding, -1 if it is taken, 0 if nothing moves.

        None: the units afterwards depend on the units held or on a ratio.
        """
        return _SIGNS.get(self.units)


_TRADE_FIELDS = frozenset({"quantity", "price", "amount"})
_TRADE_FORM = ("symbol", "quantity", "price", "fee", "settled_amount")
_AMOUNT = frozenset({"amount"})


def _cash(
    name: str,
    label: str,
    about: str,
    *,
    cash: Literal["in", "out"],
    performance: Literal["flow", "income", "cost", "tax"],
    form: tuple[str, ...],
    exported_as: Mapping[str, str],
    needs_symbol: bool = False,
) -> Kind:
    """Return a type that moves only cash."""
    return Kind(
        name=name,
        label=label,
        about=about,
        group=CASH_GROUP,
        figures="cash",
        cash=cash,
        performance=performance,
        takes=_AMOUNT,
        requires=("amount",),
        needs_symbol=needs_symbol,
        form=form,
        exported_as=exported_as,
    )


_ALL = (
    Kind(
        name="buy",
        label="Buy",
        about="A purchase of shares. Cost basis: amount plus fee.",
        group=TRADES_GROUP,
        figures="trade",
        cash="out",
        performance="trade",
        lots="acquires",
        step="acquire",
        rank=ACQUIRED,
        units=add,
        takes=_TRADE_FIELDS,
        requires=("quantity",),
        purchase=True,
        form=_TRADE_FORM,
        exported_as={"ghostfolio": "BUY", "portfolio_performance": "Buy"},
    ),
    Kind(
        name="sell",
        label="Sell",
        about="A sale of shares. Proceeds: amount minus fee.",
        group=TRADES_GROUP,
        figures="trade",
        cash="in",
        performance="trade",
        lots="leaves",
        step="sell",
        rank=SOLD,
        units=take,
        takes=_TRADE_FIELDS,
        requires=("quantity",),
        chooses_lots=True,
        form=(*_TRADE_FORM, "lot_method"),
        exported_as={"ghostfolio": "SELL", "portfolio_performance": "Sell"},
    ),
    _cash(
        "deposit",
        "Deposit",
        "Cash paid in.",
        cash="in",
        performance="flow",
        form=("amount", "fee"),
        exported_as={"portfolio_performance": "Deposit"},
    ),
    _cash(
        "withdrawal",
        "Withdrawal",
        "Cash paid out.",
        cash="out",
        performance="flow",
        form=("amount", "fee"),
        exported_as={"portfolio_performance": "Removal"},
    ),
    _cash(
        "dividend",
        "Dividend",
        "Cash paid by a holding.",
        cash="in",
        performance="income",
        needs_symbol=True,
        form=("symbol", "amount", "fee", "settled_amount"),
        exported_as={"ghostfolio": "DIVIDEND", "portfolio_performance": "Dividend"},
    ),
    _cash(
        "interest",
        "Interest",
        "Interest on cash.",
        cash="in",
        performance="income",
        form=("amount", "fee"),
        exported_as={"ghostfolio": "INTEREST", "portfolio_performance": "Interest"},
    ),
    _cash(
        "fee",
        "Fee",
        "A fee that is not part of a trade.",
        cash="out",
        performance="cost",
        form=("amount",),
        exported_as={"ghostfolio": "FEE", "portfolio_performance": "Fees"},
    ),
    _cash(
        "tax",
        "Tax withheld",
        "Tax withheld from a payment.",
        cash="out",
        performance="tax",
        form=("amount",),
        exported_as={"portfolio_performance": "Taxes"},
    ),
    Kind(
        name="split",
        label="Split",
        about="New units replace old ones (2:1); basis and dates stay. Amount: cash in lieu.",
        group=EVENTS_GROUP,
        figures="split",
        cash="in",
        performance="trade",
        lots="changes",
        step="split",
        rank=EVENT,
        units=multiply,
        takes=frozenset({"ratio", "quantity", "amount"}),
        may_sell=True,
        rescales=True,
        first_of_day=True,
        form=("symbol", "ratio", "cash"),
    ),
    Kind(
        name="transfer_in",
        label="Transfer in",
        about="Shares that arrive with their lots, or with a cost and the day they were acquired: "
        "bought at another broker, granted, or from an employee plan. For wash sales that day is "
        "their purchase.",
        group=TRANSFERS_GROUP,
        figures="transfer",
        cash="fee",
        performance="cost",
        lots="acquires",
        step="transfer_in",
        rank=ACQUIRED,
        units=add,
        takes=frozenset({"quantity", "price", "amount", "opened_date"}),
        requires=("quantity",),
        form=("symbol", "quantity", "cost", "opened_date"),
        exported_as={"portfolio_performance": "Delivery (Inbound)"},
    ),
    Kind(
        name="transfer_out",
        label="Transfer out",
        about="Shares that leave with their lots, without realizing a gain.",
        group=TRANSFERS_GROUP,
        figures="transfer",
        cash="fee",
        performance="cost",
        lots="leaves",
        step="transfer_out",
        rank=LEFT,
        units=take,
        takes=frozenset({"quantity", "to_account_id"}),
        requires=("quantity",),
        chooses_lots=True,
        form=("symbol", "quantity", "to_account", "lot_method"),
        exported_as={"portfolio_performance": "Delivery (Outbound)"},
    ),
    Kind(
        name="spin_off",
        label="Spin-off",
        about="Shares of another company for each share held, with part of the basis.",
        group=EVENTS_GROUP,
        figures="event",
        cash="in",
        performance="trade",
        lots="changes",
        step="spin_off",
        rank=EVENT,
        turn=DISTRIBUTION,
        units=distribute,
        takes=frozenset({"new_symbol", "ratio", "quantity", "amount", "basis_percentage"}),
        requires=("new_symbol", "basis_percentage"),
        ratio_or_quantity=True,
        may_sell=True,
        first_of_day=True,
        form=("symbol", "new_symbol", "ratio", "basis_percentage", "cash"),
    ),
    Kind(
        name="merger",
        label="Merger",
        about="Shares of the successor, cash, or both, for every share held.",
        group=EVENTS_GROUP,
        figures="merger",
        cash="in",
        performance="trade",
        lots="changes",
        step="merger",
        rank=EVENT,
        turn=EXCHANGE,
        units=exchange,
        takes=frozenset({"new_symbol", "ratio", "amount", "price"}),
        may_sell=True,
        first_of_day=True,
        form=("symbol", "new_symbol", "ratio", "price", "cash", "fee"),
    ),
    Kind(
        name="exchange_offer",
        label="Exchange offer",
        about="Shares tendered for shares of another company, and cash if a price is given: the "
        "value of one new share. Without a price the amount is cash in lieu.",
        group=EVENTS_GROUP,
        figures="merger",
        cash="in",
        performance="trade",
        lots="changes",
        step="exchange_offer",
        rank=EVENT,
        turn=EXCHANGE,
        units=tender,
        takes=frozenset({"quantity", "new_symbol", "ratio", "amount", "price"}),
        requires=("quantity", "new_symbol", "ratio"),
        chooses_lots=True,
        may_sell=True,
        first_of_day=True,
        form=("symbol", "quantity", "new_symbol", "ratio", "price", "cash", "lot_method"),
    ),
    Kind(
        name="symbol_change",
        label="Symbol change",
        about="The asset gets another symbol; lots and dates stay.",
        group=EVENTS_GROUP,
        figures="event",
        cash="in",
        performance="trade",
        lots="changes",
        step="symbol_change",
        rank=EVENT,
        turn=EXCHANGE,
        units=exchange,
        takes=frozenset({"new_symbol"}),
        requires=("new_symbol",),
        first_of_day=True,
        form=("symbol", "new_symbol"),
    ),
    Kind(
        name="return_of_capital",
        label="Return of capital",
        about="Cash that reduces the basis; the part beyond the basis is gain.",
        group=CASH_GROUP,
        figures="cash",
        cash="in",
        performance="trade",
        lots="changes",
        step="return_of_capital",
        rank=EVENT,
        turn=PAYMENT,
        takes=_AMOUNT,
        requires=("amount",),
        form=("symbol", "amount"),
    ),
    Kind(
        name="reinvestment",
        label="Reinvested dividend",
        about="A dividend that buys shares at once. It is income; with the fee it is their basis.",
        group=TRADES_GROUP,
        figures="trade",
        cash="fee",
        performance="trade",
        lots="acquires",
        step="acquire",
        rank=ACQUIRED,
        units=add,
        takes=_TRADE_FIELDS,
        requires=("quantity",),
        purchase=True,
        reinvests=True,
        form=("symbol", "quantity", "price", "fee"),
        # Two rows there: a dividend and a purchase.
        exported_as={"ghostfolio": "BUY", "portfolio_performance": "Buy"},
    ),
    Kind(
        name="rights_issue",
        label="Rights issue",
        about="Rights under a symbol of their own for each share held; without a percentage their "
        "basis is zero. They are sold like shares.",
        group=EVENTS_GROUP,
        figures="event",
        cash="in",
        performance="trade",
        lots="changes",
        step="spin_off",
        rank=EVENT,
        turn=DISTRIBUTION,
        units=distribute,
        takes=frozenset({"new_symbol", "ratio", "quantity", "amount", "basis_percentage"}),
        requires=("new_symbol",),
        ratio_or_quantity=True,
        may_sell=True,
        first_of_day=True,
        form=("symbol", "new_symbol", "ratio", "basis_percentage", "cash"),
    ),
    Kind(
        name="rights_exercise",
        label="Exercise of rights",
        about="New shares bought with rights (ratio: new shares for one right, 1:4). Basis: the "
        "subscription price, the fee and the basis of the rights.",
        group=EVENTS_GROUP,
        figures="trade",
        cash="out",
        performance="trade",
        lots="acquires",
        step="exercise",
        rank=EXERCISED,
        units=exercise,
        takes=_TRADE_FIELDS | {"new_symbol", "ratio"},
        requires=("quantity", "new_symbol", "ratio"),
        purchase=True,
        chooses_lots=True,
        form=(*_TRADE_FORM, "new_symbol", "ratio", "lot_method"),
    ),
    Kind(
        name="stock_dividend",
        label="Stock dividend",
        about="More shares of the same, not taxed: the units added in all, or a ratio for each "
        "share held (1:20 for 5 %). The basis is spread over old and new shares.",
        group=EVENTS_GROUP,
        figures="event",
        cash="in",
        performance="trade",
        lots="changes",
        step="stock_dividend",
        rank=EVENT,
        units=add_for_each,
        takes=frozenset({"ratio", "quantity", "amount"}),
        ratio_or_quantity=True,
        may_sell=True,
        rescales=True,
        first_of_day=True,
        form=("symbol", "quantity", "ratio", "cash"),
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})
# Every field of an entry that only some types have.
FIELDS = frozenset().union(*(kind.takes for kind in _ALL))
# The types that move lots; all others move only cash.
BOOKED_TYPES = frozenset(kind.name for kind in _ALL if kind.step)
CHOICES = tuple((kind.name, kind.label) for kind in _ALL)


def named(**columns: object) -> tuple[str, ...]:
    """Return the names of the kinds that have these values, in the order of the table."""
    return tuple(
        kind.name
        for kind in _ALL
        if all(getattr(kind, column) == value for column, value in columns.items())
    )


def rank(*, type: str, own: bool) -> int:  # noqa: A002 - the API's word
    """Return where a transaction goes within its instant; `own`: it passes between own accounts."""
    return OWN_TRANSFER if own else KINDS[type].rank


def grouped() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the choices by group, for pages."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for kind in _ALL:
        groups.setdefault(kind.group, []).append((kind.name, kind.label))
    return list(groups.items())
