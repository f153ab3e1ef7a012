"""Turn the trades of an approved recommendation into orders, and record what was filled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from uuid import UUID

from django.db import transaction

from core.errors import Conflict, InvalidInput
from core.money import plain
from identity.models import User
from recommendations.engine.result import Trade
from recommendations.models import Recommendation, RecommendationStatus
from recommendations.queries.stored import trades_of
from transactions.ledger.entries import ChosenLot
from transactions.models import Order, OrderFill, OrderQuerySet
from transactions.operations.books.households import lock_household
from transactions.operations.orders import Fill, Wish, place, record_fills
from transactions.operations.orders.naming import lots_spoken_for
from transactions.operations.orders.placing import LESS_THAN_ONE_SHARE
from transactions.orders.lots import left_of, scaled
from transactions.orders.states import OPEN_STORED

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class SheetFill:
    """What was filled of the trade at one place of a recommendation."""

    place: int
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    fee: Decimal = Decimal(0)


def wishes_of(trades: Sequence[Trade], *, whole_shares: bool) -> list[Wish]:
    """Return the orders that trades ask for, by their places; in whole shares, rounded down.

    A trade of less than one whole share is only noted, as cancelled.
    """
    return [_wish(number, trade, whole_shares) for number, trade in enumerate(trades)]


def _wish(number: int, trade: Trade, whole_shares: bool) -> Wish:
    lots = _lots(trade)
    wish = Wish(
        symbol=trade.symbol,
        side=trade.side,
        quantity=trade.quantity,
        lots=lots,
        place=number,
        expected_price=trade.price,
    )
    if not whole_shares:
        return wish
    whole = trade.quantity.quantize(_ONE, rounding=ROUND_DOWN)
    if not whole:
        return replace(wish, dropped=LESS_THAN_ONE_SHARE)
    return replace(wish, quantity=whole, lots=scaled(lots, whole))


def _lots(trade: Trade) -> tuple[ChosenLot, ...]:
    """Return the lots that a trade names, in its order."""
    return tuple(ChosenLot(UUID(lot.lot_id), lot.quantity, lot.piece) for lot in trade.lots)


def order_trades(
    *,
    recommendation: Recommendation,
    user: User,
    now: datetime,
    whole_shares: bool = False,
    executed: bool = False,
    broker: str = "",
) -> list[Order]:
    """Place an order for every trade that has none yet: by hand, or at a broker."""
    trades = _approved(recommendation)
    with transaction.atomic():
        lock_household(household_id=recommendation.account.household_id)
        known = set(_orders(recommendation).values_list("place", flat=True))
        wishes = [
            wish for wish in wishes_of(trades, whole_shares=whole_shares) if wish.place not in known
        ]
        if not wishes:
            raise Conflict(
                "Every trade of the recommendation has an order already. Fill or cancel those.",
                code="already_ordered",
            )
        return place(
            account=recommendation.account,
            wishes=wishes,
            user=user,
            now=now,
            recommendation_id=recommendation.public_id,
            trades=len(trades),
            executed=executed,
            broker=broker,
        )


def order_trade(
    *, recommendation: Recommendation, wish: Wish, user: User, now: datetime, broker: str = ""
) -> Order:
    """Place one order for the trade of a recommendation that has its symbol and side.

    It may ask for less than was recommended, but not for more than is left of it.
    """
    trades = _approved(recommendation)
    with transaction.atomic():
        lock_household(household_id=recommendation.account.household_id)
        number, trade = _trade(trades, wish)
        earlier = list(_orders(recommendation).filter(place=number).order_by("id"))
        left = trade.quantity - _ordered(earlier)
        if wish.quantity > left:
            raise InvalidInput(
                f"The recommendation has {plain(max(left, Decimal(0)))} of {trade.symbol} left to "
                f"{trade.side}. Lower the quantity, or place an order of the account.",
                code="quantity_exceeds_recommendation",
                fields={"quantity": ["is more than is recommended"]},
            )
        free = left_of(_lots(trade), lots_spoken_for(earlier))
        lots = wish.lots or scaled(free, wish.quantity)
        (made,) = place(
            account=recommendation.account,
            wishes=[replace(wish, place=number, lots=lots)],
            user=user,
            now=now,
            recommendation_id=recommendation.public_id,
            trades=len(trades),
            broker=broker,
        )
    return made


def _ordered(orders: Iterable[Order]) -> Decimal:
    """Return what is filled or still open of orders."""
    return sum((row.filled_quantity + row.standing.open for row in orders), Decimal(0))


def _trade(trades: Sequence[Trade], wish: Wish) -> tuple[int, Trade]:
    for number, trade in enumerate(trades):
        if (trade.symbol, trade.side) == (wish.symbol, wish.side):
            return number, trade
    raise InvalidInput(
        f"The recommendation has no trade to {wish.side} {wish.symbol}. Send one of its trades, "
        "or place an order of the account.",
        code="trade_not_recommended",
        fields={"symbol": ["is not a trade of the recommendation"]},
    )


def record_sheet(
    *,
    recommendation: Recommendation,
    fills: Sequence[SheetFill],
    user: User,
    now: datetime,
    whole_shares: bool = False,
) -> tuple[UUID, list[OrderFill]]:
    """Record what was filled of the trades of an approved recommendation, all or nothing.

    Trades without an order get one first. Return the batch, which can be taken back, and the fills.
    """
    with transaction.atomic():
        lock_household(household_id=recommendation.account.household_id)
        trades = _approved(recommendation)
        known = set(_orders(recommendation).values_list("place", flat=True))
        if len(known) < len(trades):
            order_trades(
                recommendation=recommendation,
                user=user,
                now=now,
                whole_shares=whole_shares,
                executed=True,
            )
        open_orders = _open_orders(recommendation, {row.place: row.quantity for row in fills})
        return record_fills(
            account=recommendation.account,
            fills=[
                Fill(
                    order_id=open_orders[fill.place].pk,
                    quantity=fill.quantity,
                    price=fill.price,
                    executed_at=fill.executed_at,
                    fee=fill.fee,
                )
                for fill in sorted(fills, key=lambda fill: fill.place)
            ],
            user=user,
            now=now,
        )


def _open_orders(
    recommendation: Recommendation, quantities: Mapping[int, Decimal]
) -> dict[int, Order]:
    """Return the open order of each place that a fill of this quantity goes to.

    Where a trade was ordered in parts, it is the oldest that has room for it, else the largest.
    """
    places = set(quantities)
    rows = _orders(recommendation).filter(place__in=places, state__in=OPEN_STORED)
    of_place: dict[int, list[Order]] = {}
    for row in rows.order_by("id"):
        assert row.place is not None, "it was selected by its place"
        of_place.setdefault(row.place, []).append(row)
    found = {place: _roomiest(rows, quantities[place]) for place, rows in of_place.items()}
    if missing := sorted(places - set(found)):
        raise Conflict(
            f"Trade {missing[0] + 1} of the recommendation is not open: it is filled or "
            "cancelled. Reload the sheet.",
            code="order_not_open",
        )
    return found


def _roomiest(orders: Sequence[Order], quantity: Decimal) -> Order:
    """Return the first of the orders that has room for the quantity, else the largest."""
    for order in orders:
        if order.standing.open >= quantity:
            return order
    return max(orders, key=lambda order: order.standing.open)


def _orders(recommendation: Recommendation) -> OrderQuerySet:
    return Order.objects.filter(recommendation_id=recommendation.public_id)


def _approved(recommendation: Recommendation) -> tuple[Trade, ...]:
    if recommendation.status != RecommendationStatus.APPROVED:
        raise Conflict(
            f"The recommendation is {recommendation.status}. Only an approved one can be ordered.",
            code="recommendation_not_approved",
        )
    return trades_of(recommendation)
