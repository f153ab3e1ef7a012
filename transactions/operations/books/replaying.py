"""Replay a backdated change from its time on, and stop when it has no further effect.

The state just before the change is restored from the stored rows (`restoring`). From there the
events are booked twice: as they are stored, and as they are now.

    proof      the first booking must reproduce the stored rows; otherwise they are not used
    end        booking stops at an instant `until` after which the change cannot matter:
               - the losses that await replacement are the same in both books
               - the pieces that differ were bought more than 30 days before `until`, so no later
                 loss sees them
               - no later sale would choose among them: first-in first-out sales took older lots
                 only, last-in first-out sales newer ones, and sales of named lots others
    result     only the rows in which the two books differ are written

Two cases are left to `booking`, which starts at the first transaction: `Unclear` (the state cannot
be restored, or an average cost, a transfer or a corporate action follows), and a change whose
effects go on for too long.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Min, Q

from stores.rows import rows_of
from transactions.ledger.book import Book
from transactions.ledger.fold import booked
from transactions.ledger.kinds import BOOKED_TYPES, named
from transactions.ledger.undoing import Unclear
from transactions.ledger.units import Scale
from transactions.ledger.wash_sales import Loss, WashSale
from transactions.ledger.wash_windows import DAYS_ASIDE, WINDOW_DAYS
from transactions.models import Disposal, Lot
from transactions.operations.books.derived import (
    LOT_COLUMNS,
    Derived,
    LotKey,
    Stored,
    derived_rows,
    disposal_row,
    wash_row,
)
from transactions.operations.books.restoring import (
    LEAVES,
    Recorded,
    moved_between_accounts,
    past_stage,
)
from transactions.operations.books.writing import Rebooked
from transactions.queries.books.emptying import empty_book
from transactions.queries.books.events import EventRow, events_of, stored_rows_between
from transactions.queries.households import HouseholdBooks, Linked, crypto_assets

logger = logging.getLogger(__name__)

# The kinds of events that a replay can undo and book again.
_SIMPLE = frozenset(named(step="acquire") + named(step="sell"))
# Up to this number of events, book all of them without looking for an earlier end.
EVENTS_TO_THE_END = 300
# Above this number of events, booking from the first transaction is no slower.
EVENTS_MAX = 6_000
_LATER = """
SELECT asset_id, type, lot_method, count(counterpart_id), count(*), max(executed_at),
       max(opened_date) FILTER (WHERE opened_date < trade_date)
  FROM transactions_transaction
 WHERE account_id = ANY(%(accounts)s::bigint[]) AND asset_id = ANY(%(assets)s::bigint[])
   AND type = ANY(%(types)s) AND executed_at >= %(at)s AND id < %(before)s
 GROUP BY asset_id, type, lot_method
