"""The state of a household's book just before an instant, restored from the stored rows.

The stored rows are the checkpoint: the lots as they are now, with the disposals and wash sales
since the instant undone (`transactions.ledger.undoing`). Only rows that can matter to the events
that follow are read: the lots their sales can take, and the household's purchases and losses of the
30 days before.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import F, Q, Sum

from transactions.ledger.book import Book, Event, purchase_key
from transactions.ledger.kinds import BOOKED_TYPES, KINDS, named
from transactions.ledger.lots import Closing, Piece, Place
from transactions.ledger.undoing import Match, Unclear, before_matches, taken_back
from transactions.ledger.units import Scale, cents
from transactions.ledger.wash_sales import WINDOW_DAYS, Loss
from transactions.ledger.wash_sales import WashSale as Washed
from transactions.models import Disposal, Lot, Transaction, WashSale
from transactions.operations.books.derived import (
    DISPOSAL_COLUMNS,
    LOT_COLUMNS,
    WASH_COLUMNS,
    DisposalValues,
    LotValues,
    Stored,
    WashValues,
)
from transactions.queries.households import HouseholdBooks

# The kinds of events that take shares from the lots held.
LEAVES = frozenset(BOOKED_TYPES - set(named(lots="acquires")))
# Most sales empty only a few of the oldest lots, of possibly thousands.
_OLDEST_READ = 100
_PLACES_MAX = 4

LotId = tuple[int, int, int]  # acquisition, account, asset


@dataclass(slots=True)
class Stage:
    """The pieces and open losses a book starts with. Mutable only until the book is made."""

    pieces: list[Piece] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    # The rows read for the pieces and for the losses.
    stored: Stored = field(default_factory=Stored)

    def book(self, empty: Book) -> Book:
        """Fill an empty book. One stage can fill several books: each gets its own pieces."""
        placed: dict[Place, list[Piece]] = defaultdict(list)
        for piece in self.pieces:
            placed[piece.place].append(replace(piece))
        for place, pieces in placed.items():
            empty.put(place, pieces)
        for loss in self.losses:
            closing = replace(loss.closing)
            empty.closings.append(closing)
            if loss.asset not in empty.washes.exempt and loss.left:
                empty.washes.wait(Loss(closing, loss.left, loss.amount, loss.asset))
        return empty


@dataclass(frozen=True, slots=True)
class Recorded:
    """The stored disposals and wash sales of a period."""

    disposals: Sequence[tuple[int, Closing]]
    matches: Sequence[tuple[int, Match]]


class _LotRow(NamedTuple):
    pk: int
    acquisition: int
    account: int
    asset: int
    piece: int
    opened_at: datetime
    holding_period_date: date
    quantity: Decimal
    cost_basis: Decimal
    wash_sale_adjustment: Decimal
    replaces_loss: bool
    losses_replaced: int
    purchase: bool
    bought_in: int
    bought_asset: int
    order_id: str
    stated_quantity: Decimal | None
    stated_amount: Decimal
    stated_fee: Decimal

    @property
    def lot(self) -> LotId:
        return (self.acquisition, self.account, self.asset)


_BOUGHT = ("account_id", "asset_id", "order_id")
_LOT_COLUMNS = (
    *LOT_COLUMNS,
    *(f"transaction__{name}" for name in (*_BOUGHT, "quantity", "amount", "fee")),
)
_DISPOSAL_COLUMNS = (*DISPOSAL_COLUMNS, *(f"lot_transaction__{name}" for name in _BOUGHT))
_MATCH_COLUMNS = (*WASH_COLUMNS, "sale__executed_at", "replacement__executed_at")


def window_begin(at: datetime) -> datetime:
    """Return the first instant whose purchases or losses can still match one at `at`."""
    return datetime.combine(at.date() - timedelta(days=WINDOW_DAYS), time(), UTC)


def open_stage(
    household: HouseholdBooks, assets: Collection[int], events: Sequence[Event]
) -> Stage:
    """Return the stage for events later than every stored event of their related assets."""
    since = window_begin(min(event.at for event in events))
    stage = Stage()
    leaving = [event for event in events if event.type in LEAVES]
    if leaving:
        rows = _lots(_in_reach(household, assets, leaving, since, None))
        _keep_lots(stage.stored, rows)
        stage.pieces = _by_age(_pieces(household, rows))
    bought = any(KINDS[event.type].purchase for event in events)
    if bought and household.policy.enabled:
        lost = Q(
            closed_at__gte=since,
            account_id__in=list(household.taxable),
            asset_id__in=assets,
            proceeds__lt=F("cost_basis"),
            matched_quantity__lt=F("quantity"),
        )
        for pk, closing, values in _disposals(household, lost):
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
    rows = _lots(_in_reach(household, assets, leaving, since, at, gone))
    lots = {row.lot for row in rows}
    acquisitions = sorted({row.acquisition for row in rows})
    end = Q() if until is None else Q(closed_at__lte=until)
    mine = Q(lot_transaction_id__in=acquisitions, closed_at__gte=at)
    stretch = end & Q(account_id__in=accounts, asset_id__in=assets, closed_at__gte=since)
    disposals = [(pk, row) for pk, row, _ in _disposals(household, mine | stretch)]
    last_day = Q() if until is None else Q(sold_date__lte=until.date())
    matches = _matches(
        household,
        Q(replacement_id__in=acquisitions)
        | last_day
        & Q(loss_account_id__in=accounts, loss_asset_id__in=assets, sold_date__gte=since.date()),
    )
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
) -> Q:
    """Select the lots that leaving shares can be taken from, and the purchases since `since`."""
    gone = gone or {}
    before = Q() if at is None else Q(opened_at__lt=at, transaction__executed_at__lt=at)
    found = before & Q(
        account_id__in=list(household.accounts),
        asset_id__in=assets,
        opened_at__gte=since,
        quantity__gt=0,
    )
    named = {lot[0] for lot, (opened_at, _) in gone.items() if opened_at >= since}
    places: dict[Place, list[Event]] = defaultdict(list)
    for event in leaving:
        places[event.account, event.asset].append(event)
    for (account, asset), events in places.items():
        there = before & Q(account_id=account, asset_id=asset, quantity__gt=0)
        was = {lot: row for lot, row in gone.items() if lot[1:] == (account, asset)}
        through = None
        if len(places) <= _PLACES_MAX and all(
            event.type == "sell" and event.method == "fifo" for event in events
        ):
            wanted = sum((event.quantity or Decimal(0) for event in events), Decimal(0))
            through = _oldest_through(there, was, wanted)
        if through is not None:
            there &= Q(opened_at__lte=through)
            was = {lot: row for lot, row in was.items() if row[0] <= through}
        found |= there
        named |= {lot[0] for lot in was}
    return found | Q(
        transaction_id__in=sorted(named), account_id__in=list(household.accounts),
        asset_id__in=assets,
    ) if named else found  # fmt: skip


def _oldest_through(
    there: Q, gone: Mapping[LotId, tuple[datetime, Decimal]], wanted: Decimal
) -> datetime | None:
    """Return when the last lot was opened that first-in first-out takes for `wanted`.

    Returns None if a few of the oldest open lots do not show it; then all lots are read.
    """
    open_lots = list(
        Lot.objects.filter(there)
        .order_by("opened_at", "id")
        .values_list("opened_at", "quantity")[:_OLDEST_READ]
    )
    full = len(open_lots) == _OLDEST_READ
    last_known = open_lots[-1][0] if full else None
    for opened_at, quantity in sorted([*open_lots, *gone.values()]):
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
    rows = (
        Disposal.objects.filter(
            account_id__in=accounts,
            asset_id__in=assets,
            closed_at__gte=at,
            lot_transaction__executed_at__lt=at,
        )
        .order_by()
        .values_list("lot_transaction_id", "account_id", "asset_id", "opened_at")
        .annotate(quantity=Sum("quantity"))
    )
    return {
        (acquisition, account, asset): (opened_at, quantity)
        for acquisition, account, asset, opened_at, quantity in rows
    }


def _lots(wanted: Q) -> list[_LotRow]:
    rows = Lot.objects.filter(wanted).order_by("piece").values_list(*_LOT_COLUMNS)
    return [_LotRow._make(row) for row in rows]


def _keep_lots(stored: Stored, rows: Iterable[_LotRow]) -> None:
    for row in rows:
        key = (row.acquisition, row.account, row.asset, row.piece)
        stored.lots[key] = LotValues._make(row[5:13])
        stored.lot_ids[key] = row.pk


def _pieces(household: HouseholdBooks, rows: Iterable[_LotRow]) -> list[Piece]:
    """Return the pieces of lots, in the order in which they are numbered."""
    scale = Scale()
    return [
        Piece(
            acquisition=row.acquisition,
            purchase_key=purchase_key(
                account=row.bought_in,
                asset=row.bought_asset,
                at=row.opened_at,
                order_id=row.order_id,
            ),
            opened_at=row.opened_at,
            held_since=row.holding_period_date,
            quantity=scale.steps(row.quantity),
            basis=cents(row.cost_basis, household.accounts[row.account].currency),
            place=(row.account, row.asset),
            adjustment=cents(row.wash_sale_adjustment, household.accounts[row.account].currency),
            replaces_loss=row.replaces_loss,
            losses_replaced=row.losses_replaced,
            purchase=row.purchase,
            stated=(row.stated_quantity or Decimal(0), row.stated_amount + row.stated_fee),
        )
        for row in rows
    ]


def _by_age(pieces: Iterable[Piece]) -> list[Piece]:
    """Sort by age; equal pieces keep the order of their numbers."""
    return sorted(pieces, key=lambda piece: piece.age)


def _restored(
    household: HouseholdBooks,
    rows: Sequence[_LotRow],
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
    for row, piece in zip(rows, _pieces(household, rows), strict=True):
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


def _disposals(household: HouseholdBooks, wanted: Q) -> list[tuple[int, Closing, DisposalValues]]:
    rows = (
        Disposal.objects.filter(wanted)
        .order_by("closed_at", "opened_at", "lot_transaction_id", "transaction_id", "part")
        .values_list(*_DISPOSAL_COLUMNS)
    )
    found = []
    for pk, sale, part, *rest in rows:
        values = DisposalValues._make(rest[:-3])
        account, asset, order_id = rest[-3:]
        key = purchase_key(account=account, asset=asset, at=values.opened_at, order_id=order_id)
        closing = _closing(sale, part, key, values, household)
        found.append((pk, closing, values))
    return found


def _closing(
    sale: int,
    part: int,
    key: tuple[object, ...],
    values: DisposalValues,
    household: HouseholdBooks,
) -> Closing:
    currency, scale = household.accounts[values.account_id].currency, Scale()
    return Closing(
        sale=sale,
        part=part,
        place=(values.account_id, values.asset_id),
        acquisition=values.lot_transaction_id,
        purchase_key=key,
        opened_at=values.opened_at,
        held_since=values.holding_period_date,
        closed_at=values.closed_at,
        quantity=scale.steps(values.quantity),
        proceeds=cents(values.proceeds, currency),
        basis=cents(values.cost_basis, currency),
        adjustment=cents(values.wash_sale_adjustment, currency),
        matched=scale.steps(values.matched_quantity),
        deferred=cents(values.deferred_loss, currency),
        permanent_quantity=scale.steps(values.permanent_quantity),
        permanent=cents(values.permanent_loss, currency),
        replaces_loss=values.replaces_loss,
        losses_replaced=values.losses_replaced,
        purchase=values.purchase,
    )


def _loss(closing: Closing) -> Loss:
    left = closing.quantity - closing.matched
    return Loss(
        closing, left, closing.loss - closing.deferred - closing.permanent, closing.place[1]
    )


def _matches(household: HouseholdBooks, wanted: Q) -> list[tuple[int, Match]]:
    rows = WashSale.objects.filter(wanted).order_by("id").values_list(*_MATCH_COLUMNS)
    found = []
    for pk, *rest in rows:
        values = WashValues._make(rest[:-2])
        sold_at, bought_at = rest[-2:]
        found.append((pk, Match(_washed(values, household), max(sold_at, bought_at))))
    return found


def _washed(values: WashValues, household: HouseholdBooks) -> Washed:
    scale, accounts = Scale(), household.accounts
    return Washed(
        sale=values.sale_id,
        part=values.part,
        loss_account=values.loss_account_id,
        loss_asset=values.loss_asset_id,
        loss_lot=values.loss_lot_id,
        replacement=values.replacement_id,
        replacement_account=values.replacement_account_id,
        quantity=scale.steps(values.quantity),
        loss_quantity=scale.steps(values.loss_quantity),
        disallowed=cents(values.disallowed, accounts[values.loss_account_id].currency),
        basis_added=cents(values.basis_added, accounts[values.replacement_account_id].currency),
        days_held=values.days_held,
        permanent=values.permanent,
        sold_date=values.sold_date,
        replacement_date=values.replacement_date,
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
