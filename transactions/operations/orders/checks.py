"""What an order needs before it is placed or sent: a fresh price, and the shares it would sell."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from core.errors import Conflict
from core.money import plain
from marketdata.models import Asset
from marketdata.queries import quotes
from marketdata.quotes import Quote
from transactions.ledger.entries import ChosenLot
from transactions.ledger.lots import InsufficientShares
from transactions.models import Account, Holding, Lot, Order, OrderSide
from transactions.operations.orders.naming import lots_open
from transactions.orders.states import OPEN_STORED


class PriceStale(Conflict):
    """The newest price is too old to place an order on."""

    code = "price_stale"


class LotsChanged(Conflict):
    """The lots that a sale names are not held as they were."""

    code = "lots_changed"


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale to be checked: what it would take from the account."""

    asset: Asset
    quantity: Decimal
    lots: Sequence[ChosenLot] = ()


def fresh_quotes(*, assets: Iterable[Asset], now: datetime) -> Mapping[int, Quote]:
    """Return the newest prices by asset; refuse a missing or stale one."""
    wanted = list({asset.pk: asset for asset in assets}.values())
    found = quotes(assets=wanted, now=now)
    for asset in wanted:
        quote = found.get(asset.pk)
        if quote is None:
            raise PriceStale(
                f"{asset.symbol} has no price, so no order can be placed. Record the trade once "
                "it is done."
            )
        if quote.stale:
            raise PriceStale(
                f"The price of {asset.symbol} is of {quote.as_of:%Y-%m-%d %H:%M} UTC and too old "
                "to place an order on. Wait for a newer one, or record the trade once it is done."
            )
    return found


def ensure_held(
    *, account: Account, sales: Sequence[Sale], day: datetime, except_order: Order | None = None
) -> None:
    """Refuse sales of more than is held, less what open orders will sell, and of changed lots."""
    if not sales:
        return
    wanted: dict[int, Decimal] = defaultdict(Decimal)
    for sale in sales:
        wanted[sale.asset.pk] += sale.quantity
    held = dict(
        Holding.objects.filter(account=account, asset_id__in=wanted).values_list(
            "asset_id", "quantity"
        )
    )
    open_sales = _open_sales(account, wanted, except_order)
    promised: dict[int, Decimal] = defaultdict(Decimal)
    for row in open_sales:
        promised[row.asset_id] += row.standing.open
    for sale in sales:
        free = held.get(sale.asset.pk, Decimal(0)) - promised.get(sale.asset.pk, Decimal(0))
        if wanted[sale.asset.pk] > free:
            raise InsufficientShares(
                held=plain(max(free, Decimal(0))),
                wanted=plain(wanted[sale.asset.pk]),
                day=day.date(),
                symbol=sale.asset.symbol,
            )
    _ensure_lots(account, sales, lots_open(open_sales))


def _open_sales(
    account: Account, asset_ids: Iterable[int], except_order: Order | None
) -> list[Order]:
    """Return the open orders of the account that will still sell of these assets."""
    rows = Order.objects.filter(
        account=account, asset_id__in=list(asset_ids), side=OrderSide.SELL, state__in=OPEN_STORED
    )
    if except_order is not None:
        rows = rows.exclude(pk=except_order.pk)
    return list(rows.order_by("id"))


def _ensure_lots(account: Account, sales: Sequence[Sale], promised: Sequence[ChosenLot]) -> None:
    """Refuse lots that are not held, less what open orders will sell of them."""
    wanted: dict[tuple[UUID, int | None], Decimal] = defaultdict(Decimal)
    symbols: dict[UUID, str] = {}
    for sale in sales:
        for lot in sale.lots:
            wanted[lot.lot_id, lot.piece] += lot.quantity
            symbols[lot.lot_id] = sale.asset.symbol
    if not wanted:
        return
    held: dict[tuple[UUID, int | None], Decimal] = defaultdict(Decimal)
    rows = Lot.objects.filter(account=account, transaction__public_id__in=list(symbols))
    for lot_id, number, left in rows.values_list("transaction__public_id", "piece", "quantity"):
        held[lot_id, number] += left
        held[lot_id, None] += left
    for lot in promised:
        held[lot.lot_id, None] -= lot.quantity
        if lot.piece is not None:
            held[lot.lot_id, lot.piece] -= lot.quantity
    for (lot_id, piece), quantity in wanted.items():
        left = max(held[lot_id, piece], Decimal(0))
        if quantity > left:
            raise LotsChanged(
                f"The lots of {symbols[lot_id]} have changed: lot {lot_id} has "
                f"{plain(left)} units left, and the sale needs {plain(quantity)}. "
                "Request a new recommendation, or choose the lots again."
            )
