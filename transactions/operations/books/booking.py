"""Keeping lots, disposals, wash sales and holdings in step with the transactions of a household.

New transactions that are the latest of everything they hang together with are booked on top of the
open lots. Anything else (back-dated, reversed, after an event that changed units unevenly) books
its assets anew from the first transaction and writes the differences only. The number of queries
depends neither on the number of transactions nor on the number of assets.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.db.models import F, Max, Q

from core.errors import InvalidInput
from core.money import minor_unit
from marketdata.queries import exchange_rates_on
from transactions.ledger.book import Book, Event, purchase_key
from transactions.ledger.fold import BOOKED_TYPES, booked
from transactions.ledger.lots import Closing, Piece
from transactions.ledger.units import Scale, cents, scale_of
from transactions.ledger.wash_sales import WINDOW_DAYS, Loss, WashSales
from transactions.models import Disposal, Lot, Transaction
from transactions.operations.books.derived import (
    DISPOSAL_COLUMNS,
    LOT_COLUMNS,
    Derived,
    Stored,
    derived_rows,
    stored_rows,
    write_difference,
    write_holdings,
)
from transactions.operations.books.events import events_of, stored_events
from transactions.queries.households import Linked, LockedHousehold, crypto_assets, linked_assets

# Most sales empty a few of the oldest lots of what may be thousands.
_OLDEST_READ = 100
_LEAVES = frozenset(BOOKED_TYPES - {"buy", "reinvestment", "transfer_in"})


def rebook(*, household: LockedHousehold, new: Sequence[Transaction]) -> set[int]:
    """Brings everything derived up to date with rows just written; the accounts that changed."""
    rows = [row for row in new if row.type in BOOKED_TYPES]
    if not rows:
        return set()
    linked = linked_assets(households=[household])[household.id]
    anew = disturbed(household, linked, rows)
    on_top = [row for row in rows if row.asset_id not in anew]
    changed = book_anew(household=household, linked=linked, asset_ids=anew) if anew else set()
    return changed | _book_on_top(household, linked, on_top)


def disturbed(
    household: LockedHousehold, linked: Linked, rows: Sequence[Transaction]
) -> frozenset[int]:
    """Assets that must be booked from their first transaction on."""
    first: dict[int, datetime] = {}
    anew: set[int] = set()
    for row in rows:
        assert row.asset_id is not None, "what moves lots has an asset"
        for asset_id in linked.with_all([row.asset_id]):
            first[asset_id] = min(first.get(asset_id, row.executed_at), row.executed_at)
        if row.reverses_id or row.counterpart_id or row.new_asset_id or row.ratio_new:
            anew.add(row.asset_id)
            if row.new_asset_id is not None:
                # A reversed event leads there no longer, and what came of it has to go.
                anew.add(row.new_asset_id)
    behind = (
        Transaction.objects.filter(
            account_id__in=list(household.accounts),
            asset_id__in=list(first),
            type__in=BOOKED_TYPES,
            executed_at__gte=min(first.values()),
            pk__lt=min(row.pk for row in rows),
        )
        .order_by("asset_id")
        .values_list("asset_id")
        .annotate(last=Max("executed_at"))
    )
    anew |= {
        asset_id for asset_id, last in behind if asset_id is not None and last >= first[asset_id]
    }
    window = timedelta(days=WINDOW_DAYS + 1)
    for asset_id, begin in first.items():
        if not linked.exactly_kept(linked.with_all([asset_id]), begin - window):
            anew.add(asset_id)
    return linked.with_all(anew)


def book_anew(
    *, household: LockedHousehold, linked: Linked, asset_ids: Collection[int] | None
) -> set[int]:
    """Every event of the assets (of all, where None) from the first one on."""
    events = stored_events(accounts=household.accounts, asset_ids=asset_ids)
    crypto = crypto_assets(asset_ids={event.asset for event in events})
    derived = outcome(household=household, linked=linked, events=events, crypto=crypto)
    stored = stored_rows(account_ids=list(household.accounts), asset_ids=asset_ids)
    changed = write_difference(stored=stored, derived=derived)
    write_holdings(before=stored, after=derived, absolute=True)
    return changed


def outcome(
    *,
    household: LockedHousehold,
    linked: Linked,
    events: Sequence[Event],
    crypto: frozenset[int],
) -> Derived:
    """Everything derived from `events`, which are all there are of their assets."""
    book = empty_book(
        household,
        linked,
        scale=scale_of({event.ratio for event in events if event.ratio is not None}),
        crypto=crypto,
        sold={event.at.date() for event in events if event.type in _LEAVES},
    )
    booked(book=book, events=events)
    return derived_rows(book=book)


def empty_book(
    household: LockedHousehold,
    linked: Linked,
    *,
    scale: Scale,
    crypto: frozenset[int],
    sold: Iterable[date],
) -> Book:
    """An empty book of the household. `crypto`: those of its assets that are."""
    return Book(
        currencies={pk: row.currency for pk, row in household.accounts.items()},
        washes=WashSales(
            policy=household.policy,
            groups=linked.groups,
            exempt=crypto if household.crypto_exempt else frozenset(),
            taxable=household.taxable,
            ignored=household.ignored,
            convert=_Exchange(household, sold),
        ),
        scale=scale,
    )


class _Exchange:
    """A disallowed loss in the currency of the account whose shares take it, at the day's rate."""

    def __init__(self, household: LockedHousehold, days: Iterable[date]) -> None:
        self.currencies = {pk: row.currency for pk, row in household.accounts.items()}
        several = sorted(set(self.currencies.values()))
        self.rates = {}
        if len(several) > 1:
            self.rates = exchange_rates_on(
                wanted=[
                    (base, quote, day)
                    for day in set(days)
                    for base in several
                    for quote in several
                    if base != quote
                ]
            )

    def __call__(self, minor: int, from_account: int, to_account: int, day: date) -> int:
        base, quote = self.currencies[from_account], self.currencies[to_account]
        if base == quote:
            return minor
        rate = self.rates.get((base, quote, day))
        if rate is None:
            raise InvalidInput(
                f"A wash sale moves a loss from {base} to {quote}, and no exchange rate of {day} "
                "is known.",
                code="exchange_rate_unknown",
            )
        exact = minor * minor_unit(base) * rate.rate / minor_unit(quote)
        return int(exact.quantize(Decimal(1)))


