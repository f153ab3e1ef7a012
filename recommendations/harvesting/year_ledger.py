"""The losses of a year: harvested, used against gains, against income, carried forward. Pure.

    harvested            recognized losses of the year's sales, by term
    carried in           losses of earlier years
    used against gains   gains of the year that losses have offset, of either term
    used against income  line 21 of Schedule D, at most the limit of IRC 1211(b)
    carried out          the rest: harvested + carried in = used + carried out, to the cent
    tax saved            tax of the year without its own losses - tax with them

Worked example: short-term losses 6,000, long-term gains 1,000, nothing carried in, limit 3,000:
used against gains 1,000, against income 3,000, carried out 2,000.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from portfolios.tax.sale_preview import tax_effect
from portfolios.tax.schedule_d import Carried, NetGains
from portfolios.tax.tax_return import TaxReturn, years_of

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class YearLedger:
    """The year of one return, in its currency; every amount is >= 0.

    disallowed_loss: losses that wash sales took from the year. provisional_loss: harvested losses
    that a purchase by `provisional_until` can still disallow.
    """

    year: int
    currency: str
    owners: tuple[str, ...]
    harvested: Carried
    gains: NetGains
    carried_in: Carried
    used_against_gains: Decimal
    used_against_income: Decimal
    income_limit: Decimal
    carried_out: Carried
    tax_saved: Decimal
    disallowed_loss: Decimal
    provisional_loss: Decimal
    provisional_until: date | None

    @property
    def available(self) -> Decimal:
        """Return all losses there are to use: of the year and of earlier ones."""
        return _sum(self.harvested) + _sum(self.carried_in)


def year_ledger(found: TaxReturn, *, losses: Mapping[tuple[str, bool], Decimal]) -> YearLedger:
    """Return the year's losses of a return; `losses` by account (public id) and term, >= 0."""
    schedule = years_of(found)[found.year]
    parts = {
        term: sum((losses.get((row.account_id, term), ZERO) for row in found.accounts), ZERO)
        for term in (False, True)
    }
    harvested = Carried(parts[False], parts[True])
    gains = NetGains(
        schedule.gains.short_term + harvested.short_term,
        schedule.gains.long_term + harvested.long_term,
    )
    available = _sum(harvested) + _sum(schedule.carried_in)
    used = min(gains.short_term + gains.long_term, available)
    assert available == used + schedule.deducted + _sum(schedule.carried_out), (
        "every loss is used or carried"
    )
    return YearLedger(
        year=found.year,
        currency=found.currency,
        owners=tuple(owner.full_name for owner in found.owners),
        harvested=harvested,
        gains=gains,
        carried_in=schedule.carried_in,
        used_against_gains=used,
        used_against_income=schedule.deducted,
        income_limit=schedule.loss_limit,
        carried_out=schedule.carried_out,
        tax_saved=tax_effect(
            found=found, change=NetGains(harvested.short_term, harvested.long_term)
        ).total,
        disallowed_loss=sum(
            (found.part(found.year, long_term=term).disallowed_loss for term in (False, True)),
            ZERO,
        ),
        provisional_loss=found.provisional.loss,
        provisional_until=found.provisional.until,
    )


def _sum(carried: Carried) -> Decimal:
    return carried.short_term + carried.long_term
