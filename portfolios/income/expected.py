"""The payments of the next 12 months: announced ones, and for the rest a projection. Pure.

    announced    cash of one share with its ex-date, times the units held now. It is expected on the
                 payment date if that is known, else on the ex-date. One whose ex-date has passed is
                 paid on the units held before it, whatever was bought or sold since, and counts
                 until a payment of the asset is recorded on or after its ex-date
    projected    each payment of the last 12 months again one year later: of an asset per unit held
                 on its day (in units of today, where splits came between) times the units held now;
                 interest on cash as it was. An asset no longer held pays nothing more
    never twice  a projected payment is left out if the same asset has an announced one, or was
                 already paid one in the last days, within `window` days of it: half the usual time
                 between its payments, 45 days at most. Payments within a week are one: several
                 accounts are paid on different days

A projection is arithmetic on the past and no forecast: it knows of no raise and no cut.

Worked example: 10 shares were paid 4.00 on March 10; 20 are held now, after a 2 for 1 split: 0.20
for each of today's shares, so 4.00 again is projected for next March 10. With 30 held it is 6.00.
If 0.25 with ex-date February 25 is announced, 7.50 takes its place; on February 26 it is still
7.50, though 10 of the 30 were sold on February 25.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from core.dates import moved_by_years
from core.money import WIDE, converted, quantize
from marketdata.dividends import Announced

WINDOW_DAYS_MAX = 45
_YEAR_DAYS = 365
_TOGETHER = timedelta(days=7)
ANNOUNCED, PROJECTED = "announced", "projected"


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment of the last 12 months; `units` of today held on its day, None of cash."""

    asset_id: int | None
    date: date
    currency: str
    amount: Decimal
    units: Fraction | None


@dataclass(frozen=True, slots=True)
class Expected:
    """A payment that is expected, in its currency and, with a rate, in the household's."""

    asset_id: int | None
    day: date
    basis: str
    currency: str
    amount: Decimal
    amount_household: Decimal | None
    # Per unit that it is paid on; None for interest on cash.
    per_unit: Decimal | None
    # The day of the payment that is projected.
    paid_date: date | None
    ex_date: date | None


def expected(
    *,
    paid: Sequence[Paid],
    announced: Sequence[Announced],
    units: Mapping[int, Decimal],
    entitled: Mapping[tuple[int, date], Decimal],
    rates: Mapping[str, Decimal],
    household_currency: str,
    today: date,
) -> list[Expected]:
    """Return the payments expected after `today` and within a year, by day.

    `units`: held now, by asset. `entitled`: held before an ex-date that has passed, by asset and
    ex-date. `rates`: units of the household's currency for one of another.
    """

    def paid_on(one: Paid | Announced) -> Decimal:
        if one.asset_id is None:
            return Decimal(0)
        if isinstance(one, Announced) and one.ex_date <= today:
            return entitled.get((one.asset_id, one.ex_date), Decimal(0))
        return units.get(one.asset_id, Decimal(0))

    by_asset: dict[int | None, list[Paid]] = {}
    for one in paid:
        by_asset.setdefault(one.asset_id, []).append(one)
    told: dict[int, list[Announced]] = {}
    for cash in announced:
        if paid_on(cash) > 0:
            told.setdefault(cash.asset_id, []).append(cash)
    found = [
        _expected(one, paid_on(one[0]), rates, household_currency)
        for asset_id in {*by_asset, *told}
        for one in _of_asset(
            by_asset.get(asset_id, []),
            told.get(asset_id, []) if asset_id is not None else [],
            None if asset_id is None else units.get(asset_id, Decimal(0)),
            today,
        )
    ]
    return sorted(found, key=lambda one: (one.day, one.asset_id or 0, one.currency))


_Coming = tuple[Paid, date] | tuple[Announced, date]


def _of_asset(
    paid: Sequence[Paid], told: Sequence[Announced], held: Decimal | None, today: date
) -> list[_Coming]:
    """Return what one asset will pay, and when."""
    until = moved_by_years(today, 1)
    goes_on = held is None or held > 0
    payments = sorted(paid, key=lambda one: one.date)
    window = timedelta(days=window_days(payments))
    last_paid = payments[-1].date if payments else None
    coming: list[_Coming] = []
    for cash in sorted(told, key=lambda one: one.ex_date):
        day = cash.payment_date or cash.ex_date
        open_still = last_paid is None or last_paid < cash.ex_date
        if open_still and today - timedelta(days=WINDOW_DAYS_MAX) <= day <= until:
            coming.append((cash, max(day, today + timedelta(days=1))))
    replaced = [cash.ex_date for cash, _ in coming if isinstance(cash, Announced)]
    replaced += [one.date for one in payments if one.date > today - window]
    projected = [
        (one, day)
        for one in payments
        if goes_on
        and today < (day := moved_by_years(one.date, 1)) <= until
        and (one.asset_id is None or one.units)
    ]
    for day in _first_of_each(replaced):
        near = [other for _, other in projected if abs(other - day) <= window]
        if near:
            gone = min(near, key=lambda other: abs(other - day))
            projected = [pair for pair in projected if abs(pair[1] - gone) > _TOGETHER]
    return [*coming, *projected]


def window_days(payments: Sequence[Paid]) -> int:
    """Return half the usual time between payments of a year, in days: at most 45."""
    days = len(_first_of_each([one.date for one in payments]))
    return min(WINDOW_DAYS_MAX, _YEAR_DAYS // (2 * days)) if days else WINDOW_DAYS_MAX


def _first_of_each(days: Sequence[date]) -> list[date]:
    """Return the first of the days that belong together."""
    found: list[date] = []
    for day in sorted(days):
        if not found or day - found[-1] > _TOGETHER:
            found.append(day)
    return found


def _expected(coming: _Coming, held: Decimal, rates: Mapping[str, Decimal], home: str) -> Expected:
    one, day = coming
    if isinstance(one, Announced):
        per_unit: Decimal | None = one.amount
    elif one.asset_id is None or not one.units:
        per_unit = None
    else:
        per_unit = _per_unit(one.amount, one.units)
    exact = one.amount
    if per_unit is not None:
        exact = WIDE.multiply(per_unit, held)
    rate = rates.get(one.currency)
    return Expected(
        asset_id=one.asset_id,
        day=day,
        basis=ANNOUNCED if isinstance(one, Announced) else PROJECTED,
        currency=one.currency,
        amount=quantize(exact, one.currency),
        amount_household=None if rate is None else converted(exact, rate, home),
        per_unit=per_unit,
        paid_date=one.date if isinstance(one, Paid) else None,
        ex_date=one.ex_date if isinstance(one, Announced) else None,
    )


def _per_unit(amount: Decimal, units: Fraction) -> Decimal:
    return WIDE.divide(WIDE.multiply(amount, Decimal(units.denominator)), Decimal(units.numerator))
