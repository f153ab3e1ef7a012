"""One tax return: whose accounts it covers, their gains netted, what is carried, the tax. Pure.

    who       joint: the owners of a household together; any other status: each owner by himself
    currency  the base currency of the owner (joint: of the member who has been there longest)
    accounts  taxable ones; what happens in an IRA, a Roth IRA or a 401(k) is on no Schedule D
    rates     the same person's marginal rates; an account's sale preview uses its own owner's

An account in another currency is converted line by line at the rate of the closing day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from core.money import plain, quantize
from portfolios.tax.gains import Totals, totals_row
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

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody whose accounts are on the return."""

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
    """Everything a return's figures come from; `limits` by year, in its currency."""

    year: int
    filing_status: FilingStatus
    currency: str
    owners: tuple[Owner, ...]
    accounts: tuple[AccountGains, ...]
    stated: Mapping[int, Carried]
    limits: Mapping[int, Decimal]
    provisional_loss: Decimal = ZERO
    provisional_until: date | None = None

    def gains(self, year: int) -> NetGains:
        short, long = self.part(year, long_term=False), self.part(year, long_term=True)
        return NetGains(short.recognized_gain, long.recognized_gain)

    def part(self, year: int, *, long_term: bool) -> Totals:
        """Part I or II of Schedule D: the sum of Form 8949 over the accounts."""
        return sum(
            (account.total(year, long_term=long_term) for account in self.accounts), Totals()
        )


def filers(
    *, filing_status: FilingStatus, owners: Sequence[Owner]
) -> tuple[tuple[Owner, ...], ...]:
    """The owners of each return of a household, the longest there first."""
    if filing_status is FilingStatus.JOINT:
        return (tuple(owners),) if owners else ()
    return tuple((owner,) for owner in owners)


def years_of(found: TaxReturn, *, change: NetGains | None = None) -> dict[int, ScheduleD]:
    """The Schedule D of every year up to the return's, with a change to its own year if given."""
    known = {year for account in found.accounts for year, _ in account.sums}
    gains = {year: found.gains(year) for year in known if year <= found.year}
    if change is not None:
        gains[found.year] = gains.get(found.year, NetGains()) + change
    stated = {year: carried for year, carried in found.stated.items() if year <= found.year}
    if stated:  # Nothing before the last statement matters any more.
        first = max(stated)
        gains = {year: sums for year, sums in gains.items() if year >= first}
        stated = {first: stated[first]}
    return successive_years(
        gains=gains, stated=stated, loss_limit=found.limits.__getitem__, until=found.year
    )


def return_row(found: TaxReturn) -> dict[str, object]:
    """A return in the words of the API."""
    result = years_of(found)[found.year]
    rates = found.owners[0].rates
    estimate = tax(result=result, rates=rates, currency=found.currency)

    def money(amount: Decimal) -> str:
        return f"{quantize(amount, found.currency):f}"

    return {
        "year": found.year,
        "currency": found.currency,
        "filing_status": found.filing_status.value,
        "owners": [{"id": owner.id, "full_name": owner.full_name} for owner in found.owners],
        "accounts": [account_row(account, found) for account in found.accounts],
        "short_term": totals_row(found.part(found.year, long_term=False), currency=found.currency),
        "long_term": totals_row(found.part(found.year, long_term=True), currency=found.currency),
        "carried_in": {
            **_carried(result.carried_in, found.currency),
            "stated": found.year in found.stated,
        },
        "net_short_term": money(result.net_short),
        "net_long_term": money(result.net_long),
        "net": money(result.net),
        "loss_limit": money(result.loss_limit),
        "deducted_loss": money(result.deducted),
        "carried_out": _carried(result.carried_out, found.currency),
        "lines": schedule_d_lines(result, currency=found.currency),
        "rates": rates_row(rates),
        "tax": tax_row(estimate, result=result, currency=found.currency),
        "provisional_loss": money(found.provisional_loss),
        "provisional_until": (
            found.provisional_until.isoformat() if found.provisional_until else None
        ),
    }


def account_row(account: AccountGains, found: TaxReturn) -> dict[str, object]:
    """An account's part of a return."""
    return {
        "account_id": account.account_id,
        "name": account.name,
        "currency": account.currency,
        "converted": account.currency != found.currency,
        "short_term": totals_row(
            account.total(found.year, long_term=False), currency=found.currency
        ),
        "long_term": totals_row(account.total(found.year, long_term=True), currency=found.currency),
    }


def schedule_d_lines(result: ScheduleD, *, currency: str) -> dict[str, str]:
    """The numbered lines of Schedule D; what the form writes in parentheses is negative."""
    lines = {
        "6": -result.carried_in.short_term,
        "7": result.net_short,
        "14": -result.carried_in.long_term,
        "15": result.net_long,
        "16": result.net,
        "21": -result.deducted,
    }
    return {number: f"{quantize(amount, currency) + 0:f}" for number, amount in lines.items()}


def rates_row(rates: TaxRates) -> dict[str, str]:
    """The rates the estimate used, as fractions."""
    return {
        "federal_ordinary": plain(rates.ordinary),
        "federal_long_term": plain(rates.long_term),
        "state": plain(rates.state),
        "net_investment_income": plain(rates.net_investment_income),
        "short_term": plain(rates.on_short),
        "long_term": plain(rates.on_long),
    }


def tax_row(estimate: Tax, *, result: ScheduleD, currency: str) -> dict[str, str]:
    """The tax and its parts; negative where losses save tax on other income."""
    parts = {
        "taxed_short_term": result.taxed_short,
        "taxed_long_term": result.taxed_long,
        "federal_short_term": estimate.federal_short,
        "federal_long_term": estimate.federal_long,
        "state": estimate.state,
        "net_investment_income": estimate.net_investment_income,
        "total": estimate.total,
    }
    return {name: f"{quantize(amount, currency):f}" for name, amount in parts.items()}


def _carried(carried: Carried, currency: str) -> dict[str, object]:
    return {
        "short_term": f"{quantize(carried.short_term, currency):f}",
        "long_term": f"{quantize(carried.long_term, currency):f}",
    }


def with_rates(found: TaxReturn, rates: TaxRates) -> TaxReturn:
    """The return at other rates: those of the owner whose account is looked at."""
    first, *others = found.owners
    return replace(found, owners=(replace(first, rates=rates), *others))
