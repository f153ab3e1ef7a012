"""Writes: the columns a person sees in the table of all holdings."""

from collections.abc import Sequence

from core.errors import InvalidInput
from identity.models import User
from portfolios.holdings.tables import CHOOSABLE
from portfolios.models import HoldingsColumns


def choose_columns(*, user: User, names: Sequence[str]) -> None:
    """Keep the columns of the table of holdings for a person, in the table's own order.

    Raise InvalidInput for a column that does not exist.
    """
    unknown = sorted(set(names) - set(CHOOSABLE))
    if unknown:
        raise InvalidInput(
            "The table of holdings has no such column. Choose from the list.",
            code="column_unknown",
            fields={"columns": [f"has no column {unknown[0][:40]}"]},
        )
    chosen = [name for name in CHOOSABLE if name in set(names)]
    HoldingsColumns.objects.update_or_create(user=user, defaults={"names": chosen})