"""
# The first is the shortest after which `_ends` can be true: a lot of the day of the change lies
# before the days in which a later sale may still look for its replacement.
_DAYS = (WINDOW_DAYS + DAYS_ASIDE + 2, 4 * WINDOW_DAYS, 20 * WINDOW_DAYS)


@dataclass(frozen=True, slots=True)
class Later:
    """The number of events at or after an instant, the last one, and whether all are simple."""

    count: int
    simple: bool
    last: datetime | None


def later_events(
    *, household: HouseholdBooks, asset_ids: Collection[int], at: datetime, before_id: int
) -> dict[int, Later]:
    """Return by asset the valid events from `at` on that were recorded before row `before_id`."""
    rows = rows_of(
        _LATER,
        {
            "accounts": list(household.accounts),
            "assets": list(asset_ids),
            "types": list(BOOKED_TYPES),
            "at": at,
            "before": before_id,
        },
    )
    found: dict[int, Later] = {}
    long_before = at.date() - timedelta(days=WINDOW_DAYS + 1 + DAYS_ASIDE)
    for asset_id, kind, method, moved, count, last, opened in rows:
        before = found.get(asset_id, Later(0, True, None))
        # Shares acquired near the change, which arrive after it, may replace a loss of before.
        arrived = not moved and (opened is None or opened < long_before)
        simple = kind in _SIMPLE or (kind == "transfer_in" and arrived)
        simple = simple and method != "average"
        latest = last if before.last is None else max(before.last, last)
        found[asset_id] = Later(before.count + count, before.simple and simple, latest)
    return found


@dataclass(frozen=True, slots=True)
class _Change:
    """The change that a replay books."""

    household: HouseholdBooks
    linked: Linked
    assets: frozenset[int]
    new_ids: frozenset[int]
    at: datetime
    # The instant of the last new row.
    through: datetime


def replayed(
    *,
    household: HouseholdBooks,
    linked: Linked,
    assets: frozenset[int],
    new: Sequence[EventRow],
    later: int,
) -> Rebooked | None:
    """Replay a change of related assets; return its rows, or None if that is impossible.

    `later`: the number of stored events at or after its first instant. Raises the errors of
    `booked`.
    """
    if not all(_is_simple(row) for row in new):
        return None
    instants = [row.executed_at for row in new]
    change = _Change(
        household,
        linked,
        assets,
        frozenset(row.id for row in new),
        min(instants),
        max(instants),
    )
    try:
        if moved_between_accounts(list(household.accounts), assets):
            return None
        for until in _ends_to_try(change, new) if later > EVENTS_TO_THE_END else ():
            found = _attempted(change, until)
            if found is not None:
                return found
        return _attempted(change, None) if later <= EVENTS_MAX else None
    except Unclear as reason:
        logger.info("rebooking household %s from the start: %s", household.id, reason)
        return None


def _ends_to_try(change: _Change, new: Sequence[EventRow]) -> list[datetime]:
    """Return the instants after which the change may have no effect, the nearest first."""
    last = _last_affected(new)
    ends = [change.through + timedelta(days=days) for days in _DAYS]
    return [until for until in ends if last is None or last <= until]


def _last_affected(new: Sequence[EventRow]) -> datetime | None:
    """Return the last first-in first-out sale that certainly changes; no end before it is tried.

    A sale by this rule takes the oldest shares, which the next one has then to do without; and a
    purchase precedes all shares bought after it.
    """
    leaving: dict[tuple[int, int | None], datetime] = {}
    arriving: dict[tuple[int, int | None], datetime] = {}
    for row in new:
        place = row.account_id, row.asset_id
        if row.type not in LEAVES:
            arriving[place] = min(arriving.get(place, row.executed_at), row.executed_at)
        elif row.lot_method == "fifo":
            leaving[place] = min(leaving.get(place, row.executed_at), row.executed_at)
    changed = Q(pk__in=())
    for (account, asset), at in leaving.items():
        changed |= Q(account_id=account, asset_id=asset, closed_at__gt=at)
    for (account, asset), at in arriving.items():
        changed |= Q(account_id=account, asset_id=asset, closed_at__gt=at, opened_at__gte=at)
    sales = Disposal.objects.filter(changed, transaction__lot_method="fifo")
    last: datetime | None = sales.aggregate(last=Max("closed_at"))["last"]
    return last


def _is_simple(row: EventRow) -> bool:
    return row.type in _SIMPLE or (row.type == "transfer_in" and row.counterpart_id is None)


@dataclass(frozen=True, slots=True)
class _Twice:
    """The same period in two books: as stored (`old`) and with the change (`new`)."""

    old: Book
    new: Book
    recorded: Recorded


def _attempted(change: _Change, until: datetime | None) -> Rebooked | None:
    """Book through `until`; return None if later events would be affected."""
    twice = _booked_twice(change, until)
    old, new = derived_rows(book=twice.old), derived_rows(book=twice.new)
    _ensure_as_recorded(twice)
    differing = _differing(old, new)
    if until is not None and not _ends(change, twice, old, new, differing, until):
        return None
    stored = _stored_lots(change, differing, old)
    wanted = Derived(lots={key: new.lots[key] for key in differing if key in new.lots})
    _add_closings(twice, stored, wanted)
    logger.debug("replayed household %s through %s", change.household.id, until or "the end")
    return Rebooked(stored, wanted, absolute=False)


def _booked_twice(change: _Change, until: datetime | None) -> _Twice:
    household = change.household
    rows = stored_rows_between(
        accounts=household.accounts,
        asset_ids=change.assets,
        since=change.at,
        until=until,
        reversed_by=change.new_ids,
    )
    if len(rows) > EVENTS_MAX:
        raise Unclear("too many events")
    undone = {row.id for row in rows if row.undone_by in change.new_ids}
    kept = [row for row in rows if row.id not in change.new_ids]
    before = events_of(kept, household.accounts, without=change.new_ids)
    events = events_of(rows, household.accounts)
    after = [event for event in events if event.id not in undone]
    leaving = [event for event in events if event.type in LEAVES]
    # A name may have meant another lot before a correction.
    leaving += [event for event in before if event.type in LEAVES and event.chosen]
    stage, recorded = past_stage(
        household, change.assets, at=change.at, until=until, leaving=leaving
    )
    days = {event.at.date() for event in leaving}
    days |= {loss.closing.closed_at.date() for loss in stage.losses}
    new = empty_book(
        household,
        change.linked,
        scale=Scale(),
        crypto=crypto_assets(asset_ids=change.assets),
        sold=days,
    )
    old = new.another()
    booked(book=stage.book(old), events=before)
    booked(book=stage.book(new), events=after)
    return _Twice(old, new, recorded)


def _ensure_as_recorded(twice: _Twice) -> None:
    """Raise Unclear unless the stored events reproduce the stored rows."""
    mine = {(row.sale, row.part): row for row in twice.old.closings}
    if mine != {(row.sale, row.part): row for _, row in twice.recorded.disposals}:
        raise Unclear("the stored disposals are not those of a replay")
    found = Counter(twice.old.washes.found)
    if found != Counter(match.wash for _, match in twice.recorded.matches):
        raise Unclear("the stored wash sales are not those of a replay")


def _differing(old: Derived, new: Derived) -> set[LotKey]:
    """Return all rows of every lot with a difference: its pieces are numbered together."""
    keys = {*old.lots, *new.lots}
    lots = {key[:3] for key in keys if old.lots.get(key) != new.lots.get(key)}
    return {key for key in keys if key[:3] in lots}


def _ends(
    change: _Change,
    twice: _Twice,
    old: Derived,
    new: Derived,
    differing: Collection[LotKey],
    until: datetime,
) -> bool:
    """Return whether every event after `until` has the same result in both books."""
    since = until.date() - timedelta(days=WINDOW_DAYS + DAYS_ASIDE)
    if _waiting(twice.old, since) != _waiting(twice.new, since):
        return False
    rows = [row for key in differing for row in (old.lots.get(key), new.lots.get(key)) if row]
    if any(row.opened_date >= since for row in rows):
        return False
    acquisitions = {key[0] for key in differing}
    for account, asset in {key[1:3] for key in differing}:
        opened = [
            row.opened_at
            for key in differing
            if key[1:3] == (account, asset)
            for row in (old.lots.get(key), new.lots.get(key))
            if row
        ]
        sales = (
            Disposal.objects.filter(account_id=account, asset_id=asset, closed_at__gt=until)
            .order_by()
            .values_list("transaction__lot_method")
            .annotate(
                first=Min("opened_at"),
                last=Max("opened_at"),
                named=Count("pk", filter=Q(lot_transaction_id__in=acquisitions)),
            )
        )
        for method, first, last, chosen in sales:
            untouched = (
                (method == "fifo" and last < min(opened))
                or (method == "lifo" and first > max(opened))
                or method == "specific"
            )
            if chosen or not untouched:
                return False
    return True


def _waiting(book: Book, since: date) -> list[tuple[int, Loss]]:
    """Return the losses of sales from `since` on that still await replacement shares."""
    return [
        (group, loss)
        for group, losses in sorted(book.washes.losses.items())
        for loss in losses
        if loss.left and loss.closing.closed_at.date() >= since
    ]


def _stored_lots(change: _Change, differing: Collection[LotKey], old: Derived) -> Stored:
    """Return the stored rows of the lots that differ; raise Unclear if a replay gives others."""
    stored = Stored()
    if differing:
        lots = {key[:3] for key in differing}
        rows = Lot.objects.filter(
            transaction_id__in={lot[0] for lot in lots},
            account_id__in=list(change.household.accounts),
            asset_id__in=change.assets,
        ).values_list(*LOT_COLUMNS)
        stored.add_lots(row for row in rows if row[1:4] in lots)
    if stored.lots != {key: old.lots[key] for key in differing if key in old.lots}:
        raise Unclear("the stored lots are not those of a replay")
    return stored


def _add_closings(twice: _Twice, stored: Stored, wanted: Derived) -> None:
    """Add the disposals and wash sales in which the two books differ."""
    was = {(row.sale, row.part): row for row in twice.old.closings}
    now = {(row.sale, row.part): row for row in twice.new.closings}
    ids = {(row.sale, row.part): pk for pk, row in twice.recorded.disposals}
    for key in {*was, *now}:
        if was.get(key) == now.get(key):
            continue
        if key in was:
            stored.disposals[key] = disposal_row(was[key], twice.old)
            stored.disposal_ids[key] = ids[key]
        if key in now:
            wanted.disposals[key] = disposal_row(now[key], twice.new)
    _add_washes(twice, stored, wanted)


def _add_washes(twice: _Twice, stored: Stored, wanted: Derived) -> None:
    left = Counter(twice.new.washes.found)
    for pk, match in twice.recorded.matches:
        if left[match.wash]:
            left[match.wash] -= 1
        else:
            stored.wash_sales.append(wash_row(match.wash, twice.old))
            stored.wash_sale_ids.append(pk)
    wanted.wash_sales = [wash_row(wash, twice.new) for wash in _in_order(twice, left)]


def _in_order(twice: _Twice, left: "Counter[WashSale]") -> Iterator[WashSale]:
    for wash in twice.new.washes.found:
        if left[wash]:
            left[wash] -= 1
            yield wash
