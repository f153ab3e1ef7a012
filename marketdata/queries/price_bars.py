"""The port of all bars: one ordered answer over all tiers.

    where       which partitions of the range are not hot, and the files of those that are
    read        the oldest part first, each from its tier; until the limit, if there is one
    where again a partition that moved meanwhile was perhaps read where it no longer is: read again

A tier that does not answer leaves a gap, which the answer states; the other tiers are answered.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from prometheus_client import Counter, Histogram

from core.errors import Unavailable
from marketdata.bars import Bars, Gap, Interval, PartRead, Records, in_order
from marketdata.partitions import partitions_between
from marketdata.queries.price_tiers import (
    TierAway,
    Wanted,
    cold_bars,
    hot_bars,
    warm_bars,
)
from marketdata.tiers import COLD, HOT, Part, Placed, parts
from stores.rows import rows_of

logger = logging.getLogger(__name__)

SECONDS = Histogram(
    "ballast_price_tier_seconds",
    "Time to read bars from one tier, in seconds.",
    ["tier", "interval"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
READ = Counter("ballast_price_tier_bars", "Bars read, by tier.", ["tier", "interval"])
GAPS = Counter(
    "ballast_price_tier_gaps", "Parts of a range that a tier did not answer.", ["reason"]
)

ASSETS_MAX = 5_000
_TRIES = 3

# The file of a partition changes when its rows are moved out of it or written again.
_PLACES = """
SELECT partition.id, partition.tier, partition.first, partition.end, NULL
  FROM marketdata_pricepartition partition
 WHERE partition.table = %(table)s AND partition.first <= %(until)s AND partition.end > %(since)s
 UNION ALL
SELECT NULL, name, NULL, NULL, pg_relation_filenode(to_regclass(name))
  FROM unnest(%(names)s::text[]) AS name
"""


def bars(
    *,
    asset_ids: Iterable[int],
    since: date,
    until: date,
    interval: Interval,
    after: int | None = None,
    limit: int | None = None,
) -> Bars:
    """Return the bars of the days from `since` to `until` (UTC), sorted by asset and time.

    after, limit: the bars that follow this one, and how many at most; of one asset only.
    """
    wanted = Wanted(sorted(set(asset_ids)), interval, since, until, after, limit)
    if len(wanted.asset_ids) > ASSETS_MAX:
        raise ValueError(f"more than {ASSETS_MAX} assets")
    if limit is not None or after is not None:
        assert len(wanted.asset_ids) == 1, "pages are of one asset"
    if not wanted.asset_ids or since > until:
        return Bars(in_order([]), (), ())
    for _ in range(_TRIES):
        places = _places(wanted)
        found = _read(wanted, parts(_placed(places), since=since, until=until))
        if _places(wanted) == places:
            return found
        logger.info("prices moved between tiers while they were read, reading them again")
    raise Unavailable(
        "Prices of this range are being moved. Try again shortly.",
        code="prices_moving",
        retry_after_s=2,
    )


def _places(wanted: Wanted) -> frozenset[tuple[object, ...]]:
    names = partitions_between(wanted.table, wanted.first, wanted.last)
    found = rows_of(
        _PLACES,
        {
            "table": wanted.table,
            "since": wanted.first,
            "until": wanted.last,
            "names": [one.name for one in names],
        },
    )
    return frozenset(found)


def _placed(places: Iterable[tuple[object, ...]]) -> list[Placed]:
    return [
        Placed(pk, tier, first, end)  # type: ignore[arg-type]
        for pk, tier, first, end, _ in places
        if pk is not None
    ]


def _read(wanted: Wanted, planned: Sequence[Part]) -> Bars:
    rows: list[Records] = []
    read: list[PartRead] = []
    gaps: list[Gap] = []
    left = wanted.limit
    for part in planned:
        if left is not None and left <= 0:
            break
        asked = replace(wanted, first=part.first, last=part.last, limit=left)
        try:
            with SECONDS.labels(part.tier, wanted.interval).time():
                found = _part(asked, part)
        except TierAway as away:
            GAPS.labels(away.reason).inc()
            gaps.append(Gap(part.first, part.last, away.reason))
            continue
        READ.labels(part.tier, wanted.interval).inc(len(found))
        rows.append(found)
        read.append(PartRead(part.tier, part.first, part.last, len(found)))
        left = None if left is None else left - len(found)
    return Bars(in_order(rows), tuple(read), tuple(gaps))


def _part(asked: Wanted, part: Part) -> Records:
    if part.tier == COLD:
        return cold_bars(asked, partitions=part.partitions)
    return hot_bars(asked) if part.tier == HOT else warm_bars(asked)
