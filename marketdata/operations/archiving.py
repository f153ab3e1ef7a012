"""Move whole partitions of prices between tiers: nothing is lost or doubled, whenever it is killed.

    claim      an attempt of one's own and a lease; a later attempt ends an earlier one
    freeze     the partition refuses writers from now on; its rows are counted
    copy       block by block; each is written down with its checksum when it is there
    compare    each block of the source and of its copy is read again: both have the checksum
    switch     one transaction: the target answers from now on, and the hot rows are dropped
    clean      copies that nobody reads any more are deleted

Each step is written down when it is done, so the next run goes on behind the last one. What is
repeated writes the same rows to the same place: the source cannot change.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.utils.connection import ConnectionDoesNotExist
from prometheus_client import Counter

from marketdata.models import PriceBlock, PricePartition
from marketdata.operations.price_claims import MoveLost, claimed, lock_attempt, release, renew
from marketdata.operations.price_copies import COPIES, Block, checksum
from marketdata.partitions import (
    BEFORE_2010,
    DAILY,
    MINUTES,
    Partition,
    partitions_between,
)
from marketdata.queries.partitions import partition_names
from marketdata.queries.price_tiers import has_warm
from marketdata.tiers import COLD, HOT, RESTORED_DAYS, WARM, belongs_in
from stores.objects import NoSuchObject, ObjectsAway

logger = logging.getLogger(__name__)

MOVES = Counter("ballast_price_moves", "Partitions moved between tiers, by outcome.", ["outcome"])
LEASE_S = 120
# What a tier raises that does not answer, or answers wrongly.
ARCHIVE_FAULTS = (
    *(DatabaseError, ConnectionDoesNotExist),
    *(ObjectsAway, NoSuchObject, ValueError),
)
_ORDER = (HOT, WARM, COLD)

_FREEZE = """
CREATE OR REPLACE TRIGGER prices_archived BEFORE INSERT OR UPDATE OR DELETE ON {name}
   FOR EACH ROW EXECUTE FUNCTION marketdata_refuse_moved()
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one partition. `outcome`: moved, cleaned, busy or failed."""

    name: str
    source: str
    target: str
    rows: int | None
    outcome: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Move:
    """A worker's claim of one partition."""

    partition: PricePartition
    attempt: int
    lease_s: float


def archive_prices(*, as_of: date, now: datetime, lease_s: float = LEASE_S) -> Iterator[Moved]:
    """Move each partition to the tier of its age, the oldest first; go on with what was begun."""
    for name in (DAILY, MINUTES):
        for one in _partitions(name):
            target = belongs_in(end=one.end, as_of=as_of, warm=has_warm())
            found = PricePartition.objects.filter(name=one.name).first()
            if found is None:
                if target == HOT or not _holds_rows(one):
                    continue
                found = _written_down(one)
            yield from _advanced(found, target, as_of=as_of, now=now, lease_s=lease_s)


def restore_prices(
    *, table: str, since: date, until: date, as_of: date, now: datetime, lease_s: float = LEASE_S
) -> Iterator[Moved]:
    """Bring the partitions of a range of days back into the hot tier, for 30 days at least."""
    assert table in {DAILY, MINUTES}, "trades are never archived"
    keep_until = as_of + timedelta(days=RESTORED_DAYS)
    rows = PricePartition.objects.filter(table=table, first__lte=until, end__gt=since)
    for found in rows.order_by("first"):
        PricePartition.objects.filter(pk=found.pk).update(keep_until=keep_until)
        if found.tier != HOT or found.target or found.leftover:
            yield _moved(found, HOT, now=now, lease_s=lease_s)


def _partitions(table: str) -> list[Partition]:
    """Return the partitions of a table whose range is known, the oldest first."""
    names = partition_names(table=table)
    known = {BEFORE_2010.name: BEFORE_2010} if table == DAILY else {}
    for name in names - {f"{table}_default", BEFORE_2010.name}:
        year, _, month = name.removeprefix(f"{table}_").partition("_")
        first = date(int(year), int(month or 1), 1)
        known |= {one.name: one for one in partitions_between(table, first, first)}
    return sorted((one for name, one in known.items() if name in names), key=lambda one: one.first)


def _holds_rows(one: Partition) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {one.name})")
        return bool(cursor.fetchone()[0])


def _written_down(one: Partition) -> PricePartition:
    found, _ = PricePartition.objects.get_or_create(
        name=one.name, defaults={"table": one.table, "first": one.first, "end": one.end}
    )
    return found


def _advanced(
    found: PricePartition, target: str, *, as_of: date, now: datetime, lease_s: float
) -> Iterator[Moved]:
    """Go on with a move that was begun, or begin one that is due."""
    if found.target or found.leftover:
        done = _moved(found, found.target or found.tier, now=now, lease_s=lease_s)
        yield done
        if done.outcome == "failed":
            return
        found.refresh_from_db()
    kept = found.keep_until is not None and found.keep_until > as_of
    if not kept and _ORDER.index(target) > _ORDER.index(found.tier):
        yield _moved(found, target, now=now, lease_s=lease_s)


