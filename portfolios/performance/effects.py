"""The effect of each payment and delivery on its asset and on cash. Pure; exact.

    a purchase   the asset gains -(its price at the day's rate), cash pays what was booked; where
                 the rate booked is not the day's, the difference is a currency effect
    income       earned by the asset (dividend) or by cash (interest), paid into cash at once
    a delivery   units at the close of their day: a flow from outside, or out of the asset they were
                 exchanged for

All figures in 10^-52 of the reporting currency at the rate of the day.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from portfolios.performance.daily_holdings import Delivery, History, Payment
from portfolios.performance.daily_values import Board
from portfolios.performance.figures import Figure


class Unknown(Exception):
    """A figure needs a price or a rate that is missing."""

    def __init__(self, figure: Figure) -> None:
        assert figure.reason is not None
        super().__init__(figure.reason.detail)
        self.figure = figure


class Effect(NamedTuple):
    """On day `number`, on `asset` (None: cash itself).

    flow       cash that came from outside, signed
    traded     what units brought (> 0) or cost (< 0), before fees, at the day's rate
    currency   what the booked rate differs from the day's
    delivered  value of units that came, signed; `external` if from or to the outside
    """

    number: int
    asset: int | None
    flow: int = 0
    traded: int = 0
    income: int = 0
    fee: int = 0
    tax: int = 0
    currency: int = 0
    delivered: int = 0
    external: bool = False

    @property
    def paid(self) -> int:
        """What the asset paid into cash (> 0) or took from it."""
        return self.traded + self.currency + self.income - self.fee - self.tax


def effects(board: Board, past: History, *, only: int | None = None) -> list[Effect]:
    """Return the effects of the period, of one asset or of all; raise Unknown."""
    return [
        effect
        for effect in (*_payments(board, past.payments), *_deliveries(board, past.deliveries))
        if only is None or effect.asset == only
    ]


def _payments(board: Board, payments: Sequence[Payment]) -> Iterator[Effect]:
    for payment in payments:
        number = board.number(payment.day)
        if not 0 < number < board.count:
            continue
        rate = board.rate_of_parts(payment.currency, number)
        if rate is None:
            raise Unknown(board.no_rate(payment.currency, number))
        booked = payment.trade * rate
        traded = _traded(board, payment, number, booked) if booked else 0
        yield Effect(
            number,
            payment.asset,
            payment.flow * rate,
            traded,
            payment.income * rate,
            payment.fee * rate,
            payment.tax * rate,
            booked - traded,
        )


def _traded(board: Board, payment: Payment, number: int, booked: int) -> int:
    """Return the price of the trade at the day's rate of the asset's currency, like its value."""
    track = board.tracks.get(payment.asset) if payment.asset is not None else None
    if track is None or track.line.currency != payment.traded_currency:
        return booked
    rate = board.rate_of_cash(payment.traded_currency, number)
    if rate is None:
        raise Unknown(board.no_rate(payment.traded_currency, number))
    return payment.traded * rate


def _deliveries(board: Board, deliveries: Sequence[Delivery]) -> Iterator[Effect]:
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
        yield Effect(number, delivery.asset, delivered=worth, external=delivery.other is None)
        if delivery.other is not None:
            yield Effect(number, delivery.other, delivered=-worth)
