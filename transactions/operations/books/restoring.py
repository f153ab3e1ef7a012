"""Restore the state of a household's book just before an instant from the stored rows.

The stored rows are the checkpoint: the lots as they are now, with the disposals and wash sales
since the instant undone (`transactions.ledger.undoing`). Only rows that can matter to the events
that follow are read: the lots their sales can take, and the household's purchases and losses of the
30 days before.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from core.frozen import changed
from stores.rows import rows_of
from transactions.ledger.book import Book, Event
from transactions.ledger.kinds import BOOKED_TYPES, KINDS, named
from transactions.ledger.lots import Closing, Piece, Place
from transactions.ledger.undoing import Match, Unclear, before_matches, taken_back
from transactions.ledger.wash_sales import Loss
from transactions.ledger.wash_windows import DAYS_ASIDE, WINDOW_DAYS
from transactions.models import Transaction
from transactions.operations.books import reading
from transactions.operations.books.derived import LOT_FIELDS, LotValues, Stored
from transactions.operations.books.reading import LotId, LotRow
from transactions.queries.households import HouseholdBooks

# The kinds of events that take shares from the lots held.
LEAVES = frozenset(BOOKED_TYPES - set(named(lots="acquires")))
# Most sales empty only a few of the oldest lots, of possibly thousands.
_OLDEST_READ = 100
_PLACES_MAX = 4

_END = datetime.max.replace(tzinfo=UTC)

_OPEN_LOSSES = """
closed.closed_at >= %(since)s AND closed.account_id = ANY(%(accounts)s::bigint[])
AND closed.asset_id = ANY(%(assets)s) AND closed.proceeds < closed.cost_basis
AND closed.matched_quantity < closed.quantity
"""
_DISPOSALS_SINCE = """
(closed.lot_transaction_id = ANY(%(acquisitions)s::bigint[]) AND closed.closed_at >= %(at)s)
OR (closed.account_id = ANY(%(accounts)s) AND closed.asset_id = ANY(%(assets)s)
    AND closed.closed_at BETWEEN %(since)s AND %(until)s)
"""
_MATCHES_SINCE = """
(wash.replacement_id = ANY(%(acquisitions)s::bigint[])
 AND (sold.executed_at >= %(at)s OR bought.executed_at >= %(at)s))
OR (wash.loss_account_id = ANY(%(accounts)s) AND wash.loss_asset_id = ANY(%(assets)s)
    AND wash.sold_date BETWEEN %(since)s::date AND %(until)s::date + 1)
"""
_OLDEST = """
SELECT lot.opened_at, lot.quantity FROM transactions_lot lot
 WHERE lot.account_id = %(account)s AND lot.asset_id = %(asset)s AND lot.quantity > 0
 ORDER BY lot.opened_at, lot.id LIMIT %(count)s
"""
_OLDEST_BEFORE = """
SELECT lot.opened_at, lot.quantity FROM transactions_lot lot
  JOIN transactions_transaction bought ON bought.id = lot.transaction_id
 WHERE lot.account_id = %(account)s AND lot.asset_id = %(asset)s AND lot.quantity > 0
   AND lot.opened_at < %(at)s AND bought.executed_at < %(at)s
 ORDER BY lot.opened_at, lot.id LIMIT %(count)s
"""
_GONE = """
SELECT closed.lot_transaction_id, closed.account_id, closed.asset_id, closed.opened_at,
       sum(closed.quantity)
  FROM transactions_disposal closed
  JOIN transactions_transaction bought ON bought.id = closed.lot_transaction_id
 WHERE closed.account_id = ANY(%(accounts)s) AND closed.asset_id = ANY(%(assets)s)
   AND closed.closed_at >= %(at)s AND bought.executed_at < %(at)s
 GROUP BY 1, 2, 3, 4
