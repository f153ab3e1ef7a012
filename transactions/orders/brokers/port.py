"""What a broker is asked and answers, in one vocabulary. Pure.

A broker keeps orders by a client id that Ballast chooses, writes down before the first call, and
never uses for another order. Two orders of one client id are impossible at a broker: it refuses the
second, and `submit` then returns the first.

    AnswerLost   nobody knows whether the call arrived: `find` before anything else
    Refused      the broker understood and will not do it; nothing is there
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class BrokerState(StrEnum):
    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class AnswerLost(Exception):
    """No usable answer came: the order may be there or not."""


class Refused(Exception):
    """The broker refused the order; `detail` is for the investor and holds no key."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class BrokerRequest:
    """An order to send: `limit_price` is None at the market."""

    client_id: str
    symbol: str
    side: str
    quantity: Decimal
    limit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the broker has it. `filled_value`: what is filled came to, before fees."""

    id: str
    client_id: str
    state: BrokerState
    filled_quantity: Decimal = Decimal(0)
    filled_value: Decimal = Decimal(0)
    changed_at: datetime | None = None


class Broker(Protocol):
    """A broker. Every call raises AnswerLost or Refused, and nothing else."""

    @property
    def name(self) -> str: ...

    def find(self, client_id: str) -> BrokerOrder | None:
        """Return the order with this client id, or None if the broker has none."""
        ...

    def submit(self, request: BrokerRequest) -> BrokerOrder:
        """Send an order once; return the one that is there if its client id is known already."""
        ...

    def cancel(self, order_id: str) -> None:
        """Request the end of an order. What is filled by then stays; an ended one is left."""
        ...
