"""Update lots, disposals, wash sales and holdings after new transactions of a household.

New transactions go one of three ways, and all three give the same rows:

    on top     later than every stored event of their related assets: applied to the open lots
    replay     backdated or reversed: booked from their instant until they change nothing more
               (`replaying`)
    rebook     if a replay cannot do it: every event of the related assets from the first one on

Only differences are written. The number of queries depends neither on the number of transactions
nor on the number of assets.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from core.errors import Conflict
from marketdata.models import Asset
from transactions.ledger.book import Event
from transactions.ledger.fold import booked
from transactions.ledger.kinds import BOOKED_TYPES
from transactions.ledger.units import Scale, scale_of
from transactions.ledger.wash_windows import DAYS_ASIDE, WINDOW_DAYS
from transactions.models import Transaction
from transactions.operations.books.derived import (
    Derived,
    derived_rows,
    stored_rows,
)
from transactions.operations.books.reaching_back import reaching_back
from transactions.operations.books.replaying import later_events, replayed
from transactions.operations.books.restoring import LEAVES, open_stage
from transactions.operations.books.writing import Rebooked, write
from transactions.queries.books.emptying import empty_book
from transactions.queries.books.events import (
    EventRow,
    event_row,
    events_of,
    standing,
    stored_events,
)
from transactions.queries.households import (
    HouseholdBooks,
    Linked,
    crypto_assets,
    linked_assets,
)

# The most events that one request rebooks: about five seconds of work on one core.
EVENTS_IN_A_REQUEST_MAX = 25_000
# The connection idles during a long booking, between its reads and its writes.
_IDLE_MAX_S = 1_800
_LONG = 5_000


class RebookingTooLong(Conflict):
    """More events would have to be rebooked than one request may take."""

    code = "rebooking_too_long"


def rebook(
    *,
    household: HouseholdBooks,
    new: Sequence[Transaction],
    events_max: int | None = EVENTS_IN_A_REQUEST_MAX,
) -> set[int]:
    """Update all derived rows after new transactions; return the accounts that changed.

    `events_max`: raise RebookingTooLong if more events would have to be rebooked. Workers and
    commands, which have no time limit, pass None.
    """
    rows = [row for row in new if row.type in BOOKED_TYPES]
    if not rows:
        return set()
    linked = linked_assets(households=[household])[household.id]
    changed: set[int] = set()
    for part in rebooked(
        household=household,
        linked=linked,
        new=[event_row(row) for row in rows],
        known=_assets_of(rows),
        events_max=events_max,
    ):
        changed |= write(part)
    return changed


def rebooked(
    *,
    household: HouseholdBooks,
    linked: Linked,
    new: Sequence[EventRow],
    events_max: int | None,
    known: Sequence[Asset] = (),
) -> list[Rebooked]:
    """Return the derived rows after new transactions, which are written but not booked yet.

    `known`: assets of the new transactions, already read.
    """
    if not new:
        return []
    ways = ways_of(household, linked, new)
    from_start = set(ways.from_start)
    found: list[Rebooked] = []
    if ways.replay:
        done = replayed(
            household=household,
            linked=linked,
            assets=ways.replay,
            new=[row for row in new if row.asset_id in ways.replay],
            later=ways.later,
        )
        if done is None:
            from_start |= ways.replay
        else:
            found.append(done)
    if from_start:
        _make_time(household, from_start, events_max)
        found.append(_from_start(household, linked, from_start))
    on_top = [row for row in new if row.asset_id not in from_start | ways.replay]
    if on_top:
        found.append(_on_top(household, linked, on_top, known))
    return found


@dataclass(frozen=True, slots=True)
class Ways:
    """The assets that must be rebooked, and those whose backdated change can be replayed.

    `later`: the number of stored events at or after the change. All other assets are booked on
    top.
    """

    from_start: frozenset[int]
    replay: frozenset[int]
    later: int

    @property
    def on_top_only(self) -> bool:
        return not self.from_start and not self.replay


def ways_of(household: HouseholdBooks, linked: Linked, rows: Sequence[EventRow]) -> Ways:
    """Return the way in which each row is booked; one query, and up to two for rare kinds."""
    first: dict[int, datetime] = {}
    from_start: set[int] = set()
    for row in rows:
        assert row.asset_id is not None, "what moves lots has an asset"
        for asset_id in linked.with_all([row.asset_id]):
            first[asset_id] = min(first.get(asset_id, row.executed_at), row.executed_at)
        if row.counterpart_id or row.new_asset_id or row.ratio_new:
            from_start.add(row.asset_id)
            if row.new_asset_id is not None:
                # A reversed event links these assets no longer, but its rows must be removed.
                from_start.add(row.new_asset_id)
    from_start |= reaching_back(household=household, linked=linked, rows=rows)
    later = later_events(
        household=household,
        asset_ids=list(first),
        at=min(first.values()),
        before_id=min(row.id for row in rows),
    )
    window = timedelta(days=WINDOW_DAYS + 1 + DAYS_ASIDE)
    behind: set[frozenset[int]] = set()
    for asset_id, begin in first.items():
        related = linked.with_all([asset_id])
        last = later[asset_id].last if asset_id in later else None
        if not linked.exactly_kept(related, begin - window):
            from_start.add(asset_id)
        elif last is not None and last >= begin:
            behind.add(related)
            if not later[asset_id].simple:
                from_start.add(asset_id)
    everything = linked.with_all(from_start)
    behind = {related for related in behind if not related & everything}
    if len(behind) != 1:
        return Ways(everything.union(*behind), frozenset(), 0)
    (replay,) = behind
    return Ways(everything, replay, sum(later[pk].count for pk in replay if pk in later))


def book_anew(
    *,
    household: HouseholdBooks,
    linked: Linked,
    asset_ids: Collection[int] | None,
    events_max: int | None = None,
) -> set[int]:
    """Rebook all events of the assets (of all assets if None) from the first one on."""
    _make_time(household, asset_ids, events_max)
    return write(_from_start(household, linked, asset_ids))


def _from_start(
    household: HouseholdBooks, linked: Linked, asset_ids: Collection[int] | None
) -> Rebooked:
    events = stored_events(accounts=household.accounts, asset_ids=asset_ids)
    crypto = crypto_assets(asset_ids={event.asset for event in events})
    derived = outcome(household=household, linked=linked, events=events, crypto=crypto)
    stored = stored_rows(account_ids=list(household.accounts), asset_ids=asset_ids)
    return Rebooked(stored, derived, absolute=True)


def is_long(*, household_id: int, events_max: int = EVENTS_IN_A_REQUEST_MAX) -> bool:
    """Return whether rebooking the whole household takes more events than a request may."""
    rows = standing(account_ids=None).filter(account__household_id=household_id).order_by()
    return rows[: events_max + 1].count() > events_max


def _make_time(
    household: HouseholdBooks, asset_ids: Collection[int] | None, events_max: int | None
) -> None:
    """Refuse a booking that is too long for the caller; lift the idle timeout for a long one."""
    rows = standing(account_ids=list(household.accounts))
    if asset_ids is not None:
        rows = rows.filter(asset_id__in=asset_ids)
    count = rows.count()
    if events_max is not None and count > events_max:
        raise RebookingTooLong(
            f"This would rebook {count:,} later transactions. One request may rebook at most "
            f"{events_max:,}. Nothing was recorded. Import the change as a file, or undo the "
            "Import the transaction came from; both run as a background job.",
        )
    if count > _LONG:
        idle_for_long()


def idle_for_long() -> None:
    """Lift the idle timeout of this transaction while the fold runs in memory."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_MAX_S}s'")


