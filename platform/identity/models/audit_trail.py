"""Which changes of a row the audit trail keeps. `identity.middleware` adds who made them."""

import pghistory


def every_change() -> list[pghistory.RowEvent]:
    """Return trackers for the audit trail: inserts, updates and deletes.

    pghistory's own default leaves out deletions.
    """
    return [pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent()]
