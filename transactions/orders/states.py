"""The states of an order, and what may happen to it in each. Pure.

    placed         by hand: the investor gives it to the broker and records what was filled
    sending        for a broker: its client id is written, and no answer has arrived yet
    unknown        the broker's answer was lost: it is looked up before anything is sent again
    submitted      the broker has it
    partly_filled  0 < filled < quantity
    filled         filled = quantity
    cancelled, rejected, expired   nothing more will be filled; what was filled before stays

    filled + open = quantity while the order is open, and open = 0 once it has ended.

An investor may take back fills recorded by hand. Fills that a broker reported are facts of the
broker, so taking back their transactions does not change the order.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from core.errors import Conflict, InvalidInput

_ZERO = Decimal(0)


class State(StrEnum):
    PLACED = "placed"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SUBMITTED = "submitted"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


OPEN = frozenset({State.PLACED, State.SENDING, State.UNKNOWN, State.SUBMITTED, State.PARTLY_FILLED})
ENDED = frozenset(State) - OPEN
# The broker may or may not have it.
UNCERTAIN = frozenset({State.SENDING, State.UNKNOWN})
# The open states as a database stores them.
OPEN_STORED = sorted(state.value for state in OPEN)
CHOICES = [(state.value, state.value.replace("_", " ").capitalize()) for state in State]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an order stands: its state and how much of it is filled."""

    quantity: Decimal
    filled: Decimal = _ZERO
    state: State = State.PLACED
    at_broker: bool = False

    def __post_init__(self) -> None:
        assert _ZERO <= self.filled <= self.quantity, "an order is filled at most once"
        assert (self.state == State.FILLED) == (self.filled == self.quantity), "filled is filled"
        assert self.state != State.PARTLY_FILLED or self.filled > 0, "a part is more than nothing"
        assert self.at_broker or self.state not in UNCERTAIN | {State.SUBMITTED}, "by hand"

    @property
    def open(self) -> Decimal:
        """Return the units that may still be filled."""
        return self.quantity - self.filled if self.state in OPEN else _ZERO


def ordered(quantity: Decimal, *, at_broker: bool = False) -> Standing:
    """Return the standing of a new order."""
    state = State.SENDING if at_broker else State.PLACED
    return Standing(quantity=quantity, state=state, at_broker=at_broker)


def answer_lost(standing: Standing) -> Standing:
    """Return the standing after a call whose answer never came."""
    _ensure(standing, {State.SENDING, State.UNKNOWN}, "sent")
    return replace(standing, state=State.UNKNOWN)


def accepted(standing: Standing) -> Standing:
    """Return the standing once the broker has the order. What it has filled stays."""
    if standing.state in {State.SUBMITTED, State.PARTLY_FILLED}:
        return standing
    _ensure(standing, {State.SENDING, State.UNKNOWN}, "accepted")
    return replace(standing, state=State.SUBMITTED)


def filled(standing: Standing, quantity: Decimal) -> Standing:
    """Return the standing after a fill; refuse more than is open."""
    if not quantity.is_finite() or quantity <= 0:
        raise InvalidInput(
            "The quantity of a fill must be greater than zero. Correct it.",
            code="not_positive",
            fields={"quantity": ["must be greater than zero"]},
        )
    _ensure(standing, OPEN, "filled")
    if quantity > standing.open:
        raise Conflict(
            f"Only {standing.open.normalize():f} units of this order are open, so "
            f"{quantity.normalize():f} cannot be filled. Lower the quantity.",
            code="fill_exceeds_order",
            fields={"quantity": ["is more than is open"]},
        )
    total = standing.filled + quantity
    state = State.FILLED if total == standing.quantity else State.PARTLY_FILLED
    return replace(standing, filled=total, state=state)


def unfilled(standing: Standing, quantity: Decimal) -> Standing:
    """Return the standing after a fill recorded by hand is taken back."""
    assert not standing.at_broker, "what a broker filled stays filled"
    assert _ZERO < quantity <= standing.filled, "only what was filled is taken back"
    left = standing.filled - quantity
    if standing.state in ENDED - {State.FILLED}:
        return replace(standing, filled=left)
    return replace(standing, filled=left, state=State.PARTLY_FILLED if left else State.PLACED)


def corrected(standing: Standing, quantity: Decimal, *, to: Decimal) -> Standing:
    """Return the standing after a fill recorded by hand is corrected from `quantity`."""
    before = unfilled(standing, quantity)
    if before.state in OPEN:
        return filled(before, to)
    left = before.quantity - before.filled
    if to >= left:
        raise Conflict(
            f"The order is {before.state.value} and was not filled whole, so this fill has less "
            f"than {left.normalize():f} units. Lower the quantity, or reverse the fill and record "
            "the trade by itself.",
            code="fill_exceeds_order",
            fields={"quantity": ["is more than the order can have"]},
        )
    return replace(before, filled=before.filled + to)


def cancelled(standing: Standing) -> Standing:
    """Return the standing of an order of which nothing more will be filled."""
    if standing.state == State.CANCELLED:
        return standing
    _ensure(standing, OPEN, "cancelled")
    return replace(standing, state=State.CANCELLED)


def rejected(standing: Standing) -> Standing:
    """Return the standing of an order that the broker, or the last check, refused."""
    _ensure(standing, OPEN - {State.PLACED}, "rejected")
    return replace(standing, state=State.REJECTED)


def expired(standing: Standing) -> Standing:
    """Return the standing of an order whose time ran out at the broker."""
    _ensure(standing, OPEN - {State.PLACED}, "expired")
    return replace(standing, state=State.EXPIRED)


def _ensure(standing: Standing, allowed: Iterable[State], verb: str) -> None:
    if standing.state not in frozenset(allowed):
        raise Conflict(
            f"The order is {standing.state.value.replace('_', ' ')}, so it cannot be {verb}. "
            "Place a new order.",
            code="order_not_open",
        )


class Progress(StrEnum):
    """How far the trades of an approved recommendation are."""

    APPROVED = "approved"
    PARTLY_DONE = "partly_done"
    DONE = "done"


def progress(*, trades: int, ordered: int, anything_filled: bool, anything_open: bool) -> Progress:
    """Return how far a recommendation of `trades` is, of which `ordered` became orders.

    It is done when every trade was ordered, something was filled, and nothing is open any more.
    """
    if not anything_filled:
        return Progress.APPROVED
    is_done = ordered >= trades and not anything_open
    return Progress.DONE if is_done else Progress.PARTLY_DONE
