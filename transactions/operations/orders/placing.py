"""Place orders, and cancel what is not yet filled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from core.errors import Conflict, InvalidInput
from core.limits import ORDERS_OPEN_PER_ACCOUNT_MAX
from identity.models import User
from marketdata.models import Asset
from marketdata.queries import assets_by_symbol
from marketdata.quotes import Quote
from stores.locks import locked
from transactions.ledger.entries import ChosenLot
from transactions.models import Account, LotMethod, Order, OrderSide, OrderType
from transactions.operations.accounts import lock_account
from transactions.operations.orders.brokers import ensure_connected, ensure_taken
from transactions.operations.orders.checks import Sale, ensure_held, fresh_quotes
from transactions.operations.orders.following import follow_soon
from transactions.orders.lots import stored_lots
from transactions.orders.states import OPEN_STORED, State, cancelled, ordered

# Why a trade of a recommendation was not ordered: its quantity is less than one share.
LESS_THAN_ONE_SHARE = "Less than one whole share."


@dataclass(frozen=True, slots=True)
class Wish:
    """An order as it is wanted. `place`: the place of the trade in its recommendation.

    `dropped`: why the trade is only noted as cancelled, and not ordered.
    """

    symbol: str
    side: str
    quantity: Decimal
    type: str = OrderType.MARKET
    limit_price: Decimal | None = None
    lots: Sequence[ChosenLot] = ()
    place: int | None = None
    expected_price: Decimal | None = None
    dropped: str = ""


def place(
    *,
    account: Account,
    wishes: Sequence[Wish],
    user: User,
    now: datetime,
    recommendation_id: UUID | None = None,
    trades: int | None = None,
    executed: bool = False,
    broker: str = "",
) -> list[Order]:
    """Place orders to be given to the broker by hand, or sent to `broker`, all or none.

    `trades`: how many trades the recommendation has. `executed`: they are recorded as filled in the
    same transaction, so a stale price stands against nothing.
    """
    with transaction.atomic():
        holder = lock_account(account=account)
        _ensure_room(holder, len(wishes))
        if broker:
            ensure_connected(holder, broker)
        assets = assets_by_symbol(
            household_id=holder.household_id, symbols=[wish.symbol for wish in wishes]
        )
        wishes = [_checked(wish, assets, holder) for wish in wishes]
        live = [wish for wish in wishes if not wish.dropped]
        if broker:
            ensure_taken(broker, [assets[wish.symbol] for wish in live])
        quotes: Mapping[int, Quote] = {}
        if not executed:
            quotes = fresh_quotes(assets=[assets[wish.symbol] for wish in live], now=now)
            sales = [
                Sale(assets[wish.symbol], wish.quantity, wish.lots)
                for wish in live
                if wish.side == OrderSide.SELL
            ]
            ensure_held(account=holder, sales=sales, day=now)
        rows = [
            _row(wish, assets, quotes, holder, broker, user, now, recommendation_id, trades)
            for wish in wishes
        ]
        made = Order.objects.bulk_create(rows)
        follow_soon(orders=[row for row in made if row.broker], now=now)
        return made


def _ensure_room(account: Account, count: int) -> None:
    if account.archived_at is not None:
        raise Conflict(
            f"The account {account.name} is archived. Restore it first.", code="account_archived"
        )
    open_now = Order.objects.filter(account=account, state__in=OPEN_STORED).count()
    if open_now + count > ORDERS_OPEN_PER_ACCOUNT_MAX:
        raise Conflict(
            f"The account has {open_now} open orders; at most {ORDERS_OPEN_PER_ACCOUNT_MAX} are "
            "allowed. Cancel some first.",
            code="too_many_orders",
        )


def _checked(wish: Wish, assets: Mapping[str, Asset], account: Account) -> Wish:
    """Return the wish with the lots that count; refuse one that no order can be."""
    asset = assets.get(wish.symbol)
    if asset is None:
        raise InvalidInput(
            f"The symbol {wish.symbol} is not known. Search for it, or create it as your own "
            "asset.",
            code="symbol_unknown",
            fields={"symbol": ["is not known"]},
        )
    if not asset.tradable:
        raise InvalidInput(
            f"{asset.symbol} cannot be bought or sold. Choose another asset.",
            code="asset_not_tradable",
            fields={"symbol": ["cannot be bought or sold"]},
        )
    if wish.type == OrderType.LIMIT and not wish.limit_price:
        raise InvalidInput(
            "A limit order needs a limit price greater than zero. Add it.",
            code="limit_price_required",
            fields={"limit_price": ["is required for a limit order"]},
        )
    if wish.type == OrderType.MARKET and wish.limit_price is not None:
        raise InvalidInput(
            "A market order has no limit price. Remove it, or send the type limit.",
            code="limit_price_not_allowed",
            fields={"limit_price": ["is not used by a market order"]},
        )
    if wish.lots and wish.side == OrderSide.BUY:
        raise InvalidInput("A purchase names no lots. Remove them.", code="field_not_allowed")
    if wish.lots and sum(lot.quantity for lot in wish.lots) != wish.quantity:
        raise InvalidInput(
            "The lots do not add up to the quantity of the order. Correct one of them.",
            code="lot_selection_invalid",
            fields={"lots": ["must add up to the quantity"]},
        )
    if (
        wish.side == OrderSide.SELL
        and account.lot_method == LotMethod.SPECIFIC
        and not wish.lots
        and not wish.dropped
    ):
        raise InvalidInput(
            "This account sells specific lots. Name the lots of the order.",
            code="lots_required",
            fields={"lots": ["is required"]},
        )
    return replace(wish, symbol=asset.symbol)


def _row(
    wish: Wish,
    assets: Mapping[str, Asset],
    quotes: Mapping[int, Quote],
    account: Account,
    broker: str,
    user: User,
    now: datetime,
    recommendation_id: UUID | None,
    trades: int | None,
) -> Order:
    asset, at_broker = assets[wish.symbol], bool(broker) and not wish.dropped
    standing = ordered(wish.quantity, at_broker=at_broker)
    if wish.dropped:
        standing = cancelled(standing)
    quote = quotes.get(asset.pk)
    return Order(
        account=account,
        asset=asset,
        recommendation_id=recommendation_id,
        place=wish.place,
        trades=trades,
        side=wish.side,
        type=wish.type,
        quantity=wish.quantity,
        limit_price=wish.limit_price,
        expected_price=quote.price if quote else wish.expected_price,
        lots=stored_lots(wish.lots),
        broker=broker if at_broker else "",
        state=standing.state.value,
        reason=wish.dropped,
        created_at=now,
        created_by=user,
        look_at=now if at_broker else None,
    )


def cancel_order(*, order: Order, now: datetime) -> Order:
    """Cancel what is not yet filled. What was filled stays in the ledger.

    An order at a broker is cancelled once the broker says so.
    """
    with transaction.atomic():
        row = locked(Order.objects.filter(pk=order.pk)).get()
        if row.state == State.CANCELLED:
            return row
        after = cancelled(row.standing)
        if row.broker:
            row.cancel_requested_at = row.cancel_requested_at or now
            row.look_at = now
            follow_soon(orders=[row], now=now)
        else:
            row.state = after.state.value
        row.save(update_fields=["state", "cancel_requested_at", "look_at"])
    return row
