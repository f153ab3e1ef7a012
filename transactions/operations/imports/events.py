"""Rows of a file that stand or fall together, decided after each of them was judged alone.

One event may be several rows: a dividend and its tax, a trade and its fee in another currency. A
row that the ledger refuses holds the other rows of its event back. An arrival of units without a
cost needs a transfer out of the household, which only the ledger knows. And what the file takes
back may have been recorded before, from an earlier file.
"""

import json
from collections.abc import Sequence

from django.db import connection

from core.errors import BallastError
from transactions.models import Import, RowStatus
from transactions.operations.drafts import Draft, arrival_refusals

HELD_BACK = {
    "code": "held_back",
    "detail": "The row belongs to a refused row. Correct or exclude that row first.",
    "column": "",
}
TAKEN_BACK_IN_LEDGER = {
    "code": "taken_back_in_ledger",
    "detail": "The file cancels this row, but the ledger has it. Reverse the transaction.",
    "column": "",
}
_FOLLOW = """
UPDATE transactions_importrow AS row
   SET status = %(status)s, findings = COALESCE(%(findings)s::jsonb, first.findings)
  FROM (SELECT DISTINCT ON (event) event, findings FROM transactions_importrow
         WHERE batch_id = %(batch)s AND status = %(status)s AND event <> ''
           AND (%(code)s = '' OR findings->0->>'code' = %(code)s)
         ORDER BY event, number) AS first
 WHERE row.batch_id = %(batch)s AND row.status = %(ready)s AND row.event = first.event
"""


def keep_together(*, batch: Import) -> None:
    """Refuse or leave out the ready rows of events of which a row is refused or left out."""
    with connection.cursor() as cursor:
        for status, code, findings in (
            (RowStatus.ERROR, "", json.dumps([HELD_BACK])),
            (RowStatus.SKIPPED, "symbol_skipped", None),
        ):
            cursor.execute(
                _FOLLOW,
                {
                    "batch": batch.pk,
                    "status": status.value,
                    "ready": RowStatus.READY.value,
                    "code": code,
                    "findings": findings,
                },
            )


def refused_arrivals(*, batch: Import, arrivals: Sequence[Draft]) -> list[BallastError | None]:
    """Return why the ledger would refuse each arrival that states no cost; None if it would not."""
    if not arrivals:
        return []
    return arrival_refusals(account=batch.account, arrivals=arrivals)
