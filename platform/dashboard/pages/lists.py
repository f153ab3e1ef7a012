"""Long lists by key: the next page begins after the last row shown, by one row comparison."""

from datetime import datetime
from typing import Any, TypeVar

from django.core import signing
from django.db.models import BigIntegerField, DateTimeField, Model, QuerySet, Value

from core.dates import instant_text
from core.errors import InvalidInput
from edge.pagination import RowComparison

Row = TypeVar("Row", bound=Model)
_SALT = "dashboard.lists"


def keyset_page(
    rows: "QuerySet[Row]", *, sort_key: str, cursor: str, size: int
) -> tuple[list[Row], str | None]:
    """The rows after `cursor` (none: the newest) and the cursor of the rest, if there is one.

    `rows` are sorted by -sort_key, -id. Raises InvalidInput for a cursor that is not ours.
    """
    if cursor:
        instant, row_id = _position(cursor)
        rows = rows.filter(
            RowComparison(
                sort_key,
                "id",
                Value(instant, output_field=DateTimeField()),
                Value(row_id, output_field=BigIntegerField()),
                operator="<",
            )
        )
    found = list(rows[: size + 1])
    if len(found) <= size:
        return found, None
    last: Any = found[size - 1]
    return found[:size], signing.dumps([instant_text(getattr(last, sort_key)), last.pk], salt=_SALT)


def _position(cursor: str) -> tuple[datetime, int]:
    try:
        instant, row_id = signing.loads(cursor, salt=_SALT)
        return datetime.fromisoformat(instant), int(row_id)
    except (signing.BadSignature, ValueError, TypeError):
        raise InvalidInput("This link is not one of ours.", code="cursor_invalid") from None
