"""Write a finished month of minute bars again, in the order of its key.

While a month lasts, its rows lie in the order of their arrival, and half of each page is free. One
asset's month is then on a page for each minute; written again, it is on a hundred pages.

Everything happens in one transaction. Writers of the month wait, readers do not, until the new
table takes the place of the old one.
"""

from datetime import date, timedelta

from django.db import connection

from marketdata.models import PricePartition
from marketdata.operations.partitions import TICKS_KEPT_DAYS
from marketdata.partitions import MINUTES, Partition, partitions_between
from stores.database import long_statements
from stores.rows import rows_of

SETTLE_S_MAX = 3600

# A partition that was never written again still has the fill factor it was created with.
_UNSETTLED = """
SELECT child.relname FROM pg_inherits
  JOIN pg_class child ON child.oid = inhrelid
 WHERE inhparent = %(table)s::regclass AND 'fillfactor=50' = ANY(child.reloptions)
 ORDER BY child.relname
"""
_SETTLE = """
LOCK_WRITERS;
CREATE TABLE settling_minutes (LIKE {name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO settling_minutes SELECT * FROM {name} ORDER BY asset_id, at;
ALTER TABLE settling_minutes ADD PRIMARY KEY (asset_id, at);
ALTER TABLE settling_minutes ADD CONSTRAINT settling_range
    CHECK (at >= '{first} 00:00:00+00' AND at < '{end} 00:00:00+00');
DROP TABLE {name};
ALTER TABLE settling_minutes RENAME TO {name};
ALTER INDEX settling_minutes_pkey RENAME TO {name}_pkey;
ALTER TABLE {parent} ATTACH PARTITION {name}
    FOR VALUES FROM ('{first} 00:00:00+00') TO ('{end} 00:00:00+00');
ALTER TABLE {name} DROP CONSTRAINT settling_range;
ANALYZE {name};
"""
# Creating a trigger makes all writers of a table wait, and lets readers go on.
_LOCK_WRITERS = """
CREATE OR REPLACE TRIGGER prices_settling BEFORE INSERT ON {name}
   FOR EACH ROW EXECUTE FUNCTION marketdata_refuse_moved()"""


def settle_minutes(*, as_of: date) -> list[str]:
    """Write the months again whose last trades are no longer kept. Return their names."""
    settled = []
    for (name,) in rows_of(_UNSETTLED, {"table": MINUTES}):
        one = _partition(name)
        moves = PricePartition.objects.filter(name=name).exclude(tier="hot", target="").exists()
        if one is None or moves or one.end + timedelta(days=TICKS_KEPT_DAYS) >= as_of:
            continue
        statements = _SETTLE.replace("LOCK_WRITERS", _LOCK_WRITERS).format(
            name=name, parent=MINUTES, first=one.first, end=one.end
        )
        with long_statements(seconds=SETTLE_S_MAX), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [MINUTES])
            cursor.execute(statements)
        settled.append(name)
    return settled


def _partition(name: str) -> Partition | None:
    year, _, month = name.removeprefix(f"{MINUTES}_").partition("_")
    if not (year.isdecimal() and month.isdecimal()):
        return None
    first = date(int(year), int(month), 1)
    return partitions_between(MINUTES, first, first)[0]