def _book_on_top(
    household: LockedHousehold, linked: Linked, rows: Sequence[Transaction]
) -> set[int]:
    """New rows on top of the open lots: the common case, reading only what they can touch."""
    if not rows:
        return set()
    events = events_of(rows=rows, accounts=household.accounts)
    since = datetime.combine(
        min(event.at for event in events).date() - timedelta(days=WINDOW_DAYS), time(), UTC
    )
    assets = linked.with_all({event.asset for event in events})
    stored = Stored()
    leaving = [event for event in events if event.type in _LEAVES]
    pieces = open_pieces(household, stored, assets, leaving, since, _first_lots_through(leaving))
    losses = _load_losses(household, stored, assets, events, since)
    sold = {event.at.date() for event in leaving} | {loss.closed_at.date() for loss in losses}
    crypto = crypto_assets(asset_ids=assets)
    book = empty_book(household, linked, scale=Scale(), crypto=crypto, sold=sold)
    for piece in pieces:
        book.put(piece.place, [piece])
    for loss in losses:
        if loss.place[1] not in book.washes.exempt:
            left = loss.quantity - loss.matched
            waiting = loss.loss - loss.deferred - loss.permanent
            book.washes.wait(Loss(loss, left, waiting, loss.place[1]))
    booked(book=book, events=events)
    book.closings += losses
    derived = derived_rows(book=book)
    for loss in losses:
        # Its lot was emptied long ago and is not among what was read.
        key = (loss.acquisition, *loss.place, 0)
        if key not in stored.lots:
            derived.lots.pop(key, None)
    changed = write_difference(stored=stored, derived=derived)
    write_holdings(before=stored, after=derived, absolute=False)
    return changed


def _first_lots_through(leaving: Sequence[Event]) -> datetime | None:
    """Until when the lots were opened that a single sale takes first-in first-out.

    None where that is not known from a few of the oldest lots: then all are read.
    """
    if len(leaving) != 1 or leaving[0].type != "sell" or leaving[0].method != "fifo":
        return None
    (sale,) = leaving
    wanted = sale.quantity or Decimal(0)
    oldest = (
        Lot.objects.filter(account_id=sale.account, asset_id=sale.asset, quantity__gt=0)
        .order_by("opened_at", "id")
        .values_list("opened_at", "quantity")[:_OLDEST_READ]
    )
    for opened_at, quantity in oldest:
        wanted -= quantity
        if wanted <= 0:
            return opened_at
    return None


