"""Tax returns from the ledger, and the filing status and losses that people stated."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import F, QuerySet, Sum

from core.errors import Conflict
from core.money import quantize
from identity.models import Household, User
from identity.queries import household_seen
from marketdata.queries import exchange_rates_on
from portfolios.models import TaxCarryforward, TaxFiling
from portfolios.queries.gains import (
    disposals,
    line_rows,
    lines_of,
    provisional_losses,
    sums,
    year_range,
)
from portfolios.tax.filing import StatedCarryforward, TaxSettings
from portfolios.tax.gains import GainLine, Provisional, Totals, converted, total_of
from portfolios.tax.schedule_d import Carried, TaxRates
from portfolios.tax.tax_return import AccountGains, Owner, TaxReturn, filers
from portfolios.tax.tax_tables import FilingStatus, capital_loss_limit
from transactions.ledger.account_kinds import TAXED
from transactions.models import Account, WashSalePolicy

DOLLAR = "USD"


def household(*, user: User, public_id: UUID | None) -> Household:
    """Return the named household, or the user's own, with all a return needs to know of it."""
    return household_seen(user=user, public_id=public_id, among=_households())


def _households() -> "QuerySet[Household]":
    """Return households with their filing status and wash-sale policy."""
    return Household.objects.select_related("tax_filing", "wash_sale_policy")


def granted_household(*, household_id: int) -> Household:
    """Return a household with all a return needs; the caller checked who may see it."""
    return _households().get(pk=household_id)


def household_of(*, account: Account) -> Household:
    """Return the household of an account, with all a return needs to know of it."""
    return _households().get(pk=account.household_id)


def filing_status(household: Household) -> FilingStatus:
    """Return the filing status of a household."""
    found: TaxFiling | None = getattr(household, "tax_filing", None)
    return FilingStatus(found.filing_status) if found else FilingStatus.SINGLE


def wash_sale_policy(household: Household) -> WashSalePolicy:
    """Return the wash-sale policy of a household, the default one if it has set none."""
    found: WashSalePolicy | None = getattr(household, "wash_sale_policy", None)
    return found or WashSalePolicy(household=household)


def tax_settings(*, household: Household) -> TaxSettings:
    """Return the filing status and the stated carry-forwards of a household."""
    rows = (
        TaxCarryforward.objects.filter(owner__household_id=household.pk)
        .select_related("owner")
        .order_by("year", "owner_id")
    )
    return TaxSettings(
        household_id=household.public_id,
        filing_status=filing_status(household),
        carryforwards=tuple(
            StatedCarryforward(row.owner.public_id, row.year, row.short_term, row.long_term)
            for row in rows
        ),
    )


def tax_returns(
    *, household: Household, year: int, as_of: date, owner_id: int | None = None
) -> list[TaxReturn]:
    """Return a household's returns for a year, or one owner's; the queries stay few."""
    accounts = list(
        Account.objects.filter(household=household, type__in=TAXED)
        .select_related("owner")
        .order_by("id")
    )
    people = {account.owner_id: account.owner for account in accounts}
    if owner_id is not None and owner_id not in people:
        people[owner_id] = User.objects.get(pk=owner_id)
    users = {str(people[key].public_id): people[key] for key in sorted(people)}
    status = filing_status(household)
    groups = [
        [users[owner.id] for owner in group]
        for group in filers(filing_status=status, owners=[_owner(user) for user in users.values()])
    ]
    if owner_id is not None:
        groups = [group for group in groups if owner_id in {user.pk for user in group}]
    filed_by = {user.pk: group[0] for group in groups for user in group}
    policy = wash_sale_policy(household)
    gains = _gains(
        [account for account in accounts if account.owner_id in filed_by],
        currencies={pk: user.base_currency for pk, user in filed_by.items()},
        year=year,
        as_of=as_of,
        policy=policy,
    )
    stated = _stated(list(filed_by))
    limits = _limits(
        {user.base_currency for user in filed_by.values()},
        status,
        first=min(
            [year, *(row.first_year(year) for row in gains.values()), *(y for _, y in stated)]
        ),
        year=year,
        as_of=as_of,
    )
    return [_return(group, status, gains, stated, limits, year) for group in groups]


def owner_return(*, account: Account, year: int, as_of: date) -> TaxReturn:
    """Return the tax return of an account's owner."""
    (found,) = tax_returns(
        household=household_of(account=account),
        year=year,
        as_of=as_of,
        owner_id=account.owner_id,
    )
    return found


def account_gains(found: TaxReturn, *, account: Account) -> AccountGains:
    """Return an account's part of a return, empty if the account is not taxable."""
    for part in found.accounts:
        if part.account_id == str(account.public_id):
            return part
    return AccountGains(str(account.public_id), account.name, account.currency, {})


