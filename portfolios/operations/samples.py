"""Accounts that follow a plan at real closes: those of the demo, and samples to look around in.

A sample and a household's own accounts never stand beside each other: a sample is loaded only into
a household without accounts, and `open_account` refuses while it is there. So no sample can wash a
real loss, or count in a tax return or a total.

The ledger only grows. Removing a sample therefore moves its accounts out of the household, into one
without members, where nobody sees them and no night screens them.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from core.errors import Conflict, NotFound
from identity.models import Household, User
from identity.operations.households import locked_household
from marketdata.models import Asset
from marketdata.queries import assets_by_symbol, closing_prices, exchange_rates_on, last_closes
from marketdata.queries.dividends import announced_dividends
from portfolios.holdings.targets import CASH_SYMBOL, TargetWeight
from portfolios.models import Restriction, Target
from portfolios.operations.targets import set_targets
from portfolios.samples.plans import (
    SAMPLES,
    AccountPlan,
    Dividend,
    Rates,
    dividends,
    entries,
    symbols,
)
from stores.locks import locked as row_locks
from transactions.models import Account, Import
from transactions.operations import open_account, record
from transactions.operations.accounts import next_version, publish_version
from transactions.operations.books.households import lock_household

_YEARS_MAX = 6
_CASH_THRESHOLD = Decimal(1)
# A sample with fewer securities shows nothing of what it is for.
_PRICED_MIN = 3
_NOBODY = "Removed samples"


def sample_is_available(*, as_of: date) -> bool:
    """Return whether this installation has the prices that a sample needs."""
    return all(_lasts(_public(plan), as_of) for plan in SAMPLES)


def load_sample(*, user: User, now: datetime) -> list[Account]:
    """Open the sample accounts in the user's household, which has no account yet."""
    with transaction.atomic():
        household = locked_household(household_id=user.household_id)
        if Account.objects.filter(household=household).exists():
            raise Conflict(
                "The household has accounts already. Sample data is for a household without any.",
                code="sample_beside_accounts",
            )
        if not sample_is_available(as_of=now.date()):
            raise _without_prices()
        opened = [open_planned(plan=plan, owner=user, now=now) for plan in SAMPLES]
        Account.objects.filter(pk__in=[account.pk for account in opened]).update(is_sample=True)
    return opened


def remove_sample(*, user: User, now: datetime) -> int:
    """Remove the sample accounts from the user's household; return how many there were."""
    with transaction.atomic():
        # Imports are locked before accounts everywhere (`stores.locks`).
        files = list(
            row_locks(
                Import.objects.filter(
                    account__household_id=user.household_id,
                    account__is_sample=True,
                    committed_at=None,
                ),
                of=("self",),
            )
        )
        household = locked_household(household_id=user.household_id)
        locked = lock_household(household_id=household.pk)
        rows = [account for account in locked.accounts.values() if account.is_sample]
        if not rows:
            raise NotFound("There is no sample data in your household.", code="sample_not_found")
        ids = [account.pk for account in rows]
        # Nothing may make proposals for them in the night.
        Target.objects.filter(account_id__in=ids).delete()
        Restriction.objects.filter(account_id__in=ids).delete()
        Import.objects.filter(pk__in=[file.pk for file in files]).delete()
        nobody = Household.objects.create(name=_NOBODY)
        for account in rows:
            account.household, account.archived_at = nobody, now
            account.save(update_fields=["household", "archived_at"])
            publish_version(account=account, version=next_version(account))
    return len(rows)


def open_planned(*, plan: AccountPlan, owner: User, now: datetime) -> Account:
    """Open an account for its owner and record everything that its plan says, with its targets."""
    account = open_account(
        user=owner,
        name=plan.name,
        type=plan.type,
        currency=plan.currency,
        lot_method="fifo",
        now=now,
    )
    assets = assets_by_symbol(household_id=owner.household_id, symbols=symbols(plan))
    ids = {asset.pk: symbol for symbol, asset in assets.items()}
    lasts = last_closes(asset_ids=ids, as_of=now.date())
    if not lasts:
        raise _without_prices()
    last = max(day for day, _ in lasts.values())
    since = last - timedelta(days=_YEARS_MAX * 366)
    closes = {
        ids[asset_id]: sessions
        for asset_id, sessions in closing_prices(
            asset_ids=ids, from_date=since, to_date=last
        ).items()
    }
    currencies = {symbol: asset.currency for symbol, asset in assets.items()}
    traded = entries(
        plan=plan,
        closes=closes,
        currencies=currencies,
        rates=_rates(plan.currency, set(currencies.values()), since, last),
        last=last,
    )
    paid = [
        Dividend(
            ids[one.asset_id],
            one.ex_date,
            one.payment_date or one.ex_date,
            one.amount,
            one.currency,
        )
        for one in announced_dividends(asset_ids=ids, from_date=since, to_date=last)
    ]
    received = dividends(traded=traded, paid=paid, last=last)
    record(account=account, entries=[*traded, *received], user=owner, now=now)
    set_targets(account=account, weights=_weights(plan, set(assets)))
    return account


def _without_prices() -> Conflict:
    return Conflict(
        "This installation has no prices for the sample yet. Add an account of your own.",
        code="sample_unavailable",
    )


def _public(plan: AccountPlan) -> list[int]:
    rows = Asset.objects.filter(household=None, is_active=True, symbol__in=symbols(plan))
    return list(rows.values_list("pk", flat=True))


def _lasts(asset_ids: list[int], as_of: date) -> Mapping[int, tuple[date, Decimal]]:
    """Return the newest closes, or nothing if too few of the securities have one."""
    found = last_closes(asset_ids=asset_ids, as_of=as_of)
    return found if len(found) >= _PRICED_MIN else {}


def _rates(quote: str, currencies: set[str], since: date, last: date) -> Rates:
    """Return rates into the account's currency for every day of the range, in one query."""
    days = [since + timedelta(days=count) for count in range((last - since).days + 1)]
    found = exchange_rates_on(
        wanted=[(currency, quote, day) for currency in sorted(currencies) for day in days]
    )
    return lambda base, quote, day: found[base, quote, day].rate


def _weights(plan: AccountPlan, known: set[str]) -> list[TargetWeight]:
    """Return the plan's targets; the weight of a missing sample goes to cash."""
    weights = [
        TargetWeight(wish.symbol, Decimal(wish.target), Decimal(wish.threshold))
        for wish in plan.wishes
        if wish.symbol in known
    ]
    cash = 100 - sum(weight.target_percentage for weight in weights)
    return [*weights, TargetWeight(CASH_SYMBOL, Decimal(cash), _CASH_THRESHOLD)]
