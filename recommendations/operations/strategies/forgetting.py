"""Take the names of closed users off what they published, which stays with its followers."""

from django.db import transaction

from identity.operations.closing import CLOSED
from recommendations.models import Strategy, StrategyAuthor
from recommendations.operations.strategies.authoring import nobodys_name
from recommendations.strategies.names import name_key
from stores.locks import locked

_BATCH = 500
_TELLS_NOTHING = "^Investor [0-9a-f]{6}( [0-9a-f]{12})?$"


def forget_closed_authors() -> int:
    """Give the authors whose log-in was closed for good a name that tells nothing; how many."""
    rows = StrategyAuthor.objects.filter(user__is_active=False, user__email__endswith=CLOSED)
    named = rows.exclude(name__regex=_TELLS_NOTHING).order_by("user_id")
    ids = list(named.values_list("user_id", flat=True)[:_BATCH])
    for user_id in ids:
        with transaction.atomic():
            row = locked(StrategyAuthor.objects.filter(pk=user_id)).get()
            # With more digits than a first name has, so that no other author has it.
            row.name = f"{nobodys_name(row.user)} {row.user.public_id.hex[:12]}"
            row.name_key = name_key(row.name)
            row.save(update_fields=["name", "name_key"])
            Strategy.objects.filter(author_id=user_id).update(author_name=row.name)
    return len(ids)
