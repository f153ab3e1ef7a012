"""One tax return: its accounts, their gains netted, the losses carried, the tax. Pure.

    owners    joint: all owners of a household; any other status: each owner separately
    currency  the owner's base currency (joint: that of the longest-standing member)
    accounts  taxable ones; sales in an IRA, a Roth IRA or a 401(k) are on no Schedule D
    rates     the same person's marginal rates; an account's sale preview uses its own owner's

An account in another currency is converted line by line at the rate of the closing day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from portfolios.tax.gains import Provisional, Totals
from portfolios.tax.schedule_d import (
    Carried,
    NetGains,
    ScheduleD,
    Tax,
    TaxRates,
    successive_years,
    tax,
)
from portfolios.tax.tax_tables import FilingStatus


@dataclass(frozen=True, slots=True)
class Owner:
    """A person whose accounts are on the return."""

    id: str
    full_name: str
    rates: TaxRates


@dataclass(frozen=True, slots=True)
class AccountGains:
    """An account's totals by year and term, in the currency of the return."""

    account_id: str
    name: str
    currency: str
    sums: Mapping[tuple[int, bool], Totals]

    def total(self, year: int, *, long_term: bool) -> Totals:
        return self.sums.get((year, long_term), Totals())


@dataclass(frozen=True, slots=True)
class TaxReturn:
    """The inputs of a return; `limits` by year, in its currency."""

    year: int
    filing_status: FilingStatus
    currency: str
    owners: tuple[Owner, ...]
    accounts: tuple[AccountGains, ...]
    stated: Mapping[int, Carried]
    limits: Mapping[int, Decimal]
    provisional: Provisional = Provisional()

    def gains(self, year: int) -> NetGains:
        short, long = self.part(year, long_term=False), self.part(year, long_term=True)
        return NetGains(short.recognized_gain, long.recognized_gain)

    def part(self, year: int, *, long_term: bool) -> Totals:
        """Return part I or II of Schedule D: the sum of Form 8949 over the accounts."""
        return sum(
            (account.total(year, long_term=long_term) for account in self.accounts), Totals()
        )


@dataclass(frozen=True, slots=True)
class ReturnFigures:
    """A return as it is read: the totals of its year, its Schedule D and its tax."""

    tax_return: TaxReturn
    short_term: Totals
    long_term: Totals
    schedule: ScheduleD
    rates: TaxRates
    tax: Tax

    @property
    def carry_in_stated(self) -> bool:
        """Whether the investor stated the losses carried in."""
        return self.tax_return.year in self.tax_return.stated


def filers(
    *, filing_status: FilingStatus, owners: Sequence[Owner]
) -> tuple[tuple[Owner, ...], ...]:
    """Return the owners of each return of a household, the longest-standing first."""
    if filing_status is FilingStatus.JOINT:
        return (tuple(owners),) if owners else ()
    return tuple((owner,) for owner in owners)


def years_of(found: TaxReturn, *, change: NetGains | None = None) -> dict[int, ScheduleD]:
    """Return the Schedule D of every year up to the return's; `change` adds to its own year."""
    known = {year for account in found.accounts for year, _ in account.sums}
    gains = {year: found.gains(year) for year in known if year <= found.year}
    if change is not None:
        gains[found.year] = gains.get(found.year, NetGains()) + change
    stated = {year: carried for year, carried in found.stated.items() if year <= found.year}
    if stated:  # The years before the last statement no longer matter.
        first = max(stated)
        gains = {year: sums for year, sums in gains.items() if year >= first}
        stated = {first: stated[first]}
    return successive_years(
        gains=gains, stated=stated, loss_limit=found.limits.__getitem__, until=found.year
    )


def return_figures(found: TaxReturn) -> ReturnFigures:
    """Return the figures of a return: its Schedule D, and the tax at its first owner's rates."""
    result = years_of(found)[found.year]
    rates = found.owners[0].rates
    return ReturnFigures(
        tax_return=found,
        short_term=found.part(found.year, long_term=False),
        long_term=found.part(found.year, long_term=True),
        schedule=result,
        rates=rates,
        tax=tax(result=result, rates=rates, currency=found.currency),
    )


def with_rates(found: TaxReturn, rates: TaxRates) -> TaxReturn:
    """Return the return at other rates: those of the owner of one account."""
    first, *others = found.owners
    return replace(found, owners=(replace(first, rates=rates), *others))