@dataclass(frozen=True, slots=True)
class _Gains:
    """An account's part of a return, and the losses of the year a purchase can still disallow."""

    owner_id: int
    part: AccountGains
    provisional: Provisional

    def first_year(self, year: int) -> int:
        return min([key for key, _ in self.part.sums] or [year])


def _return(
    group: Sequence[User],
    status: FilingStatus,
    gains: Mapping[int, _Gains],
    stated: Mapping[tuple[int, int], Carried],
    limits: Mapping[tuple[str, int], Decimal],
    year: int,
) -> TaxReturn:
    members = {user.pk for user in group}
    currency = group[0].base_currency
    mine = [row for row in gains.values() if row.owner_id in members]
    carried: dict[int, Carried] = {}
    for (owner_id, of_year), one in stated.items():
        if owner_id in members:
            carried[of_year] = carried.get(of_year, Carried()) + one
    return TaxReturn(
        year=year,
        filing_status=status,
        currency=currency,
        owners=tuple(_owner(user) for user in group),
        accounts=tuple(row.part for row in mine),
        stated=carried,
        limits={y: limit for (code, y), limit in limits.items() if code == currency},
        provisional=sum((row.provisional for row in mine), Provisional()),
    )


def _owner(user: User) -> Owner:
    return Owner(str(user.public_id), user.full_name, tax_rates(user))


def tax_rates(user: User) -> TaxRates:
    """Return a user's own marginal rates."""
    return TaxRates(
        Decimal(user.federal_ordinary_rate),
        Decimal(user.federal_long_term_rate),
        Decimal(user.state_rate),
        Decimal(user.net_investment_income_rate),
    )


def _gains(
    accounts: Sequence[Account],
    *,
    currencies: Mapping[int, str],
    year: int,
    as_of: date,
    policy: WashSalePolicy,
) -> dict[int, _Gains]:
    """Return every account's totals by year and term to `year`, in the currency of its return."""
    at_home = [row for row in accounts if row.currency == currencies[row.owner_id]]
    abroad = [row for row in accounts if row.currency != currencies[row.owner_id]]
    ids = [account.pk for account in at_home]
    until = year_range(year)[1]
    found = sums(
        disposals(account_ids=ids).filter(closed_date__lt=until), "account_id", "year", "long_term"
    )
    provisional = provisional_losses(
        disposals(account_ids=ids, year=year), as_of=as_of, policy=policy, key="account_id"
    )
    by_account: dict[int, dict[tuple[int, bool], Totals]] = defaultdict(dict)
    for (account_id, of_year, long_term), total in found.items():
        by_account[account_id][of_year, long_term] = total
    lines = _lines_abroad(abroad, currencies, until, policy)
    for account in abroad:
        for line in lines[account.pk]:
            key = (line.closed_date.year, line.long_term)
            known = by_account[account.pk].get(key, Totals())
            by_account[account.pk][key] = known + total_of(line)
        provisional[account.pk] = _still_open(lines[account.pk], year=year, as_of=as_of)
    return {
        account.pk: _Gains(
            account.owner_id,
            AccountGains(
                str(account.public_id), account.name, account.currency, by_account[account.pk]
            ),
            provisional.get(account.pk, Provisional()),
        )
        for account in accounts
    }


def recognized_losses(*, household: Household, year: int) -> dict[tuple[str, bool], Decimal]:
    """Return the recognized losses of a year, >= 0, by account (public id) and term.

    They are in the currency of the account owner's return. An account without one is absent.
    """
    accounts = list(
        Account.objects.filter(household=household, type__in=TAXED)
        .select_related("owner")
        .order_by("id")
    )
    joint = filing_status(household) is FilingStatus.JOINT
    first = min((account.owner for account in accounts), key=lambda row: row.pk, default=None)
    currencies = {
        account.owner_id: (first if joint and first else account.owner).base_currency
        for account in accounts
    }
    at_home = [row for row in accounts if row.currency == currencies[row.owner_id]]
    abroad = [row for row in accounts if row.currency != currencies[row.owner_id]]
    loss = F("cost_basis") - F("proceeds") - F("deferred_loss") - F("permanent_loss")
    rows = (
        disposals(account_ids=[account.pk for account in at_home], year=year)
        .annotate(loss=loss)
        .filter(loss__gt=0)
        .values("account__public_id", "long_term")
        .annotate(total=Sum("loss"))
        .order_by("account__public_id", "long_term")
    )
    found = {(str(row["account__public_id"]), row["long_term"]): row["total"] for row in rows}
    until = year_range(year)[1]
    lines = _lines_abroad(abroad, currencies, until, wash_sale_policy(household))
    for account in abroad:
        for line in lines[account.pk]:
            if line.closed_date.year == year and line.recognized_gain < 0:
                key = (str(account.public_id), line.long_term)
                found[key] = found.get(key, Decimal(0)) - line.recognized_gain
    return found