def _moved(found: PricePartition, target: str, *, now: datetime, lease_s: float) -> Moved:
    """Move one partition as far as it goes. A failure is written down and tried again next time."""
    source = found.tier
    attempt = claimed(found, lease_s=lease_s)
    if attempt is None:
        return Moved(found.name, source, target, found.rows, "busy")
    move = _Move(found, attempt, lease_s)
    error = ""
    try:
        _clean(move)
        outcome = "cleaned"
        _abandon_other_target(move, target)
        if found.tier != target:
            _begin(move, target)
            _copy(move)
            _compare(move)
            _switch(move, now=now)
            _clean(move)
            outcome = "moved"
    except MoveLost:
        outcome = "busy"
    except ARCHIVE_FAULTS as failure:
        outcome, error = "failed", f"{type(failure).__name__}: {failure}"[:500]
        logger.exception("moving %s from %s to %s failed", found.name, source, target)
    release(found, attempt, error=error)
    MOVES.labels(outcome).inc()
    return Moved(found.name, source, target, found.rows, outcome, error)


def _renew(move: _Move) -> None:
    renew(move.partition, move.attempt, lease_s=move.lease_s)


def _abandon_other_target(move: _Move, target: str) -> None:
    """Forget the copies of a move to another tier that was begun."""
    found = move.partition
    if found.target in {"", target}:
        return
    abandoned = found.target
    with transaction.atomic():
        row = lock_attempt(found, move.attempt)
        row.target, row.step, row.leftover = "", "", abandoned
        row.save()
    found.refresh_from_db()
    _clean(move)


def _begin(move: _Move, target: str) -> None:
    """Freeze and count the rows of the source."""
    found = move.partition
    if found.target == target:
        return
    with transaction.atomic():
        row = lock_attempt(found, move.attempt)
        if row.tier == HOT:
            with connection.cursor() as cursor:
                cursor.execute(_FREEZE.format(name=row.name))
        row.target, row.step = target, "copying"
        row.rows = sum(block.rows for block in COPIES[row.tier].blocks(row))
        row.save()
    found.refresh_from_db()


def _copy(move: _Move) -> None:
    found = move.partition
    if found.step != "copying":
        return
    source, target = COPIES[found.tier], COPIES[found.target]
    target.begin(found, move.attempt)
    there = {
        Block(row.first_asset, row.last_asset, row.rows)
        for row in PriceBlock.objects.filter(partition=found, tier=found.target)
    }
    for block in source.blocks(found):
        if block in there:
            continue
        _renew(move)
        rows = source.read(found, block)
        written = target.write(found, block, rows, move.attempt)
        with transaction.atomic():
            lock_attempt(found, move.attempt)
            PriceBlock.objects.create(
                partition=found,
                tier=found.target,
                first_asset=block.first_asset,
                last_asset=block.last_asset,
                rows=len(rows),
                checksum=checksum(rows),
                path=written.path,
                byte_count=written.byte_count,
                digest=written.digest,
            )


def _compare(move: _Move) -> None:
    """Read each block and its copy again. A block that differs is copied again next time."""
    found = move.partition
    if found.step != "copying":
        return
    for row in PriceBlock.objects.filter(
        partition=found, tier=found.target, verified=False
    ).order_by("first_asset"):
        _renew(move)
        block = Block(row.first_asset, row.last_asset, row.rows)
        try:
            sums = {
                checksum(COPIES[tier].read(found, block)) for tier in (found.tier, found.target)
            }
        except NoSuchObject:
            row.delete()
            raise
        if sums != {bytes(row.checksum)}:
            row.delete()
            raise ValueError(f"a copy of {found.name} differs from its source")
        row.verified = True
        row.save(update_fields=["verified"])
    copied = _rows(PriceBlock.objects.filter(partition=found, tier=found.target, verified=True))
    counted = sum(block.rows for block in COPIES[found.tier].blocks(found))
    if not copied == counted == found.rows:
        raise ValueError(f"{found.name} has {counted} rows, its copy {copied}, not {found.rows}")
    with transaction.atomic():
        row_of = lock_attempt(found, move.attempt)
        row_of.step = "verified"
        row_of.save()
    found.refresh_from_db()


def _rows(blocks: Iterable[PriceBlock]) -> int:
    return sum(block.rows for block in blocks)


def _switch(move: _Move, *, now: datetime) -> None:
    """Let the target answer, and drop the hot rows, in one transaction."""
    found = move.partition
    with transaction.atomic(), connection.cursor() as cursor:
        row = lock_attempt(found, move.attempt)
        assert row.step == "verified", "copies are compared before anything is dropped"
        if row.tier == HOT:
            cursor.execute(f"TRUNCATE {row.name}")
        if row.target == HOT:
            cursor.execute(f"DROP TRIGGER prices_archived ON {row.name}")
        row.leftover, row.tier = row.tier, row.target
        row.target, row.step, row.moved_at = "", "", now
        row.save()
    found.refresh_from_db()


def _clean(move: _Move) -> None:
    """Delete the copies in the tier that answers no longer."""
    found = move.partition
    if not found.leftover:
        return
    _renew(move)
    COPIES[found.leftover].drop(found, move.attempt)
    if found.tier == COLD:
        COPIES[COLD].drop(
            found, move.attempt
        )  # objects of attempts that were killed before they wrote it down
    with transaction.atomic(), connection.cursor() as cursor:
        row = lock_attempt(found, move.attempt)
        PriceBlock.objects.filter(partition=row, tier=row.leftover).delete()
        if row.tier == HOT:
            PriceBlock.objects.filter(partition=row, tier=HOT).delete()
            cursor.execute(f"DROP TRIGGER IF EXISTS prices_archived ON {row.name}")
        row.leftover = ""
        row.save()
    found.refresh_from_db()
