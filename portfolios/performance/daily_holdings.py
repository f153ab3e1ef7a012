"""Units and cash held on each day, from the transactions of the ledger. Pure; exact integers.

    units      after each day, in steps of 10^-10: each fact does what the ledger's table of kinds
               says, in the ledger's order (executed_at, then the rank of its kind, then id)
    cash       after each day by currency of the account, in ten-thousandths
    payments   the parts of each transaction's cash: cash = flow + trade + income - fee - tax
    deliveries units that arrived or left without money: transfers in kind, spin-offs, mergers

Units are those of their day: before a split, the old ones. The reader leaves out reversed
transactions and their reversals.

A transfer between two of the accounts is no flow: the units leave one on the day they arrive in the
other. An equal sum of one currency that leaves one account and enters another on the same day is no
flow either, although the ledger does not link the two.

Facts, payments and deliveries are named tuples: there are tens of thousands of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from core.limits import FX_RATE_DECIMALS, QUANTITY_DECIMALS
from core.money import WIDE
from transactions.ledger.kinds import KINDS, Kind, Units, rank
from transactions.ledger.splits import Splits

UNIT_DECIMALS = QUANTITY_DECIMALS
CASH_DECIMALS = 4
RATE_DECIMALS = FX_RATE_DECIMALS
# Parts of a payment are amounts times the rate they were booked at.
PART_DECIMALS = CASH_DECIMALS + RATE_DECIMALS

_POWERS = tuple(Decimal(10**decimals) for decimals in range(PART_DECIMALS + 1))
_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1).toordinal()


class Fact(NamedTuple):
    """One transaction of the ledger, with the ledger's fields."""

    id: int
    account: int
    type: str
    # Microseconds since 1970, UTC.
    instant: int
    asset: int | None
    amount: Decimal
    cash_effect: Decimal
    currency: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    fee: Decimal = Decimal(0)
    fx_rate: Decimal = Decimal(1)
    new_asset: int | None = None
    ratio: Fraction | None = None
    counterpart: int | None = None

    @property
    def day(self) -> int:
        """The ordinal of its day in UTC."""
        return self.instant // _DAY + _EPOCH


class Payment(NamedTuple):
    """The parts of what one fact did to an account's cash, in 10^-28 of the account's currency.

    `trade` is the price of units sold (> 0) or bought (< 0), before the fee; `traded` is the same
    in the currency of the trade, in 10^-4.
    """

    day: int
    asset: int | None
    currency: str
    flow: int = 0
    trade: int = 0
    income: int = 0
    fee: int = 0
    tax: int = 0
    traded: int = 0
    traded_currency: str = ""
    account: int = 0

    @property
    def cash(self) -> int:
        return self.flow + self.trade + self.income - self.fee - self.tax


class Delivery(NamedTuple):
    """Units of `asset` (steps; < 0: they left) that moved without money.

    `other` is the asset they were exchanged for or spun off from; None: a transfer with outside.
    """

    day: int
    asset: int
    units: int
    other: int | None = None


@dataclass(slots=True)
class History:
    """Units of each asset and cash of each currency at the end of each day that changed them.

    Days are ordinals, ascending. Payments and deliveries are what changed them.
    """

    units: dict[int, dict[int, int]] = field(default_factory=dict)
    cash: dict[str, dict[int, int]] = field(default_factory=dict)
    payments: list[Payment] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    splits: dict[int, list[tuple[int, Fraction]]] = field(default_factory=dict)
    # Prices of the owner's own trades, in 10^-8.
    marks: dict[int, dict[int, int]] = field(default_factory=dict)
    first_day: int | None = None


def steps(value: Decimal, decimals: int) -> int:
    """Return a decimal as an integer of steps of 10^-decimals, cut off below.

    Call it in a wide context: the default one has 28 digits.
    """
    return int(value * _POWERS[decimals])


