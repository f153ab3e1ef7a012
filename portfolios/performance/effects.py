"""The effect of each payment and delivery on its asset and on cash. Pure; exact.

    a purchase   the asset gains -(its price at the day's rate), cash pays what was booked; where
                 the rate booked is not the day's, the difference is a currency effect
    income       earned by the asset (dividend) or by cash (interest), paid into cash at once
    a delivery   units at the close of their day: a flow from outside, or out of the asset they were
                 exchanged for

All figures in 10^-52 of the reporting currency at the rate of the day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from portfolios.performance.daily_holdings import Delivery, History
from portfolios.performance.daily_rates import DailyRates
from portfolios.performance.daily_values import OF_CASH, OF_PARTS, Board
from portfolios.performance.figures import Figure
from portfolios.performance.payments import Payments
from portfolios.prices.rule import Ints, Whole


class Unknown(Exception):
    """A figure needs a price or a rate that is missing."""

    def __init__(self, figure: Figure) -> None:
        assert figure.reason is not None
        super().__init__(figure.reason.detail)
        self.figure = figure


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects as columns of equal length: on day `numbers`, on `assets` (0: cash itself).

    flow       cash that came from outside, signed
    traded     what units brought (> 0) or cost (< 0), before fees, at the day's rate
    currency   what the booked rate differs from the day's
    delivered  value of units that came, signed; `external` if from or to the outside
    """

    numbers: Ints
    assets: Ints
    flow: Whole
    traded: Whole
    income: Whole
    fee: Whole
    tax: Whole
    currency: Whole
    delivered: Whole
    external: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.numbers)

    def picked(self, rows: NDArray[Any]) -> "Effects":
        """Return these rows, by place or by mask, in their order."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    @property
    def paid(self) -> Whole:
        """What the asset paid into cash (> 0) or took from it."""
        found: Whole = self.traded + self.currency + self.income - self.fee - self.tax
        return found


_COLUMNS = tuple(field.name for field in fields(Effects))


class _Delivered(NamedTuple):
    number: int
    asset: int
    value: int
    external: bool


def effects(board: Board, past: History, *, only: int | None = None) -> Effects:
    """Return the effects of the period, of one asset or of all; raise Unknown."""
    paid = _of_payments(board, past.payments, only)
    delivered = [
        one for one in _deliveries(board, past.deliveries) if only is None or one.asset == only
    ]
    if not delivered:
        return paid
    return _joined(paid, _of_deliveries(delivered))


def _of_payments(board: Board, payments: Payments, only: int | None) -> Effects:
    numbers = payments.days - board.first
    inside = (numbers > 0) & (numbers < board.count)
    if only is not None:
        inside &= payments.assets == only
    payments, numbers = payments.picked(inside), numbers[inside]
    rates = _rates(board, payments, payments.currencies, numbers)
    at_home = _traded_at_home(board, payments)
    places = np.where(at_home, payments.traded_currencies, -1)
    traded_rates = _rates(board, payments, places, numbers)
    _ensure_known(board, payments, numbers, rates.known, traded_rates.known)
    factors = rates.values * OF_PARTS
    booked = payments.trade * factors
    traded = booked.copy()
    traded[at_home] = payments.traded[at_home] * (traded_rates.values[at_home] * OF_CASH)
    return Effects(
        numbers=numbers,
        assets=payments.assets,
        flow=payments.flow * factors,
        traded=traded,
        income=payments.income * factors,
        fee=payments.fee * factors,
        tax=payments.tax * factors,
        currency=booked - traded,
        delivered=np.zeros(len(numbers), dtype=object),
        external=np.zeros(len(numbers), dtype=bool),
    )


@dataclass(frozen=True, slots=True)
class _Rates:
    """The rate of each payment on its day in 10^-24, and where there is one."""

    values: Whole
    known: NDArray[np.bool_]


def _rates(board: Board, payments: Payments, currencies: Ints, numbers: Ints) -> _Rates:
    """Return rates of currencies (places in the names) on days; no currency is known to be 0."""
    values = np.zeros(len(payments), dtype=object)
    known = np.ones(len(payments), dtype=bool)
    for place in np.unique(currencies[currencies >= 0]).tolist():
        rates: DailyRates = board.rates[payments.names[place]]
        rows = currencies == place
        values[rows] = rates.rates[numbers[rows]]
        known[rows] = rates.known[numbers[rows]]
    return _Rates(values, known)


def _traded_at_home(board: Board, payments: Payments) -> NDArray[np.bool_]:
    """Return the trades made in the currency in which their asset is valued.

    Their price counts at the day's rate, like the asset's value.
    """
    found: NDArray[np.bool_] = np.zeros(len(payments), dtype=bool)
    places = {name: place for place, name in enumerate(payments.names)}
    assets, rows = np.unique(payments.assets, return_inverse=True)
    tracks = [board.tracks.get(asset) for asset in assets.tolist()]
    of_asset = [-2 if track is None else places.get(track.line.currency, -2) for track in tracks]
    if of_asset:
        found = np.array(of_asset)[rows] == payments.traded_currencies
        found &= payments.trade != 0
    return found


def _ensure_known(
    board: Board,
    payments: Payments,
    numbers: Ints,
    known: NDArray[np.bool_],
    known_of_trade: NDArray[np.bool_],
) -> None:
    for row in np.flatnonzero(~(known & known_of_trade))[:1].tolist():
        places = payments.traded_currencies if known[row] else payments.currencies
        raise Unknown(board.no_rate(payments.names[places[row]], int(numbers[row])))


def _deliveries(board: Board, deliveries: Sequence[Delivery]) -> Sequence[_Delivered]:
    found = []
    for delivery in deliveries:
        number = board.number(delivery.day)
        if not 0 < number < board.count:
            continue
        track = board.tracks.get(delivery.asset) or board.others.get(delivery.asset)
        if track is None:
            continue  # only another asset is asked for
        if not track.knows(number):
            raise Unknown(board.why_unknown(track, number))
        worth = track.worth(delivery.units, number)
        found.append(_Delivered(number, delivery.asset, worth, delivery.other is None))
        if delivery.other is not None:
            found.append(_Delivered(number, delivery.other, -worth, external=False))
    return found


def _of_deliveries(delivered: Sequence[_Delivered]) -> Effects:
    nothing = np.zeros(len(delivered), dtype=object)
    values = nothing.copy()
    values[:] = [one.value for one in delivered]
    return Effects(
        numbers=np.array([one.number for one in delivered], dtype=np.int64),
        assets=np.array([one.asset for one in delivered], dtype=np.int64),
        flow=nothing,
        traded=nothing,
        income=nothing,
        fee=nothing,
        tax=nothing,
        currency=nothing,
        delivered=values,
        external=np.array([one.external for one in delivered], dtype=bool),
    )


def _joined(one: Effects, other: Effects) -> Effects:
    return Effects(
        **{name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in _COLUMNS}
    )
