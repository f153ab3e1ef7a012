"""Write sessions of one asset into years that are archived, without bringing those years back.

    claim     the partition, as a move does; one that is moving is busy
    merge     the sessions into the block of the asset, which is read; a new asset gets its own
    write     the block beside the old one, and compare it with what was read back
    switch    one transaction: the new block answers, and the closes of the year are packed again

Killed before the switch, nothing has changed; the same sessions are merged into the same block
again. A block that was replaced is deleted by the next one who writes the partition, so that a
reader who just looked it up still finds it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
from django.db import connection, transaction

from marketdata.bars import ABSENT, BAR, Records, no_bars
from marketdata.models import PriceBlock, PricePartition
from marketdata.operations.price_claims import MoveLost, claimed, lock_attempt, release
from marketdata.operations.price_copies import COPIES, Block, checksum
from marketdata.partitions import DAILY
from marketdata.providers.port import DayBar
from marketdata.tiers import COLD, HOT

LEASE_S = 120
_SCALE = 8
# As the triggers of the daily prices do: the version first, which is locked until the commit.
_PACK = """
INSERT INTO marketdata_seriesversion (series, version) VALUES ('closes:' || %(asset)s, 1)
    ON CONFLICT (series) DO UPDATE SET version = marketdata_seriesversion.version + 1;
INSERT INTO marketdata_yearofcloses (asset_id, year, days, closes)
SELECT %(asset)s, extract(year FROM DATE '0001-01-01' + day - 1),
       string_agg(day::text, ' ' ORDER BY day),
       string_agg((close * 0.00000001)::numeric(30, 8)::text, ' ' ORDER BY day)
  FROM unnest(%(days)s::int[], %(closes)s::numeric[]) AS stated(day, close)
 GROUP BY 2
    ON CONFLICT (asset_id, year)
    DO UPDATE SET days = EXCLUDED.days, closes = EXCLUDED.closes
"""


def archived(*, since: date, until: date) -> list[PricePartition]:
    """Return the partitions of daily prices in a range that are not hot, the oldest first."""
    rows = PricePartition.objects.filter(table=DAILY, first__lte=until, end__gt=since)
    return list(rows.exclude(tier=HOT).order_by("first"))


def amend_days(*, partition: PricePartition, asset_id: int, bars: Sequence[DayBar]) -> int:
    """Write sessions of a partition; return how many were new or different.

    Raises MoveLost while the partition is moving, and what its tier raises if it does not answer.
    """
    attempt = claimed(partition, lease_s=LEASE_S)
    if attempt is None:
        raise MoveLost(partition.name)
    try:
        if partition.tier == HOT or partition.target or partition.leftover:
            raise MoveLost(partition.name)
        return _amended(partition, attempt, asset_id, _records(asset_id, bars))
    finally:
        release(partition, attempt)


def _amended(partition: PricePartition, attempt: int, asset_id: int, stated: Records) -> int:
    copies = COPIES[partition.tier]
    if partition.tier == COLD:
        copies.drop(partition, attempt)  # what earlier attempts replaced
    stored = PriceBlock.objects.filter(
        partition=partition,
        tier=partition.tier,
        first_asset__lte=asset_id,
        last_asset__gte=asset_id,
    ).first()
    block = Block(asset_id, asset_id, 0)
    before = no_bars()
    if stored is not None:
        block = Block(stored.first_asset, stored.last_asset, stored.rows)
        before = copies.read(partition, block)
    after, changed = merged(before, stated)
    if changed:
        copies.begin(partition, attempt)
        block = replace(block, rows=len(after))
        written = copies.write(partition, block, after, attempt)
        if checksum(copies.read_back(partition, block, written)) != checksum(after):
            raise ValueError(f"what was written to {partition.name} was read back differently")
    with transaction.atomic(), connection.cursor() as cursor:
        row = lock_attempt(partition, attempt)
        if changed:
            PriceBlock.objects.update_or_create(
                partition=row,
                tier=row.tier,
                first_asset=block.first_asset,
                defaults={
                    "last_asset": block.last_asset,
                    "rows": len(after),
                    "checksum": checksum(after),
                    "path": written.path,
                    "byte_count": written.byte_count,
                    "digest": written.digest,
                    "verified": True,
                },
            )
            row.rows = (row.rows or 0) + len(after) - len(before)
            row.save(update_fields=["rows"])
        own = after[after["asset_id"] == asset_id]
        cursor.execute(
            _PACK,
            {"asset": asset_id, "days": own["at"].tolist(), "closes": own["close"].tolist()},
        )
    return changed


def merged(before: Records, stated: Records) -> tuple[Records, int]:
    """Return the rows with the stated ones in place of those of the same asset and day.

    And how many of them are new or different. Both are sorted by asset and day.
    """
    keys = before[["asset_id", "at"]]
    replaced = np.isin(keys, stated[["asset_id", "at"]])
    same = int(np.isin(stated, before).sum())
    found = np.concatenate([before[~replaced], stated])
    return found[np.lexsort((found["at"], found["asset_id"]))], len(stated) - same


def _records(asset_id: int, bars: Sequence[DayBar]) -> Records:
    def whole(value: Decimal | None) -> int:
        return ABSENT if value is None else int(value.scaleb(_SCALE))

    rows = [
        (
            asset_id,
            bar.day.toordinal(),
            whole(bar.open),
            whole(bar.high),
            whole(bar.low),
            whole(bar.close),
            ABSENT if bar.volume is None else bar.volume,
        )
        for bar in bars
    ]
    return np.array(rows, BAR)
