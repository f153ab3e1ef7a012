"""Announce what a night found and what a day brings, in sets of accounts.

    drift       the last night proposes trades for an account for which the one before had none
    long_term   a lot of a taxable account is long-term from today on
    clean_day   a security sold at a loss may be bought again from today on

Each set is one transaction with the progress (`DayAnnounced`), and each event has a key of its
account and day, so a repetition announces nothing twice.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from core.money import plain
from identity.models import Household
from jobs.operations import Message, announce_all
from notifications.models import DayAnnounced
from recommendations.harvesting.calendar import PURCHASE_BLOCKED
from recommendations.models import NightlyRun, NightState, Outcome
from recommendations.queries.harvest_calendar import harvest_calendar
from stores.locks import locked
from stores.rows import rows_of
from transactions.ledger.account_kinds import TAXED_SQL
from transactions.ledger.holding_period import first_long_term_date

ACCOUNTS_AT_ONCE = 5_000
_NIGHT_KEPT = timedelta(days=3)
_DAY = timedelta(days=1)
# A lot that turns long-term today was acquired one of these numbers of days ago.
_YEAR_DAYS = range(365, 369)
# The day after the thirty of the window.
_CLEAN_AFTER = timedelta(days=31)

_DRIFTS = """
SELECT account.id, account.public_id, account.name, account.household_id, found.drift_before
  FROM recommendations_nightlyresult found
  JOIN transactions_account account ON account.id = found.account_id
  LEFT JOIN recommendations_nightlyresult before
    ON before.run_id = %(before)s AND before.account_id = found.account_id
 WHERE found.run_id = %(run)s AND found.account_id > %(after)s AND found.account_id <= %(last)s
   AND found.outcome = %(trades)s AND found.drift_before IS NOT NULL
   AND before.outcome IS DISTINCT FROM %(trades)s AND account.archived_at IS NULL
 ORDER BY account.id
"""
_LONG_TERM = """
SELECT account.id, account.public_id, account.name, account.household_id, asset.symbol,
       sum(lot.quantity), lot.holding_period_date
  FROM transactions_account account
  JOIN transactions_lot lot ON lot.account_id = account.id AND lot.quantity > 0
   AND lot.holding_period_date = ANY(%(acquired)s::date[])
  JOIN marketdata_asset asset ON asset.id = lot.asset_id
 WHERE account.id > %(after)s AND account.id <= %(last)s AND account.type IN (@taxed@)
   AND account.archived_at IS NULL
 GROUP BY account.id, asset.symbol, lot.holding_period_date
 ORDER BY account.id, asset.symbol
""".replace("@taxed@", TAXED_SQL)
_LOST = """
SELECT DISTINCT account.household_id
  FROM transactions_account account
  JOIN transactions_disposal sold ON sold.account_id = account.id
   AND sold.closed_date = %(sold)s AND sold.proceeds < sold.cost_basis
 WHERE account.id > %(after)s AND account.id <= %(last)s AND account.archived_at IS NULL
 ORDER BY account.household_id
"""
_LAST_OF_SET = """
SELECT max(id) FROM (
    SELECT id FROM transactions_account WHERE id > %(after)s ORDER BY id LIMIT %(at_once)s) portion
"""


def announce_drifts(*, now: datetime) -> int:
    """Announce the accounts that the newest night found outside their bands. Return how many."""
    nights = list(
        NightlyRun.objects.filter(
            state=NightState.COMPLETED, finished_at__gte=now - _NIGHT_KEPT
        ).order_by("-night")[:1]
    )
    if not nights:
        return 0
    run = nights[0]
    earlier: QuerySet[NightlyRun] = NightlyRun.objects.filter(
        state=NightState.COMPLETED, night__lt=run.night
    )
    before = earlier.order_by("-night").values_list("pk", flat=True).first()

    def portion(after: int, last: int) -> int:
        rows = rows_of(
            _DRIFTS,
            {
                "run": run.pk,
                "before": before if before is not None else -1,
                "after": after,
                "last": last,
                "trades": Outcome.TRADES.value,
            },
        )
        messages = [
            Message(
                household_id,
                f"drift:{account_id}:{run.night}",
                {
                    "account_id": str(public_id),
                    "account_name": name,
                    "drift": plain(round(_percent(drift), 1)),
                    "night": run.night.isoformat(),
                },
            )
            for account_id, public_id, name, household_id, drift in rows
        ]
        announce_all(topic="drift", messages=messages, now=now)
        return len(messages)

    return in_sets(name="drift", day=run.night, portion=portion)


def announce_dates(*, now: datetime) -> int:
    """Announce lots that turn long-term today, and securities that are clean from today on."""
    today = now.date()
    acquired = [
        day
        for days in _YEAR_DAYS
        if first_long_term_date(opened_date=(day := today - timedelta(days=days))) == today
    ]

    def turning(after: int, last: int) -> int:
        rows = rows_of(_LONG_TERM, {"acquired": acquired, "after": after, "last": last})
        messages = [_long_term(row, today) for row in rows]
        announce_all(topic="long_term", messages=messages, now=now)
        return len(messages)

    def clean(after: int, last: int) -> int:
        rows = rows_of(_LOST, {"sold": today - _CLEAN_AFTER, "after": after, "last": last})
        households = Household.objects.filter(pk__in=[pk for (pk,) in rows]).order_by("pk")
        messages = [
            message for household in households for message in _clean_days(household, today, now)
        ]
        announce_all(topic="clean_day", messages=messages, now=now)
        return len(messages)

    return in_sets(name="long_term", day=today, portion=turning) + in_sets(
        name="clean_day", day=today, portion=clean
    )


def in_sets(*, name: str, day: date, portion: Callable[[int, int], int]) -> int:
    """Announce set after set of accounts from where the day's progress stands."""
    DayAnnounced.objects.get_or_create(name=name, day=day)
    count = 0
    while True:
        with transaction.atomic():
            progress = locked(DayAnnounced.objects.filter(name=name, day=day)).get()
            if progress.finished:
                return count
            values = {"after": progress.up_to_id, "at_once": ACCOUNTS_AT_ONCE}
            ((last,),) = rows_of(_LAST_OF_SET, values)
            if last is None:
                progress.finished = True
            else:
                count += portion(progress.up_to_id, last)
                progress.up_to_id = last
            progress.save(update_fields=["up_to_id", "finished"])


def _long_term(row: Sequence[Any], today: date) -> Message:
    account_id, public_id, name, household_id, symbol, quantity, acquired = row
    return Message(
        household_id,
        f"long_term:{account_id}:{symbol}:{acquired}",
        {
            "account_id": str(public_id),
            "account_name": name,
            "symbol": symbol,
            "quantity": plain(quantity),
            "since": today.isoformat(),
        },
    )


def _clean_days(household: Household, today: date, now: datetime) -> list[Message]:
    """Return the securities of a household whose window was open yesterday and is not today."""
    yesterday = today - _DAY
    entries = harvest_calendar(household=household, first=yesterday, last=yesterday, now=now - _DAY)
    return [
        Message(
            household.pk,
            f"clean_day:{household.pk}:{entry.symbol}:{today}",
            {
                "symbol": entry.symbol,
                "sold_date": entry.from_date.isoformat(),
                "first_safe_date": today.isoformat(),
            },
        )
        for entry in entries
        if entry.kind == PURCHASE_BLOCKED and entry.first_safe_date == today
    ]


def _percent(fraction: float) -> Decimal:
    return Decimal(repr(fraction)) * 100