def _still_open(lines: Sequence[GainLine], *, year: int, as_of: date) -> Provisional:
    return sum(
        (
            Provisional(-line.recognized_gain, until)
            for line in lines
            if line.closed_date.year == year and (until := line.provisional_until(as_of=as_of))
        ),
        Provisional(),
    )


def _lines_abroad(
    accounts: Sequence[Account],
    currencies: Mapping[int, str],
    until: date,
    policy: WashSalePolicy,
) -> dict[int, list[GainLine]]:
    if not accounts:
        return {}
    by_id = {account.pk: account for account in accounts}
    rows = list(line_rows(disposals(account_ids=list(by_id)).filter(closed_date__lt=until)))
    lines = lines_of(rows, accounts=by_id, policy=policy)
    wanted = [currencies[by_id[row["account_id"]].owner_id] for row in rows]
    other = in_currency(lines, currencies=wanted)
    found: dict[int, list[GainLine]] = {pk: [] for pk in by_id}
    for row, line in zip(rows, other, strict=True):
        found[row["account_id"]].append(line)
    return found


def in_currency(lines: Sequence[GainLine], *, currencies: Sequence[str]) -> list[GainLine]:
    """Convert each line to the currency at its place, at the rate of its closing day; one query."""
    rates = exchange_rates_on(
        wanted=[
            (line.currency, currency, line.closed_date)
            for line, currency in zip(lines, currencies, strict=True)
            if line.currency != currency
        ]
    )
    found = []
    for line, currency in zip(lines, currencies, strict=True):
        if line.currency == currency:
            found.append(line)
            continue
        rate = rates.get((line.currency, currency, line.closed_date))
        if rate is None:
            raise Conflict(
                f"No exchange rate from {line.currency} to {currency} is known for "
                f"{line.closed_date}.",
                code="exchange_rate_unknown",
            )
        found.append(converted(line, rate=rate.rate, currency=currency))
    return found


def lines_as_filed(
    *, accounts: Mapping[int, Account], household: Household, year: int, currency: str
) -> list[GainLine]:
    """Return the lines of accounts of a household in a year, in the currency of a return."""
    rows = line_rows(disposals(account_ids=list(accounts), year=year))
    lines = lines_of(rows, accounts=accounts, policy=wash_sale_policy(household))
    return in_currency(lines, currencies=[currency] * len(lines))


def account_lines_as_filed(*, account: Account, year: int) -> tuple[list[GainLine], str]:
    """Return an account's lines of a year as on its owner's return, and their currency."""
    household = household_of(account=account)
    currency = return_currency(account=account, household=household)
    lines = lines_as_filed(
        accounts={account.pk: account}, household=household, year=year, currency=currency
    )
    return lines, currency


def return_currency(*, account: Account, household: Household) -> str:
    """Return the currency of the tax return of an account's owner."""
    if filing_status(household) is FilingStatus.JOINT:
        first = (
            User.objects.filter(
                accounts__household_id=account.household_id,
                accounts__type__in=TAXED,
            )
            .order_by("id")
            .first()
        )
        if first is not None:
            return first.base_currency
    return account.owner.base_currency


def _stated(owner_ids: Sequence[int]) -> dict[tuple[int, int], Carried]:
    return {
        (row.owner_id, row.year): Carried(row.short_term, row.long_term)
        for row in TaxCarryforward.objects.filter(owner_id__in=owner_ids)
    }


def _limits(
    currencies: set[str], status: FilingStatus, *, first: int, year: int, as_of: date
) -> dict[tuple[str, int], Decimal]:
    """Return each year's limit in each currency, at the rate of its last day (or today's)."""
    years = range(min(first, year), year + 1)
    days = {y: min(date(y, 12, 31), as_of) for y in years}
    rates = exchange_rates_on(
        wanted=[(DOLLAR, code, day) for code in currencies - {DOLLAR} for day in days.values()]
    )
    found: dict[tuple[str, int], Decimal] = {}
    for code in currencies:
        for y in reversed(years):
            limit = capital_loss_limit(year=y, filing_status=status)
            rate = rates.get((DOLLAR, code, days[y]))
            if code == DOLLAR:
                found[code, y] = limit
            elif rate is not None:
                found[code, y] = quantize(limit * rate.rate, code)
            elif (code, y + 1) in found:  # before the first rate: the first one known
                found[code, y] = found[code, y + 1]
            else:
                raise Conflict(
                    f"No exchange rate from {DOLLAR} to {code} is known.",
                    code="exchange_rate_unknown",
                )
    return found
