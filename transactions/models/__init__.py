"""Accounts, append-only transactions, and the lots and holdings derived from them."""

from transactions.models.accounts import (
    Account,
    AccountQuerySet,
    AccountType,
    LotMethod,
    money_field,
    quantity_field,
)
from transactions.models.actions import ActionRun, AppliedAction
from transactions.models.imports import (
    Import,
    ImportChunk,
    ImportMapping,
    ImportRow,
    ImportState,
    ImportStatus,
    RowStatus,
)
from transactions.models.lots import (
    Disposal,
    Holding,
    HoldingPeriodMethod,
    Lot,
    WashSale,
    WashSalePolicy,
)
from transactions.models.orders import (
    Order,
    OrderFill,
    OrderQuerySet,
    OrderSide,
    OrderType,
    SimulatedBrokerOrder,
)
from transactions.models.rebookings import Rebooking
from transactions.models.reconciliations import Reconciliation, ReconciliationKind
from transactions.models.transactions import (
    Transaction,
    TransactionQuerySet,
)
from transactions.models.verification import VerificationRun, VerificationStatus

__all__ = [
    "Account",
    "AccountQuerySet",
    "AccountType",
    "ActionRun",
    "AppliedAction",
    "Disposal",
    "Holding",
    "HoldingPeriodMethod",
    "Import",
    "ImportChunk",
    "ImportMapping",
    "ImportRow",
    "ImportState",
    "ImportStatus",
    "Lot",
    "LotMethod",
    "Order",
    "OrderFill",
    "OrderQuerySet",
    "OrderSide",
    "OrderType",
    "Rebooking",
    "Reconciliation",
    "ReconciliationKind",
    "RowStatus",
    "SimulatedBrokerOrder",
    "Transaction",
    "TransactionQuerySet",
    "VerificationRun",
    "VerificationStatus",
    "WashSale",
    "WashSalePolicy",
    "money_field",
    "quantity_field",
]
