"""Reads: the gain lines of one tax return, over all of its accounts, with their boxes."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from core.errors import InvalidInput, NotFound
from identity.models import Household, User
from marketdata.models import Asset
from portfolios.queries.taxes import filing_status, lines_as_filed
from portfolios.tax.boxes import box
from portfolios.tax.gains import GainLine
from portfolios.tax.tax_tables import FilingStatus
from transactions.ledger.account_kinds import TAXED
from transactions.models import Account


@dataclass(frozen=True, slots=True)
class ReturnLines:
    """The taxable lines of a return by account and day, and the box of each by its id."""

    currency: str
    lines: list[GainLine]
    boxes: Mapping[str, str]


def whole_return(*, household: Household, year: int, owner_id: UUID | None) -> ReturnLines:
    """Return the lines of a year; `owner_id` names one of several returns by any of its owners.

    Codes: `owner_required` if the household files several returns, `owner_unknown`.
    """
    accounts = list(
        Account.objects.filter(household=household, type__in=TAXED)
        .select_related("owner")
        .order_by("id")
    )
    owners = sorted({account.owner for account in accounts}, key=lambda user: user.pk)
    filer = _filer(household, owners, owner_id)
    if filer is None:
        return ReturnLines("", [], {})
    joint = filing_status(household) is FilingStatus.JOINT
    mine = {row.pk: row for row in accounts if joint or row.owner_id == filer.pk}
    currency = filer.base_currency
    lines = lines_as_filed(accounts=mine, household=household, year=year, currency=currency)
    return ReturnLines(currency, lines, _boxes(household, lines))


def _filer(household: Household, owners: list[User], owner_id: UUID | None) -> User | None:
    """Return whose return it is; the first owner stands for a joint one."""
    if owner_id is not None and owner_id not in {user.public_id for user in owners}:
        raise NotFound("No such owner of a taxable account.", code="owner_unknown")
    if not owners:
        return None
    if filing_status(household) is FilingStatus.JOINT:
        return owners[0]
    if owner_id is not None:
        return next(user for user in owners if user.public_id == owner_id)
    if len(owners) > 1:
        raise InvalidInput(
            "The household files several returns. Name the owner of one as owner_id.",
            code="owner_required",
            fields={"owner_id": ["is required: each owner files a return"]},
        )
    return owners[0]


def _boxes(household: Household, lines: list[GainLine]) -> dict[str, str]:
    symbols = {line.symbol for line in lines}
    rows = Asset.objects.filter(symbol__in=symbols).values_list(
        "symbol", "household_id", "asset_class"
    )
    public = {symbol: kind for symbol, owner, kind in rows if owner is None}
    own = {symbol: kind for symbol, owner, kind in rows if owner == household.pk}
    return {
        line.id: box(
            opened=line.opened_date,
            asset_class=own.get(line.symbol, public.get(line.symbol, "")),
            long_term=line.long_term,
        )
        for line in lines
    }
