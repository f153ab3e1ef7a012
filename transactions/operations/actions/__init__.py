"""Corporate actions in the ledgers: preview, decide, book, withdraw."""

from transactions.operations.actions.deciding import confirm_own, propose_own, withdraw_own
from transactions.operations.actions.previews import (
    HeldLot,
    Position,
    PreviewedGain,
    PreviewedPart,
    previewed,
)
from transactions.operations.actions.runs import (
    FOLLOW,
    follow_actions,
    give_up,
    list_households,
    run,
)

__all__ = [
    "FOLLOW",
    "HeldLot",
    "Position",
    "PreviewedGain",
    "PreviewedPart",
    "confirm_own",
    "follow_actions",
    "give_up",
    "list_households",
    "previewed",
    "propose_own",
    "run",
    "withdraw_own",
]
