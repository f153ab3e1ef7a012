"""What a refusal must leave as it is."""

from transactions.models import Account, Lot, Order, OrderFill, Transaction


def state_of_all() -> tuple[object, ...]:
    """Everything that a refusal must leave as it is."""
    return (
        list(Transaction.objects.order_by("id").values_list("id", flat=True)),
        list(Order.objects.order_by("id").values_list("state", "filled_quantity", "quantity")),
        OrderFill.objects.count(),
        list(Lot.objects.order_by("id").values_list("quantity", "cost_basis")),
        list(Account.objects.order_by("id").values_list("cash", "ledger_version")),
    )
