"""manage.py load_demo: real samples, and people who invested in them. Safe to repeat."""

import time
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from demo.people import (
    ACCOUNTS,
    ADMIN,
    ADVISER,
    DEMO,
    PEOPLE,
    AccountPlan,
    Dividend,
    Rates,
    dividends,
    entries,
    symbols,
)
from identity.models import AdviserLink, Household, Role, User
from marketdata.operations import load_samples
from marketdata.queries import assets_by_symbol, closing_prices, exchange_rates_on, last_closes
from marketdata.queries.dividends import announced_dividends
from portfolios.holdings.targets import CASH_SYMBOL
from portfolios.operations import TargetWeight, set_targets
from recommendations.models import ReplacementSearch
from recommendations.operations import find_replacements
from transactions.models import Account
from transactions.operations import open_account, record

_YEARS_MAX = 6
_CASH_THRESHOLD = Decimal(1)


class Command(BaseCommand):
    help = "Loads demo data: prices, users, accounts, transactions and targets. Requires DEMO=1."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "load_demo creates log-ins with public passwords. Set DEMO=1 to allow it."
            )
        now, started = timezone.now(), time.perf_counter()
        for loaded in load_samples(now=now):
            if loaded.outcome != "known":
                self.stdout.write(f"{loaded.source}: {loaded.outcome}, {loaded.rows} rows")
        if not ReplacementSearch.objects.exists():
            self.stdout.write(f"replacements found for {find_replacements(now=now)} securities")
        if _load_people(now=now):
            self.stdout.write(f"users and accounts: {', '.join(p.email for p in PEOPLE)}")
        self.stdout.write(f"demo ready in {time.perf_counter() - started:.1f} s")


def _load_people(*, now: datetime) -> bool:
    """Load people and their accounts in one transaction. Return False if they exist already."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('load_demo'))")
        if User.objects.filter(email=DEMO).exists():
            return False
        people = _people()
        AdviserLink.objects.create(adviser=people[ADVISER], household=people[DEMO].household)
        for plan in ACCOUNTS:
            _load_account(plan, people[plan.owner], now=now)
    return True


def _people() -> dict[str, User]:
    households: dict[str, Household] = {}
    people = {}
    for person in PEOPLE:
        if person.household not in households:
            households[person.household] = Household.objects.create(name=person.household)
        make = User.objects.create_superuser if person.email == ADMIN else User.objects.create_user
        people[person.email] = make(
            email=person.email,
            password=person.password,
            full_name=person.full_name,
            household=households[person.household],
            role=Role(person.role),
            is_demo=True,
        )
    return people


def _load_account(plan: AccountPlan, owner: User, *, now: datetime) -> Account:
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
