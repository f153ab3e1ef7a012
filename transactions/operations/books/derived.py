"""The derived rows (lots, disposals, wash sales) as stored and as computed by a book.

`writing` writes the difference between the two.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from core.errors import Conflict
from transactions.ledger.book import Book
from transactions.ledger.lots import Closing, Piece, Place
from transactions.ledger.units import Scale, amount
from transactions.ledger.wash_sales import WashSale as Match
from transactions.models import Disposal, Lot, WashSale

LotKey = tuple[int, int, int, int]  # acquisition, account, asset, piece
DisposalKey = tuple[int, int]  # sale, part


class LotValues(NamedTuple):
    """The columns of a lot that a booking decides, in the order they are read and written."""

    opened_at: datetime
    opened_date: date
    holding_period_date: date
    quantity: Decimal
    cost_basis: Decimal
    wash_sale_adjustment: Decimal
    replaces_loss: bool
    losses_replaced: int
    purchase: bool


class DisposalValues(NamedTuple):
    """The columns of a disposal that a booking decides."""

    account_id: int
    asset_id: int
    lot_transaction_id: int
    opened_at: datetime
    opened_date: date
    holding_period_date: date
    closed_at: datetime
    closed_date: date
    quantity: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    wash_sale_adjustment: Decimal
    long_term: bool
    matched_quantity: Decimal
    deferred_loss: Decimal
    permanent_quantity: Decimal
    permanent_loss: Decimal
    replaces_loss: bool
    losses_replaced: int
    purchase: bool


class WashValues(NamedTuple):
    """The columns of a wash sale that a booking decides: all of them."""

    sale_id: int
    part: int
    loss_account_id: int
    loss_asset_id: int
    loss_lot_id: int
    replacement_id: int
    replacement_account_id: int
    quantity: Decimal
    loss_quantity: Decimal
    disallowed: Decimal
    basis_added: Decimal
    days_held: int
    permanent: bool
    sold_date: date
    replacement_date: date


LOT_FIELDS = LotValues._fields
DISPOSAL_FIELDS = DisposalValues._fields
WASH_FIELDS = WashValues._fields


@dataclass(slots=True)
class Derived:
    """Derived rows by their natural keys."""

    lots: dict[LotKey, LotValues] = field(default_factory=dict)
    disposals: dict[DisposalKey, DisposalValues] = field(default_factory=dict)
    wash_sales: list[WashValues] = field(default_factory=list)

    def add(self, other: "Derived") -> None:
        """Add the rows of another household."""
        self.lots |= other.lots
        self.disposals |= other.disposals
        self.wash_sales += other.wash_sales


@dataclass(slots=True)
class Stored(Derived):
    """Derived rows as stored in the database, with their primary keys."""

    lot_ids: dict[LotKey, int] = field(default_factory=dict)
    disposal_ids: dict[DisposalKey, int] = field(default_factory=dict)
    wash_sale_ids: list[int] = field(default_factory=list)

    def add(self, other: Derived) -> None:
        Derived.add(self, other)
        if isinstance(other, Stored):
            self.lot_ids |= other.lot_ids
            self.disposal_ids |= other.disposal_ids
            self.wash_sale_ids += other.wash_sale_ids

    def only(self, assets: Collection[int]) -> "Stored":
        """Return the rows of some assets."""
        found = Stored()
        for lot, values in self.lots.items():
            if lot[2] in assets:
                found.lots[lot], found.lot_ids[lot] = values, self.lot_ids[lot]
        for sale, disposal in self.disposals.items():
            if disposal.asset_id in assets:
                found.disposals[sale] = disposal
                found.disposal_ids[sale] = self.disposal_ids[sale]
        for pk, wash in zip(self.wash_sale_ids, self.wash_sales, strict=True):
            if wash.loss_asset_id in assets:
                found.wash_sales.append(wash)
                found.wash_sale_ids.append(pk)
        return found

    def add_lots(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for pk, acquisition, account, asset, piece, *values in rows:
            key = (acquisition, account, asset, piece)
            self.lots[key] = LotValues._make(values)
            self.lot_ids[key] = pk

    def add_disposals(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for pk, sale, part, *values in rows:
            self.disposals[sale, part] = DisposalValues._make(values)
            self.disposal_ids[sale, part] = pk

    def add_wash_sales(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for pk, *values in rows:
            self.wash_sales.append(WashValues._make(values))
            self.wash_sale_ids.append(pk)


LOT_COLUMNS = ("pk", "transaction_id", "account_id", "asset_id", "piece", *LOT_FIELDS)
DISPOSAL_COLUMNS = ("pk", "transaction_id", "part", *DISPOSAL_FIELDS)
WASH_COLUMNS = ("pk", *WASH_FIELDS)


def stored_rows(*, account_ids: Sequence[int], asset_ids: Iterable[int] | None) -> Stored:
    """Return all derived rows of some assets (of all if None) in these accounts; three queries."""
    lots = Lot.objects.filter(account_id__in=account_ids)
    disposals = Disposal.objects.filter(account_id__in=account_ids)
    washes = WashSale.objects.filter(loss_account_id__in=account_ids)
    if asset_ids is not None:
        wanted = list(asset_ids)
        lots = lots.filter(asset_id__in=wanted)
        disposals = disposals.filter(asset_id__in=wanted)
        washes = washes.filter(loss_asset_id__in=wanted)
    stored = Stored()
    stored.add_lots(lots.values_list(*LOT_COLUMNS))
    stored.add_disposals(disposals.values_list(*DISPOSAL_COLUMNS))
    stored.add_wash_sales(washes.values_list(*WASH_COLUMNS))
    return stored


def by_household(stored: Stored, of_account: Mapping[int, int]) -> dict[int, Stored]:
    """Group stored rows by household. `of_account`: the household of each account."""
    found: dict[int, Stored] = defaultdict(Stored)
    for lot, values in stored.lots.items():
        mine = found[of_account[lot[1]]]
        mine.lots[lot], mine.lot_ids[lot] = values, stored.lot_ids[lot]
    for sale, disposal in stored.disposals.items():
        mine = found[of_account[disposal.account_id]]
        mine.disposals[sale], mine.disposal_ids[sale] = disposal, stored.disposal_ids[sale]
    for pk, wash in zip(stored.wash_sale_ids, stored.wash_sales, strict=True):
        mine = found[of_account[wash.loss_account_id]]
        mine.wash_sales.append(wash)
        mine.wash_sale_ids.append(pk)
    return found


class FractionTooSmall(Conflict):
    """An event leaves less of a lot than ten decimals can express, and the lot has a cost."""

    status = 400
    code = "fraction_too_small"


def derived_rows(*, book: Book) -> Derived:
    """Return the rows of a book."""
    derived = Derived()
    for place, pieces in book.pieces.items():
        derived.lots.update(_lot_rows(place, pieces, book.currencies[place[0]], book.scale))
    for closing in book.closings:
        key = (closing.sale, closing.part)
        derived.disposals[key] = disposal_row(closing, book)
        _keep_emptied(derived, closing)
    derived.wash_sales = [wash_row(match, book) for match in book.washes.found]
    return derived


def _lot_rows(
    place: Place, pieces: Sequence[Piece], currency: str, scale: Scale
) -> Iterable[tuple[LotKey, LotValues]]:
    numbers: dict[int, int] = {}
    quantities = scale.quantities([piece.quantity for piece in pieces])
    for piece, quantity in zip(pieces, quantities, strict=True):
        if piece.basis and not quantity:
            raise FractionTooSmall(
                f"The event would leave less than 0.0000000001 shares of the lot of "
                f"{piece.opened_at.date()}, with a cost of {amount(piece.basis, currency)} "
                f"{currency}. "
                "So small a fraction cannot be stored. Sell the lot before this event, or correct "
                "its quantity or the ratio.",
                fields={"ratio": ["leaves too small a fraction of a share"]},
            )
        number = numbers.get(piece.acquisition, 0)
        numbers[piece.acquisition] = number + 1
        yield (
            (piece.acquisition, *place, number),
            LotValues(
                piece.opened_at.astimezone(UTC),
                piece.opened_at.date(),
                piece.held_since,
                quantity,
                amount(piece.basis, currency),
                amount(piece.adjustment, currency),
                piece.replaces_loss,
                piece.losses_replaced,
                piece.purchase,
            ),
        )


def _keep_emptied(derived: Derived, closing: Closing) -> None:
    """Keep a lot that was sold completely, as an empty row."""
    key = (closing.acquisition, *closing.place, 0)
    if key not in derived.lots:
        nothing = Decimal(0)
        derived.lots[key] = LotValues(
            closing.opened_at.astimezone(UTC),
            closing.opened_at.date(),
            closing.opened_at.date(),
            nothing,
            nothing,
            nothing,
            False,
            0,
            True,
        )


def disposal_row(closing: Closing, book: Book) -> DisposalValues:
    """Return the values of a disposal."""
    account, asset = closing.place
    currency, scale = book.currencies[account], book.scale
    return DisposalValues(
        account,
        asset,
        closing.acquisition,
        closing.opened_at.astimezone(UTC),
        closing.opened_at.date(),
        closing.held_since,
        closing.closed_at.astimezone(UTC),
        closing.closed_at.date(),
        _rounded(closing.quantity, scale),
        amount(closing.proceeds, currency),
        amount(closing.basis, currency),
        amount(closing.adjustment, currency),
        closing.long_term,
        _rounded(closing.matched, scale),
        amount(closing.deferred, currency),
        _rounded(closing.permanent_quantity, scale),
        amount(closing.permanent, currency),
        closing.replaces_loss,
        closing.losses_replaced,
        closing.purchase,
    )


def wash_row(match: Match, book: Book) -> WashValues:
    """Return the values of a wash sale."""
    return WashValues(
        match.sale,
        match.part,
        match.loss_account,
        match.loss_asset,
        match.loss_lot,
        match.replacement,
        match.replacement_account,
        _rounded(match.quantity, book.scale),
        _rounded(match.loss_quantity, book.scale),
        amount(match.disallowed, book.currencies[match.loss_account]),
        amount(match.basis_added, book.currencies[match.replacement_account]),
        match.days_held,
        match.permanent,
        match.sold_date,
        match.replacement_date,
    )


def _rounded(steps: int, scale: Scale) -> Decimal:
    """Round to ten decimals; a positive quantity never becomes less than one step."""
    if scale.fine == 1:
        return scale.quantity(steps)
    value = scale.quantities([steps])[0]
    return value if value or not steps else scale.quantity(scale.fine)