def outcome(
    *,
    household: HouseholdBooks,
    linked: Linked,
    events: Sequence[Event],
    crypto: frozenset[int],
) -> Derived:
    """Return all rows derived from `events`, which must be complete for their assets."""
    book = empty_book(
        household,
        linked,
        scale=scale_of({event.ratio for event in events if event.ratio is not None}),
        crypto=crypto,
        sold={event.at.date() for event in events if event.type in LEAVES},
    )
    booked(book=book, events=events)
    return derived_rows(book=book)


def _on_top(
    household: HouseholdBooks, linked: Linked, rows: Sequence[EventRow], known: Sequence[Asset]
) -> Rebooked:
    """Apply new rows to the open lots. This common case reads only the lots they can touch."""
    events = events_of(rows=rows, accounts=household.accounts)
    assets = linked.with_all({event.asset for event in events})
    stage = open_stage(household, assets, events)
    losses = [loss.closing for loss in stage.losses]
    book = empty_book(
        household,
        linked,
        scale=Scale(),
        crypto=crypto_assets(asset_ids=assets, known=known),
        sold={event.at.date() for event in events if event.type in LEAVES}
        | {loss.closed_at.date() for loss in losses},
    )
    booked(book=stage.book(book, last=True), events=events)
    derived = derived_rows(book=book)
    for loss in losses:
        # Its lot was emptied long ago and is not among the lots read.
        key = (loss.acquisition, *loss.place, 0)
        if key not in stage.stored.lots:
            derived.lots.pop(key, None)
    return Rebooked(stage.stored, derived, absolute=False)


def _assets_of(rows: Sequence[Transaction]) -> list[Asset]:
    """Return the assets of the new rows; they were read under the lock of this booking."""
    field = Transaction._meta.get_field("asset")
    return [row.asset for row in rows if field.is_cached(row) and row.asset is not None]
