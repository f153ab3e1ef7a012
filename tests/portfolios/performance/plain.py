"""Units, cash, payments and terms row by row, in Python's integers: what the columns must equal.

Nothing of the engine's columns is used: facts one by one in the ledger's order, one sum at a time.
"""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from tests.portfolios.performance.ledgers import Fact, steps
from transactions.ledger.kinds import EVENT, KINDS, rank
from transactions.ledger.repeated_splits import Splits
from transactions.ledger.unit_moves import Units

_EPOCH = date(1970, 1, 1).toordinal()
PARTS = ("flow", "trade", "income", "fee", "tax")


@dataclass
class Plain:
    """Units by asset and day, cash by currency and day; payments and deliveries as rows."""

    units: dict[int, dict[int, int]] = field(default_factory=dict)
    cash: dict[str, dict[int, int]] = field(default_factory=dict)
    marks: dict[int, dict[int, int]] = field(default_factory=dict)
    payments: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[tuple[int, int, int, int | None]] = field(default_factory=list)
    splits: dict[int, list[tuple[int, Fraction]]] = field(default_factory=dict)


def day_of(fact: Fact) -> int:
    return fact.instant // 86_400_000_000 + _EPOCH


def walked(facts: list[Fact], currencies: dict[int, str]) -> Plain:
    """Book every fact in order."""
    found, held, splits = Plain(), dict[tuple[int, int], Units](), Splits()
    totals: dict[int, Units] = {}
    balance: dict[str, int] = {}

    def move(fact: Fact, asset: int, change: Units) -> None:
        left: Units = held.get((fact.account, asset), 0) + change
        if -1 < left < 1:
            change, left = change - left, 0
        held[fact.account, asset] = left
        totals[asset] = totals.get(asset, 0) + change
        found.units.setdefault(asset, {})[day_of(fact)] = round(totals[asset])

    def deliver(fact: Fact, asset: int, change: Units, other: int | None) -> None:
        if round(change):
            found.deliveries.append((day_of(fact), asset, round(change), other))

    def book_units(fact: Fact) -> None:
        kind, asset = KINDS[fact.type], fact.asset or 0
        before = held.get((fact.account, asset), 0)
        quantity = steps(fact.quantity, 10) if fact.quantity is not None else 0
        after, received = kind.units(before, quantity, fact.ratio)
        if after != before:
            move(fact, asset, after - before)
        if kind.figures == "transfer" and fact.counterpart is None:
            deliver(fact, asset, after - before, None)
        if kind.rescales and before:
            ratio = Fraction(after) / Fraction(before)
            splits.stated(asset=asset, day=day_of(fact), ratio=ratio, account=fact.account)
        if fact.new_asset is not None:
            move(fact, fact.new_asset, received)
            if kind.purchase:
                deliver(fact, asset, after - before, fact.new_asset)
            else:
                deliver(fact, fact.new_asset, received, asset)
        elif kind.figures == "trade" and fact.price:
            found.marks.setdefault(asset, {})[day_of(fact)] = steps(fact.price, 8)
        if kind.may_sell and fact.amount and fact.price is None:
            sold = fact.new_asset or asset
            fraction = held.get((fact.account, sold), 0) % 10**10
            if fraction:
                move(fact, sold, -fraction)

    for fact in sorted(_arriving_together(facts), key=_order):
        currency = currencies[fact.account]
        if KINDS[fact.type].step:
            book_units(fact)
        payment = _payment(fact, currency)
        if any(payment[name] for name in PARTS):
            found.payments.append(payment)
        if fact.cash_effect:
            balance[currency] = balance.get(currency, 0) + steps(fact.cash_effect, 4)
            found.cash.setdefault(currency, {})[day_of(fact)] = balance[currency]
    if len(currencies) > 1:
        _drop_own_moves(found.payments)
    found.splits = {
        asset: [(split.day, split.ratio) for split in known]
        for asset, known in splits.by_asset.items()
    }
    return found


def _order(fact: Fact) -> tuple[int, ...]:
    kind = KINDS[fact.type]
    place = rank(type=fact.type, own=fact.counterpart is not None)
    of_event = (fact.account, fact.asset or 0) if place == EVENT else (0, 0)
    return fact.instant, place, *of_event, kind.turn, fact.id


def _arriving_together(facts: list[Fact]) -> list[Fact]:
    left = {fact.id for fact in facts if fact.type == "transfer_out"}
    arrivals = {
        fact.counterpart: fact
        for fact in facts
        if fact.type == "transfer_in" and fact.counterpart in left
    }
    found = []
    for fact in facts:
        if fact.id in arrivals:
            arrival = arrivals[fact.id]
            found.append(fact._replace(instant=arrival.instant, counterpart=arrival.id))
        elif fact.counterpart not in left:
            found.append(fact._replace(counterpart=None))
        else:
            found.append(fact)
    return found


def _payment(fact: Fact, currency: str) -> dict[str, Any]:
    kind = KINDS[fact.type]
    cash = steps(fact.cash_effect, 4) * 10**24
    rate = steps(fact.fx_rate, 24)
    fee, amount = steps(fact.fee, 4) * rate, steps(fact.amount, 4) * rate
    found: dict[str, Any] = dict.fromkeys((*PARTS, "traded"), 0)
    found |= {"day": day_of(fact), "account": fact.account, "asset": fact.asset or 0}
    found |= {"currency": currency, "traded_currency": None, "fee": fee}
    match kind.performance:
        case "flow":
            found["flow"] = cash + fee
        case "income":
            found["income"] = cash + fee
        case "cost":
            found["fee"] = -cash
        case "tax":
            found["tax"] = -cash - fee
        case "trade":
            found["income"] = amount if kind.reinvests else 0
            found["trade"] = cash + fee - found["income"]
            traded = steps(fact.amount, 4)
            found["traded"] = -traded if kind.purchase else traded
            found["traded_currency"] = fact.currency
            if fact.new_asset is not None and (kind.purchase or fact.price is None):
                found["asset"] = fact.new_asset
    return found


def _drop_own_moves(payments: list[dict[str, Any]]) -> None:
    """No flow is an equal sum that leaves one account and enters another on the same day."""
    waiting: list[dict[str, Any]] = []
    dropped = []
    for one in payments:
        if not one["flow"]:
            continue
        partner = next(
            (
                other
                for other in waiting
                if other["flow"] == -one["flow"]
                and other["account"] != one["account"]
                and (other["day"], other["currency"]) == (one["day"], one["currency"])
            ),
            None,
        )
        if partner is None:
            waiting.append(one)
        else:
            waiting = [other for other in waiting if other is not partner]
            dropped += [one, partner]
    for one in dropped:
        one["flow"] = 0
