"""The lineage of a lot: its acquisition, every change, the losses it took over, its sales. Pure.

    steps - open basis - closed basis = 0     for the steps of one account

A step is one transaction's effect on the lot in one account. Amounts are in the currency of the
account they belong to; those of an acquisition are in its own currency, its cost in the account's.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from portfolios.tax.gains import GainLine

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Acquisition:
    """The transaction that opened the lot; `fx_date` is None if no currency was converted."""

    transaction_id: UUID
    account_id: UUID
    type: str
    symbol: str | None
    executed_at: datetime
    opened_date: date
    quantity: Decimal | None
    price: Decimal | None
    amount: Decimal
    fee: Decimal
    currency: str
    fx_rate: Decimal
    fx_date: date | None
    cost: Decimal
    cost_currency: str


@dataclass(frozen=True, slots=True)
class Piece:
    """An open part of the lot."""

    account_id: UUID
    currency: str
    symbol: str
    quantity: Decimal
    cost_basis: Decimal
    wash_sale_adjustment: Decimal
    opened_date: date
    holding_period_date: date
    long_term: bool
    replaces_loss: bool

    @property
    def tacked_days(self) -> int:
        """The days other shares were held that count for this piece."""
        return (self.opened_date - self.holding_period_date).days


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the lot in one account; `type` is the transaction's, or wash_sale."""

    transaction_id: UUID
    executed_at: datetime
    account_id: UUID
    currency: str
    symbol: str
    type: str
    quantity: Decimal
    basis: Decimal
    closed_quantity: Decimal
    closed_basis: Decimal
    quantity_after: Decimal
    basis_after: Decimal
    ratio: tuple[Decimal, Decimal] | None = None  # new units for old units

    @property
    def units(self) -> Decimal:
        """The units added (or taken away), sales included."""
        return self.quantity - self.closed_quantity


@dataclass(frozen=True, slots=True)
class Replacement:
    """A wash sale: the loss of one lot that another lot took over."""

    sale_id: UUID
    sold_date: date
    loss_account_id: UUID
    loss_currency: str
    loss_symbol: str
    loss_lot_id: UUID
    loss_quantity: Decimal
    disallowed_loss: Decimal
    replacement_lot_id: UUID
    replacement_account_id: UUID
    replacement_currency: str
    replacement_date: date
    quantity: Decimal
    basis_added: Decimal
    days_held: int
    permanent: bool


@dataclass(frozen=True, slots=True)
class Absorbed:
    """A loss the lot took over: `depth` 1 directly, 2 from a lot that had taken it over, ..."""

    wash_sale: Replacement
    depth: int


@dataclass(frozen=True, slots=True)
class LotDisposal:
    """A gain line out of the lot, and the wash sales that replaced its shares."""

    line: GainLine
    wash_sales: tuple[Replacement, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The basis the steps of one account sum to, against the basis the ledger stores."""

    steps: Decimal
    open_basis: Decimal
    closed_basis: Decimal

    @property
    def difference(self) -> Decimal:
        return self.steps - self.open_basis - self.closed_basis


@dataclass(frozen=True, slots=True)
class Lineage:
    """Everything known of a lot; `currency` is that of the account it is read in."""

    lot_id: UUID
    account_id: UUID
    currency: str
    acquisition: Acquisition
    pieces: tuple[Piece, ...]
    steps: tuple[Step, ...]
    absorbed: tuple[Absorbed, ...]
    disposals: tuple[LotDisposal, ...]
    arithmetic: Arithmetic