def history(*, facts: Sequence[Fact], currencies: Mapping[int, str]) -> History:
    """Return the history of the accounts in `currencies` (by account); facts in any order."""
    walk = _Walk(currencies)
    with localcontext(WIDE):
        for fact in sorted(_arriving_together(facts), key=_order):
            walk.book(fact)
    return walk.finished()


def _order(fact: Fact) -> tuple[int, int, int]:
    return fact.instant, rank(type=fact.type, own=fact.counterpart is not None), fact.id


def _arriving_together(facts: Sequence[Fact]) -> list[Fact]:
    """Return facts in which a transfer between two accounts leaves on the day it arrives.

    Both ends carry the id of the other as `counterpart`.
    """
    known = {fact.id: fact for fact in facts if fact.type == "transfer_out"}
    arrivals = {
        fact.counterpart: fact
        for fact in facts
        if fact.type == "transfer_in" and fact.counterpart in known
    }
    told = []
    for fact in facts:
        if fact.id in arrivals:
            arrival = arrivals[fact.id]
            told.append(fact._replace(instant=arrival.instant, counterpart=arrival.id))
        elif fact.type == "transfer_in" and fact.counterpart not in known:
            told.append(fact._replace(counterpart=None))
        else:
            told.append(fact)
    return told


class _Walk:
    """The state of the walk: units of each account and asset so far. Mutable, used once."""

    def __init__(self, currencies: Mapping[int, str]) -> None:
        self.currencies = currencies
        self.held: dict[tuple[int, int], Units] = {}
        self.totals: dict[int, Units] = {}
        self.cash: dict[str, int] = {}
        self.splits = Splits()
        self.result = History()

    def book(self, fact: Fact) -> None:
        if self.result.first_day is None or fact.day < self.result.first_day:
            self.result.first_day = fact.day
        currency = self.currencies[fact.account]
        kind = KINDS[fact.type]
        if kind.step:
            self.change(fact, kind)
        payment = _PAYMENTS[kind.performance](fact, kind, currency)
        if payment.cash or payment.income or payment.trade:
            self.result.payments.append(payment)
        if fact.cash_effect:
            self.cash[currency] = self.cash.get(currency, 0) + steps(
                fact.cash_effect, CASH_DECIMALS
            )
            self.result.cash.setdefault(currency, {})[fact.day] = self.cash[currency]

    def move(self, fact: Fact, asset: int, change: Units) -> None:
        place = fact.account, asset
        left: Units = self.held.get(place, 0) + change
        if -1 < left < 1:
            change -= left  # less than the last decimal: the whole holding was meant
            left = 0
        self.held[place] = left
        self.totals[asset] = self.totals.get(asset, 0) + change
        self.result.units.setdefault(asset, {})[fact.day] = round(self.totals[asset])

    def deliver(self, fact: Fact, asset: int, change: Units, other: int | None = None) -> None:
        if round(change):
            self.result.deliveries.append(Delivery(fact.day, asset, round(change), other))

    def change(self, fact: Fact, kind: Kind) -> None:
        """Moves the units of a fact, as the table of kinds says, and notes what follows of it."""
        assert fact.asset is not None, f"a {fact.type} is of an asset"
        held = self.held.get((fact.account, fact.asset), 0)
        quantity = 0 if fact.quantity is None else steps(fact.quantity, UNIT_DECIMALS)
        after, received = kind.units(held, quantity, fact.ratio)
        if after != held:
            self.move(fact, fact.asset, after - held)
        if kind.figures == "transfer" and fact.counterpart is None:
            self.deliver(fact, fact.asset, after - held)
        if kind.rescales and held:
            ratio = Fraction(after) / Fraction(held)
            self.splits.stated(asset=fact.asset, day=fact.day, ratio=ratio, account=fact.account)
        if fact.new_asset is not None:
            self.move(fact, fact.new_asset, received)
            if kind.purchase:
                self.deliver(fact, fact.asset, after - held, other=fact.new_asset)
            else:
                self.deliver(fact, fact.new_asset, received, other=fact.asset)
        elif kind.figures == "trade" and fact.price:
            self.result.marks.setdefault(fact.asset, {})[fact.day] = steps(fact.price, 8)
        if kind.may_sell and fact.amount and fact.price is None:
            self.sell_fraction(fact, fact.new_asset or fact.asset)

    def sell_fraction(self, fact: Fact, asset: int) -> None:
        """Sell the fraction of a share for which cash in lieu was paid."""
        fraction = self.held.get((fact.account, asset), 0) % 10**UNIT_DECIMALS
        if fraction:
            self.move(fact, asset, -fraction)

    def finished(self) -> History:
        if len(self.currencies) > 1:
            self.result.payments = _without_own_moves(self.result.payments)
        self.result.splits = {
            asset: [(split.day, split.ratio) for split in known]
            for asset, known in self.splits.by_asset.items()
        }
        return self.result