def open_pieces(
    household: LockedHousehold,
    stored: Stored,
    assets: Collection[int],
    leaving: Sequence[Event],
    since: datetime,
    through: datetime | None = None,
) -> list[Piece]:
    """Open lots of what leaves, and what the household bought in the window before it.

    `through`: what leaves comes out of lots opened until then.
    """
    if not leaving:
        return []
    oldest = Q() if through is None else Q(opened_at__lte=through)
    columns = (
        *LOT_COLUMNS,
        "transaction__account_id",
        "transaction__asset_id",
        "transaction__order_id",
        "transaction__quantity",
        "transaction__amount",
        "transaction__fee",
    )  # fmt: skip
    rows = (
        Lot.objects.filter(
            oldest
            & Q(
                account_id__in={event.account for event in leaving},
                asset_id__in={event.asset for event in leaving},
            )
            | Q(
                account_id__in=list(household.accounts),
                asset_id__in=assets,
                opened_at__gte=since,
            ),
            quantity__gt=0,
        )
        .order_by("piece")
        .values_list(*columns)
    )
    pieces = []
    for row in rows:
        _, acquisition, account, asset, _, *rest = row
        opened_at, held_since, quantity, basis, adjustment, replaces, purchase = rest[:7]
        stored.add_lots([row[: len(LOT_COLUMNS)]])
        currency = household.accounts[account].currency
        pieces.append(
            Piece(
                acquisition,
                purchase_key(account=rest[7], asset=rest[8], at=opened_at, order_id=rest[9]),
                opened_at,
                held_since,
                Scale().steps(quantity),
                cents(basis, currency),
                (account, asset),
                cents(adjustment, currency),
                replaces,
                purchase,
                (rest[10] or Decimal(0), rest[11] + rest[12]),
            )
        )
    # Pieces that are alike stay in the order in which they were numbered: the sort is stable.
    return sorted(pieces, key=lambda piece: piece.age)


def _load_losses(
    household: LockedHousehold,
    stored: Stored,
    assets: Collection[int],
    events: Sequence[Event],
    since: datetime,
) -> list[Closing]:
    """Losses of the window that what is bought now may still wash."""
    if not any(event.type in ("buy", "reinvestment") for event in events):
        return []
    if not household.policy.enabled:
        return []
    columns = (
        *DISPOSAL_COLUMNS,
        "lot_transaction__account_id",
        "lot_transaction__asset_id",
        "lot_transaction__order_id",
    )
    rows = (
        Disposal.objects.filter(
            account_id__in=list(household.taxable),
            asset_id__in=assets,
            closed_at__gte=since,
            proceeds__lt=F("cost_basis"),
            matched_quantity__lt=F("quantity"),
        )
        .order_by("closed_at", "opened_at", "lot_transaction_id", "transaction_id", "part")
        .values_list(*columns)
    )
    closings = []
    for row in rows:
        stored.add_disposals([row[: len(DISPOSAL_COLUMNS)]])
        closings.append(_closing(row, household))
    return closings


def _closing(row: Sequence[object], household: LockedHousehold) -> Closing:
    values: Mapping[str, object] = dict(zip(DISPOSAL_COLUMNS, row, strict=False))
    account, asset = int(str(values["account_id"])), int(str(values["asset_id"]))
    currency, scale = household.accounts[account].currency, Scale()

    def money(name: str) -> int:
        return cents(Decimal(str(values[name])), currency)

    def steps(name: str) -> int:
        return scale.steps(Decimal(str(values[name])))

    bought_in, bought_asset, order_id = row[len(DISPOSAL_COLUMNS) :]
    opened_at, held_since = values["opened_at"], values["holding_period_date"]
    closed_at = values["closed_at"]
    assert isinstance(opened_at, datetime), "an instant"
    assert isinstance(closed_at, datetime), "an instant"
    assert isinstance(held_since, date), "a day"
    return Closing(
        sale=int(str(values["transaction_id"])),
        part=int(str(values["part"])),
        place=(account, asset),
        acquisition=int(str(values["lot_transaction_id"])),
        purchase_key=purchase_key(
            account=int(str(bought_in)),
            asset=int(str(bought_asset)),
            at=opened_at,
            order_id=str(order_id),
        ),
        opened_at=opened_at,
        held_since=held_since,
        closed_at=closed_at,
        quantity=steps("quantity"),
        proceeds=money("proceeds"),
        basis=money("cost_basis"),
        adjustment=money("wash_sale_adjustment"),
        matched=steps("matched_quantity"),
        deferred=money("deferred_loss"),
        permanent_quantity=steps("permanent_quantity"),
        permanent=money("permanent_loss"),
    )
