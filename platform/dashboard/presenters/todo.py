"""The cards of what a household has to do, most urgent first. Pure.

Every card has a reason and one way to act. Its rank is that of its kind: first what makes figures
wrong, then what waits for a decision, then what has a date.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

KINDS = (
    *("unpriced", "negative_cash", "import_waiting", "approved", "out_of_band"),
    *("harvest", "stale_rate", "long_term", "do_not_buy"),
)
# A lot that turns long-term within these days is worth waiting for.
SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Card:
    """Something to do: `address` is where; `posts` if the button acts at once."""

    kind: str
    title: str
    reason: str
    action: str
    address: str
    amount: Decimal | None = None
    currency: str = ""
    until: date | None = None
    posts: bool = False

    def __post_init__(self) -> None:
        assert self.kind in KINDS, f"no rank for {self.kind}"


def ranked(cards: Iterable[Card]) -> list[Card]:
    """Return the cards by urgency of their kind, then by day, then the largest amount first."""
    return sorted(
        cards,
        key=lambda card: (
            KINDS.index(card.kind),
            card.until or date.max,
            -(card.amount or Decimal(0)),
            card.title,
        ),
    )
