"""What a household holds that somebody who leaves it would no longer reach, notes included."""

from identity.models import Household, User
from portfolios.models import Goal
from recommendations.models import Note
from transactions.queries.holding_households import counted
from transactions.queries.holding_households import household_holds as ledger_holds


def household_holds(*, household: Household, owner: User | None) -> list[str]:
    """Return in words what the household holds, or what one of its members owns there.

    Notes belong to the household: they stay with its other members, and nobody else reads them.
    Weights of models are left out, since nobody can delete them and a fit repeats them.
    """
    found = ledger_holds(household=household, owner=owner)
    if owner is None:
        goals = Goal.objects.filter(household=household).count()
        notes = Note.objects.filter(household=household).count()
        found += [*counted(goals, "goal", "goals"), *counted(notes, "note", "notes")]
    return found
