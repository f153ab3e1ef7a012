"""Announced dividends on shares an account held, which its ledger does not have. Pure.

    units      held at the end of the day before the ex-date, in units of that day
    recorded   a payment of the asset belongs to one ex-date: that whose announced payment lies
               within a week of it, else the latest one up to 120 days before it. An ex-date with a
               payment is recorded, however many rows the broker made of it
    amount     units x cash of one share, rounded once to the currency's minor unit, halves up

A payment that comes after the next ex-date, without an announced day of payment, counts for that
one; the first of them stays due, and its owner skips it.

Worked example: 40 shares bought in January, a 2 for 1 split on April 1, $0.25 announced with
ex-date March 10 and $0.13 with June 9. A dividend of $10.00 recorded on March 24 belongs to March
10. Due is June 9: 80 x 0.13 = $10.40.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from core.limits import QUANTITY_DECIMALS
from core.money import converted
from marketdata.dividends import Announced
from portfolios.prices.rule import Points

PAYMENT_DAYS_MAX = 120
_SAME_PAYMENT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DueDividend:
    """A dividend to record: `amount` is before withheld tax, in the currency of the asset."""

    announced: Announced
    units: Decimal
    amount: Decimal


def due_dividends(
    announced: Iterable[Announced],
    *,
    units: Mapping[int, Points],
    payments: Mapping[int, Sequence[date]],
    skipped: Collection[tuple[int, date]],
) -> list[DueDividend]:
    """Return what is due, by ex-date. `units` are in steps of 10^-10, `payments` by asset."""
    by_asset: dict[int, list[Announced]] = {}
    for one in sorted(announced, key=lambda one: one.ex_date):
        by_asset.setdefault(one.asset_id, []).append(one)
    found = []
    for asset, ones in by_asset.items():
        recorded = _recorded(ones, payments.get(asset, ()))
        for one in ones:
            held = held_before(units.get(asset), one.ex_date)
            if held <= 0 or one.ex_date in recorded or (asset, one.ex_date) in skipped:
                continue
            amount = converted(held, one.amount, one.currency)
            if amount > 0:
                found.append(DueDividend(one, held, amount))
    return sorted(found, key=lambda due: (due.announced.ex_date, due.announced.asset_id))


def _recorded(ones: Sequence[Announced], payments: Sequence[date]) -> set[date]:
    """Return the ex-dates to which a payment belongs; `ones` by ascending ex-date."""
    days = [one.ex_date for one in ones]
    found = set()
    for paid in payments:
        near = [
            one
            for one in ones
            if one.payment_date is not None and abs(one.payment_date - paid) <= _SAME_PAYMENT
        ]
        if near:
            found.add(min(near, key=lambda one: abs(one.payment_date - paid)).ex_date)  # type: ignore[operator]
            continue
        place = bisect_right(days, paid)
        if place and paid - days[place - 1] <= timedelta(days=PAYMENT_DAYS_MAX):
            found.add(days[place - 1])
    return found


def held_before(points: Points | None, ex_date: date) -> Decimal:
    """Return the units that a dividend is paid on: held at the end of the day before its ex-date.

    They are in units of that day. `points` are in steps of 10^-10.
    """
    if points is None:
        return Decimal(0)
    place = int(np.searchsorted(points.days, ex_date.toordinal(), side="left"))
    steps = int(points.values[place - 1]) if place else 0
    return Decimal(steps).scaleb(-QUANTITY_DECIMALS)