def _without_own_moves(payments: Sequence[Payment]) -> list[Payment]:
    """Return payments without flows for sums moved between the accounts on one day."""
    waiting: dict[tuple[int, str, int], list[int]] = {}
    told = list(payments)
    for number, payment in enumerate(payments):
        if not payment.flow:
            continue
        opposite = waiting.get((payment.day, payment.currency, -payment.flow), [])
        partner = next((n for n in opposite if payments[n].account != payment.account), None)
        if partner is None:
            waiting.setdefault((payment.day, payment.currency, payment.flow), []).append(number)
            continue
        opposite.remove(partner)
        for one in (number, partner):
            told[one] = told[one]._replace(flow=0)
    return told


def _parts(fact: Fact) -> tuple[int, int, int]:
    """Return cash, fee and amount of a fact in the account's currency, in 10^-28."""
    cash = steps(fact.cash_effect, PART_DECIMALS)
    rate = steps(fact.fx_rate, RATE_DECIMALS)
    fee = steps(fact.fee, CASH_DECIMALS) * rate if fact.fee else 0
    return cash, fee, steps(fact.amount, CASH_DECIMALS) * rate


def _flow(fact: Fact, kind: Kind, currency: str) -> Payment:
    cash, fee, _ = _parts(fact)
    return Payment(fact.day, fact.asset, currency, flow=cash + fee, fee=fee, account=fact.account)


def _income(fact: Fact, kind: Kind, currency: str) -> Payment:
    cash, fee, _ = _parts(fact)
    return Payment(fact.day, fact.asset, currency, income=cash + fee, fee=fee)


def _cost(fact: Fact, kind: Kind, currency: str) -> Payment:
    cash, _, _ = _parts(fact)
    return Payment(fact.day, fact.asset, currency, fee=-cash)


def _tax(fact: Fact, kind: Kind, currency: str) -> Payment:
    cash, fee, _ = _parts(fact)
    return Payment(fact.day, fact.asset, currency, fee=fee, tax=-cash - fee)


def _trade(fact: Fact, kind: Kind, currency: str) -> Payment:
    cash, fee, amount = _parts(fact)
    income = amount if kind.reinvests else 0
    traded = steps(fact.amount, CASH_DECIMALS)
    # Of an event cash in lieu and what a right bought; boot is paid for the old shares.
    of_new = fact.new_asset is not None and (kind.purchase or fact.price is None)
    return Payment(
        fact.day,
        fact.new_asset if of_new else fact.asset,
        currency,
        trade=cash + fee - income,
        income=income,
        fee=fee,
        traded=-traded if kind.purchase else traded,
        traded_currency=fact.currency,
    )


_PAYMENTS: Mapping[str, Callable[[Fact, Kind, str], Payment]] = {
    "flow": _flow,
    "income": _income,
    "cost": _cost,
    "tax": _tax,
    "trade": _trade,
}