"""


@dataclass(slots=True)
class Stage:
    """The pieces and open losses a book starts with. Mutable only until the book is made."""

    pieces: list[Piece] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    # The rows read for the pieces and for the losses.
    stored: Stored = field(default_factory=Stored)

    def book(self, empty: Book, *, last: bool = False) -> Book:
        """Fill an empty book. One stage can fill several books: each gets its own pieces.

        The `last` one gets those of the stage, which is not used again.
        """
        placed: dict[Place, list[Piece]] = defaultdict(list)
        for piece in self.pieces:
            placed[piece.place].append(piece if last else changed(piece))
        for place, pieces in placed.items():
            empty.put(place, pieces)
        for loss in self.losses:
            closing = loss.closing if last else changed(loss.closing)
            empty.closings.append(closing)
            if loss.asset not in empty.washes.exempt and loss.left:
                empty.washes.wait(Loss(closing, loss.left, loss.amount, loss.asset))
        return empty


@dataclass(frozen=True, slots=True)
class Recorded:
    """The stored disposals and wash sales of a period."""

    disposals: Sequence[tuple[int, Closing]]
    matches: Sequence[tuple[int, Match]]


def window_begin(at: datetime) -> datetime:
    """Return an instant before all whose purchases or losses can still match one at `at`.

    The window is of trade dates; each may be a day before or after the day in UTC.
    """
    return datetime.combine(at.date() - timedelta(days=WINDOW_DAYS + DAYS_ASIDE), time(), UTC)


def open_stage(
    household: HouseholdBooks, assets: Collection[int], events: Sequence[Event]
) -> Stage:
    """Return the stage for events later than every stored event of their related assets."""
    since = window_begin(min(event.at for event in events))
    stage = Stage()
    leaving = [event for event in events if event.type in LEAVES]
    if leaving:
        rows = reading.lots(*_in_reach(household, assets, leaving, since, None))
        _keep_lots(stage.stored, rows)
        stage.pieces = _by_age(reading.pieces_of(household, rows))
    bought = any(KINDS[event.type].purchase for event in events)
    if bought and household.policy.enabled:
        of = {"accounts": list(household.taxable), "assets": list(assets), "since": since}
        for pk, closing, values in reading.disposals(household, _OPEN_LOSSES, of):
            stage.stored.disposals[closing.sale, closing.part] = values
            stage.stored.disposal_ids[closing.sale, closing.part] = pk
            stage.losses.append(_loss(closing))
    return stage


def past_stage(
    household: HouseholdBooks,
    assets: Collection[int],
    *,
    at: datetime,
    until: datetime | None,
    leaving: Sequence[Event],
) -> tuple[Stage, Recorded]:
    """Return the stage just before `at`, and the rows recorded from there through `until`.

    `leaving`: all shares that leave from `at` through `until`, by stored or by new events.
    Raises Unclear if the stored rows do not determine the earlier state.
    """
    since = window_begin(at)
    accounts = list(household.accounts)
    gone = _gone_since(accounts, assets, at)
    rows = reading.lots(*_in_reach(household, assets, leaving, since, at, gone))
    lots = {row.lot for row in rows}
    of = {
        "acquisitions": sorted({row.acquisition for row in rows}),
        "accounts": accounts,
        "assets": list(assets),
        "at": at,
        "since": since,
        "until": until or _END,
    }
    disposals = [(pk, row) for pk, row, _ in reading.disposals(household, _DISPOSALS_SINCE, of)]
    matches = reading.matches(household, _MATCHES_SINCE, of)
    stage = Stage()
    stage.pieces = _by_age(_restored(household, rows, lots, at, disposals, matches))
    of_sale: dict[tuple[int, int], list[Match]] = defaultdict(list)
    for _, match in matches:
        of_sale[match.wash.sale, match.wash.part].append(match)

    def as_of(closing: Closing, instant: datetime | None) -> Closing:
        later = [] if instant is None else [
            match for match in of_sale[closing.sale, closing.part] if match.at > instant
        ]  # fmt: skip
        return before_matches(closing, later)

    just_before = at - timedelta(microseconds=1)
    for _, closing in disposals:
        account, asset = closing.place
        lost = account in household.taxable and asset in assets and closing.loss
        if lost and closing.quantity and since <= closing.closed_at < at:
            stage.losses.append(_loss(as_of(closing, just_before)))
    stage.losses.sort(key=lambda loss: loss.turn)
    losses = {(loss.closing.sale, loss.closing.part) for loss in stage.losses}
    within = [
        (pk, as_of(closing, until))
        for pk, closing in disposals
        if closing.place[1] in assets
        and (until is None or closing.closed_at <= until)
        and (closing.closed_at >= at or (closing.sale, closing.part) in losses)
    ]
    found = [
        (pk, match) for pk, match in matches
        if match.at >= at and (until is None or match.at <= until)
        and match.wash.loss_asset in assets
    ]  # fmt: skip
    return stage, Recorded(within, found)


def _in_reach(
    household: HouseholdBooks,
    assets: Collection[int],
    leaving: Sequence[Event],
    since: datetime,
    at: datetime | None,
    gone: Mapping[LotId, tuple[datetime, Decimal]] | None = None,
) -> tuple[str, dict[str, Any]]:
    """Select the lots that leaving shares can be taken from, and the purchases since `since`."""
    gone = gone or {}
    values: dict[str, Any] = {
        "accounts": list(household.accounts),
        "assets": list(assets),
        "since": since,
        "at": at,
    }
    held = ["lot.account_id = ANY(%(accounts)s) AND lot.asset_id = ANY(%(assets)s)"
            " AND lot.opened_at >= %(since)s"]  # fmt: skip
    named = {lot[0] for lot, (opened_at, _) in gone.items() if opened_at >= since}
    places: dict[Place, list[Event]] = defaultdict(list)
    for event in leaving:
        places[event.account, event.asset].append(event)
    for number, ((account, asset), events) in enumerate(places.items()):
        was = {lot: row for lot, row in gone.items() if lot[1:] == (account, asset)}
        through = None
        if len(places) <= _PLACES_MAX and all(
            event.type == "sell" and event.method == "fifo" for event in events
        ):
            wanted = sum((event.quantity or Decimal(0) for event in events), Decimal(0))
            through = _oldest_through((account, asset), at, was, wanted)
        if through is not None:
            was = {lot: row for lot, row in was.items() if row[0] <= through}
        values |= {
            f"account{number}": account,
            f"asset{number}": asset,
            f"through{number}": through or _END,
        }
        held.append(
            f"lot.account_id = %(account{number})s AND lot.asset_id = %(asset{number})s"
            f" AND lot.opened_at <= %(through{number})s"
        )
        named |= {lot[0] for lot in was}
    where = f"lot.quantity > 0 AND (({') OR ('.join(held)}))"
    if at is not None:
        where += " AND lot.opened_at < %(at)s AND bought.executed_at < %(at)s"
    if named:
        values["named"] = sorted(named)
        where = (
            f"({where}) OR (lot.transaction_id = ANY(%(named)s)"
            " AND lot.account_id = ANY(%(accounts)s) AND lot.asset_id = ANY(%(assets)s))"
        )
    return where, values


def _oldest_through(
    place: Place,
    at: datetime | None,
    gone: Mapping[LotId, tuple[datetime, Decimal]],
    wanted: Decimal,
) -> datetime | None:
    """Return when the last lot was opened that first-in first-out takes for `wanted`.

    Returns None if a few of the oldest open lots do not show it; then all lots are read.
    """
    open_lots = rows_of(
        _OLDEST if at is None else _OLDEST_BEFORE,
        {"account": place[0], "asset": place[1], "at": at, "count": _OLDEST_READ},
    )
    full = len(open_lots) == _OLDEST_READ
    last_known = open_lots[-1][0] if full else None
    every: list[tuple[datetime, Decimal]] = sorted([*open_lots, *gone.values()])
    for opened_at, quantity in every:
        if last_known is not None and opened_at > last_known:
            return None
        wanted -= quantity
        if wanted <= 0:
            return opened_at
    return None


def _gone_since(
    accounts: Collection[int], assets: Collection[int], at: datetime
) -> dict[LotId, tuple[datetime, Decimal]]:
    """Return the opening time and the quantity sold since `at` of lots opened before `at`."""
    rows = rows_of(_GONE, {"accounts": list(accounts), "assets": list(assets), "at": at})
    return {
        (acquisition, account, asset): (opened_at, quantity)
        for acquisition, account, asset, opened_at, quantity in rows
    }


def _keep_lots(stored: Stored, rows: Iterable[LotRow]) -> None:
    for row in rows:
        key = (row.acquisition, row.account, row.asset, row.piece)
        stored.lots[key] = LotValues._make(row[5 : 5 + len(LOT_FIELDS)])
        stored.lot_ids[key] = row.pk


def _by_age(pieces: Iterable[Piece]) -> list[Piece]:
    """Sort by age; equal pieces keep the order of their numbers."""
    return sorted(pieces, key=lambda piece: piece.age)


def _restored(
    household: HouseholdBooks,
    rows: Sequence[LotRow],
    lots: Collection[LotId],
    at: datetime,
    disposals: Sequence[tuple[int, Closing]],
    matches: Sequence[tuple[int, Match]],
) -> list[Piece]:
    closed: dict[LotId, list[Closing]] = defaultdict(list)
    for _, closing in disposals:
        if closing.closed_at >= at:
            closed[closing.acquisition, *closing.place].append(closing)
    matched: dict[tuple[int, int], list[Match]] = defaultdict(list)
    for _, match in matches:
        if match.at >= at:
            matched[match.wash.replacement, match.wash.replacement_account].append(match)
    now: dict[LotId, list[Piece]] = {lot: [] for lot in lots}
    blanks: dict[LotId, Piece] = {}
    for row, piece in zip(rows, reading.pieces_of(household, rows), strict=True):
        blanks.setdefault(row.lot, piece)
        if piece.quantity:
            now[row.lot].append(piece)
    found: list[Piece] = []
    for lot, pieces in now.items():
        found += taken_back(
            blank=replace(blanks[lot]),
            pieces=pieces,
            closings=closed[lot],
            matches=matched[lot[:2]],
            add_days=household.policy.add_days,
        )
    return found


def _loss(closing: Closing) -> Loss:
    left = closing.quantity - closing.matched
    return Loss(
        closing, left, closing.loss - closing.deferred - closing.permanent, closing.place[1]
    )


def moved_between_accounts(accounts: Collection[int], assets: Collection[int]) -> bool:
    """Return whether shares of the assets were ever moved between own accounts."""
    return (
        len(accounts) > 1
        and Transaction.objects.filter(
            account_id__in=accounts,
            asset_id__in=assets,
            type="transfer_in",
            counterpart__isnull=False,
        ).exists()
    )


__all__ = [
    "Recorded",
    "Stage",
    "Unclear",
    "moved_between_accounts",
    "open_stage",
    "past_stage",
    "window_begin",
]
