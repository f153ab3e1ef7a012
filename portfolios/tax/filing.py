"""How a household files its taxes: the status, and the losses its members carried in. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from portfolios.tax.tax_tables import FilingStatus


@dataclass(frozen=True, slots=True)
class StatedCarryforward:
    """Losses a member carried into a year; both >= 0, in the member's base currency."""

    owner_id: UUID
    year: int
    short_term: Decimal
    long_term: Decimal


@dataclass(frozen=True, slots=True)
class TaxSettings:
    """The filing status of a household and every stated carry-forward, by year and owner."""

    household_id: UUID
    filing_status: FilingStatus
    carryforwards: tuple[StatedCarryforward, ...]
