"""manage.py load_demo: real samples, and people who invested in them. Safe to repeat."""

import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone

from demo.management.strategies import load_strategies
from demo.people import ACCOUNTS, ADMIN, ADVISER, DEMO, PEOPLE
from identity.models import AdviserLink, Household, Role, User
from marketdata.operations import load_samples
from portfolios.operations.samples import open_planned
from recommendations.models import ReplacementSearch
from recommendations.operations import find_replacements


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
        if count := load_strategies(now=now):
            self.stdout.write(f"strategies: {count}, with their records and backtests")
        self.stdout.write(f"demo ready in {time.perf_counter() - started:.1f} s")


def _load_people(*, now: datetime) -> bool:
    """Load people and their accounts in one transaction. Return False if they exist already."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('load_demo'))")
        if User.objects.filter(email=DEMO).exists():
            return False
        people = _people(now)
        AdviserLink.objects.create(adviser=people[ADVISER], household=people[DEMO].household)
        for plan in ACCOUNTS:
            open_planned(plan=plan, owner=people[plan.owner], now=now)
    return True


def _people(now: datetime) -> dict[str, User]:
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
            rates_stated_at=now,
        )
    return people
