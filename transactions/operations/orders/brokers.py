"""The brokers of this installation, and the accounts that may use each.

simulated   every account of a demonstration, and nothing else
alpaca      the one account that the operator names in ALPACA_TRADING_ACCOUNT
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from core.errors import InvalidInput
from marketdata.models import Asset
from transactions.models import Account, Order, SimulatedBrokerOrder
from transactions.orders.brokers.alpaca import Alpaca
from transactions.orders.brokers.port import Broker
from transactions.orders.brokers.simulated import Simulated, SimulatedOrder

SIMULATED = "simulated"
ALPACA = "alpaca"
ALPACA_CURRENCY = "USD"
BROKER_CHOICES = [(SIMULATED, "Simulated broker (demo)"), (ALPACA, "Alpaca paper")]


def brokers_of(account: Account) -> list[tuple[str, str]]:
    """Return name and label of the brokers that take orders of this account."""
    return [(name, label) for name, label in BROKER_CHOICES if _is_connected(account, name)]


def label_of(name: str) -> str:
    """Return how a broker is called; empty for an order placed by hand."""
    return dict(BROKER_CHOICES).get(name, "")


def ensure_connected(account: Account, name: str) -> None:
    """Refuse a broker that does not take orders of this account."""
    if not _is_connected(account, name):
        raise InvalidInput(
            "This broker is not connected to the account. Place the order by hand, or ask the "
            "operator to connect it.",
            code="broker_not_connected",
            fields={"broker": ["is not connected to the account"]},
        )


def ensure_taken(name: str, assets: Iterable[Asset]) -> None:
    """Refuse assets that the broker does not know by the symbol they have here.

    Alpaca trades United States securities in dollars. An asset of the household's own may have the
    symbol of another security there.
    """
    if name != ALPACA:
        return
    for asset in assets:
        if asset.household_id is not None or asset.currency != ALPACA_CURRENCY:
            what = (
                "is an asset of your own"
                if asset.household_id is not None
                else f"trades in {asset.currency}"
            )
            raise InvalidInput(
                f"{label_of(name)} takes public securities in {ALPACA_CURRENCY} only, and "
                f"{asset.symbol} {what}. Place this order by hand.",
                code="asset_not_at_broker",
                fields={"symbol": ["is not traded at this broker"]},
            )


def _is_connected(account: Account, name: str) -> bool:
    if name == SIMULATED:
        return bool(settings.DEMO)
    if name == ALPACA:
        named = settings.ALPACA_TRADING_ACCOUNT
        return bool(named) and UUID(named) == account.public_id
    return False


def broker_of(order: Order) -> Broker:
    """Return the broker of an order, ready to be called."""
    if order.broker == ALPACA:
        return Alpaca(
            key=settings.ALPACA_TRADING_KEY,
            secret=settings.ALPACA_TRADING_SECRET,
            base_url=settings.ALPACA_TRADING_URL,
        )
    assert order.broker == SIMULATED, "an order is at a broker that there is"
    return Simulated(_Book(), price=order.expected_price or Decimal(1))


class _Book:
    """The book of the simulated broker, in a table."""

    def add(self, order: SimulatedOrder) -> SimulatedOrder:
        row, _ = SimulatedBrokerOrder.objects.get_or_create(
            client_id=order.client_id, defaults=_fields(order)
        )
        return _order(row)

    def get(self, client_id: str) -> SimulatedOrder | None:
        row = SimulatedBrokerOrder.objects.filter(client_id=client_id).first()
        return None if row is None else _order(row)

    def put(self, order: SimulatedOrder) -> None:
        SimulatedBrokerOrder.objects.filter(client_id=order.client_id).update(**_fields(order))


def _fields(order: SimulatedOrder) -> dict[str, Any]:
    return {
        "quantity": order.quantity,
        "price": order.price,
        "filled": order.filled,
        "state": str(order.state),
        "looks": order.looks,
    }


def _order(row: SimulatedBrokerOrder) -> SimulatedOrder:
    return SimulatedOrder(row.client_id, row.quantity, row.price, row.filled, row.state, row.looks)
