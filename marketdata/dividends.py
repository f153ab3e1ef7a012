"""A dividend as a vendor announced it. Pure."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Announced:
    """Cash of one share held before the session of `ex_date`, in units of that day."""

    asset_id: int
    ex_date: date
    amount: Decimal
    currency: str
    # None where the vendor does not say it.
    payment_date: date | None
