"""Rebook ledgers, many households at once, after decisions on substantially identical assets.

A change of the wash-sale policy of a household with many transactions lists that household too.

    decided --list--> one `Rebooking` per household that traded the assets --rebook--> none left
                                       | fails: set aside with its error, retried later

A decision on a public asset concerns every household that ever traded it; one on a household's own
asset concerns that household alone. Households are rebooked many at once, in a fixed number of
queries. Each set is one short transaction, so the next run resumes where a killed one stopped. Any
number of workers can share the sets. A household that fails, is locked, or is large delays no
other household.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection, transaction
from django.db.models import Count, F

from core.errors import BallastError
from marketdata.models import IdentityDecision
from transactions.ledger.book import Event
from transactions.ledger.kinds import BOOKED_TYPES
from transactions.models import Account, Rebooking, Transaction
from transactions.models.rebookings import ERROR_LENGTH_MAX
from transactions.operations.accounts import publish_versions
from transactions.operations.books.booking import idle_for_long, outcome
from transactions.operations.books.derived import (
    Derived,
    Stored,
    by_household,
    stored_rows,
)
from transactions.operations.books.writing import write_difference, write_holdings
from transactions.queries.books.events import standing, stored_events
from transactions.queries.households import (
    HouseholdBooks,
    Linked,
    crypto_assets,
    households_of,
    linked_assets,
)

logger = logging.getLogger(__name__)

# The most households, and the most events in all, that one transaction rebooks.
HOUSEHOLDS_AT_ONCE = 250
EVENTS_AT_ONCE = 5_000
# A run ends after this time; the next one continues.
RUN_S_MAX = 50
_RETRY_S = 60
_RETRY_S_MAX = 86_400

_LIST = """
INSERT INTO transactions_rebooking (household_id, decision_id, attempts, next_at, error)
SELECT DISTINCT account.household_id, %(decision)s, 0, %(now)s::timestamptz, ''
  FROM transactions_account account
 WHERE account.id IN (SELECT account_id FROM transactions_transaction
                       WHERE asset_id = ANY(%(assets)s) AND type = ANY(%(types)s))
   AND (%(household)s::bigint IS NULL OR account.household_id = %(household)s)
    ON CONFLICT (decision_id, household_id) DO NOTHING
"""


def follow_identity_decisions(*, now: datetime, clock: Callable[[], datetime] | None = None) -> int:
    """Rebook households affected by decisions; return how many were rebooked.

    With a `clock` the run ends after RUN_S_MAX seconds.
    """
    end = now + timedelta(seconds=RUN_S_MAX)
    _list(now)
    households = 0
    while clock is None or clock() < end:
        done = _rebook_some(now)
        if done is None:
            break
        households += done
    _finish(now)
    return households


def _list(now: datetime) -> None:
    """List the households of every new decision, with one statement for each decision."""
    new = IdentityDecision.objects.filter(listed_at__isnull=True, applied_at__isnull=True)
    for pk in list(new.order_by("id").values_list("pk", flat=True)):
        with transaction.atomic():
            rows = IdentityDecision.objects.select_for_update(
                no_key=True, skip_locked=True, of=("self",)
            )
            decision = rows.order_by("id").filter(pk=pk, listed_at__isnull=True).first()
            if decision is None:
                continue
            own = decision.asset.household_id
            with connection.cursor() as cursor:
                cursor.execute(
                    _LIST,
                    {
                        "decision": pk,
                        "now": now,
                        "assets": sorted(_assets_of(decision)),
                        "types": sorted(BOOKED_TYPES),
                        "household": own,
                    },
                )
            decision.listed_at = now
            decision.save(update_fields=["listed_at"])


def _assets_of(decision: IdentityDecision) -> set[int]:
    several = (decision.asset_id, decision.identical_to_id, decision.previously_id)
    return {pk for pk in several if pk is not None}


def _finish(now: datetime) -> None:
    """Mark the decisions that have no household left."""
    IdentityDecision.objects.filter(
        listed_at__isnull=False, applied_at__isnull=True, rebookings__isnull=True
    ).update(applied_at=now)


@dataclass(frozen=True, slots=True)
class _Set:
    """Claimed rows, and the assets their decisions concern, by household."""

    rows: Sequence[Rebooking]
    assets: dict[int, set[int]]


def _rebook_some(now: datetime) -> int | None:
    """Rebook the next set; return its number of households, or None if nothing is due."""
    try:
        with transaction.atomic():
            claimed = _claimed(now, HOUSEHOLDS_AT_ONCE)
            return None if claimed is None else _rebooked(claimed, now)
    except DatabaseError:
        # One of them cannot be written: separate transactions find out which.
        logger.exception("a batch of households could not be rebooked")
    return _one_by_one(now)


def _one_by_one(now: datetime) -> int:
    """Rebook the households of the set that failed, each in a transaction of its own."""
    rows = Rebooking.objects.filter(next_at__lte=now).order_by("next_at", "id")
    done = 0
    for household_id in dict.fromkeys(
        rows.values_list("household_id", flat=True)[:HOUSEHOLDS_AT_ONCE]
    ):
        try:
            with transaction.atomic():
                claimed = _claimed(now, 1, household_id)
                done += 0 if claimed is None else _rebooked(claimed, now)
        except DatabaseError as fault:
            waiting = Rebooking.objects.filter(household_id=household_id, next_at__lte=now)
            _set_aside(list(waiting), f"{type(fault).__name__}: {fault}", now)
    return done


def _claimed(now: datetime, count: int, household_id: int | None = None) -> _Set | None:
    """Lock rows that are due and that no other worker holds; a large household is claimed alone."""
    due = Rebooking.objects.filter(next_at__lte=now)
    if household_id is not None:
        due = due.filter(household_id=household_id)
    locked = due.select_for_update(skip_locked=True, of=("self",)).order_by("next_at", "id")
    rows = list(locked.select_related("decision")[:count])
    if not rows:
        return None
    sizes = dict(
        standing(account_ids=None)
        .filter(account__household_id__in={row.household_id for row in rows})
        .order_by()
        .values_list("account__household_id")
        .annotate(count=Count("pk"))
    )
    chosen: set[int] = set()
    events = 0
    for pk in sorted({row.household_id for row in rows}, key=lambda pk: (sizes.get(pk, 0), pk)):
        events += sizes.get(pk, 0)
        if chosen and events > EVENTS_AT_ONCE:
            break
        chosen.add(pk)
    if events > EVENTS_AT_ONCE:
        idle_for_long()
    assets: dict[int, set[int]] = defaultdict(set)
    whole = {row.household_id for row in rows if row.decision is None} & chosen
    for household_id, asset_id in _traded(whole):
        assets[household_id].add(asset_id)
    for row in rows:
        if row.decision is not None:
            assets[row.household_id] |= _assets_of(row.decision)
    return _Set([row for row in rows if row.household_id in chosen], assets)


def _traded(household_ids: Collection[int]) -> list[tuple[int, int]]:
    """Return every asset that these households ever traded."""
    if not household_ids:
        return []
    rows = Transaction.objects.filter(
        account__household_id__in=household_ids, asset__isnull=False, type__in=BOOKED_TYPES
    )
    pairs = rows.order_by().values_list("account__household_id", "asset_id").distinct()
    return [(household_id, asset_id) for household_id, asset_id in pairs if asset_id is not None]


def _rebooked(claimed: _Set, now: datetime) -> int:
    """Rebook a claimed set; set aside the households that fail or are locked."""
    accounts = _locked_accounts({row.household_id for row in claimed.rows})
    busy = [row for row in claimed.rows if row.household_id not in accounts]
    _postpone(busy, now)
    households = households_of(accounts=accounts)
    failed: dict[int, str] = {}
    if households:
        linked = linked_assets(households=list(households.values()))
        wanted = {pk: linked[pk].with_all(claimed.assets[pk]) for pk in households}
        failed = _write(households, linked, wanted)
    done = [row for row in claimed.rows if row.household_id in households]
    for row in done:
        if row.household_id in failed:
            _set_aside([row], failed[row.household_id], now)
    right = [row for row in done if row.household_id not in failed]
    Rebooking.objects.filter(pk__in=[row.pk for row in right]).delete()
    return len({row.household_id for row in right})


def _locked_accounts(household_ids: Collection[int]) -> dict[int, dict[int, Account]]:
    """Lock the accounts of the households that are free, without waiting for the others."""
    rows = Account.objects.filter(household_id__in=household_ids)
    counts = dict(rows.order_by().values_list("household_id").annotate(count=Count("pk")))
    accounts: dict[int, dict[int, Account]] = {pk: {} for pk in household_ids}
    for row in rows.select_for_update(no_key=True, skip_locked=True).order_by("id"):
        accounts[row.household_id][row.pk] = row
    return {pk: found for pk, found in accounts.items() if len(found) == counts.get(pk, 0)}


def _write(
    households: dict[int, HouseholdBooks],
    linked: dict[int, Linked],
    wanted: dict[int, frozenset[int]],
) -> dict[int, str]:
    """Rebook the wanted assets of every household; return the errors of those that failed."""
    of_account = {pk: home.id for home in households.values() for pk in home.accounts}
    every = {pk: row for home in households.values() for pk, row in home.accounts.items()}
    assets = frozenset().union(*wanted.values())
    events: dict[int, list[Event]] = defaultdict(list)
    for event in stored_events(accounts=every, asset_ids=assets):
        home = of_account[event.account]
        if event.asset in wanted[home]:
            events[home].append(event)
    stored = by_household(stored_rows(account_ids=list(every), asset_ids=assets), of_account)
    crypto = crypto_assets(asset_ids=assets)
    before, after, failed = Stored(), Derived(), {}
    for pk, household in households.items():
        try:
            derived = outcome(
                household=household, linked=linked[pk], events=events[pk], crypto=crypto
            )
        except BallastError as fault:
            failed[pk] = f"{fault.code} at transaction {fault.item}: {fault.detail}"
        except (AssertionError, ArithmeticError, LookupError, ValueError) as fault:
            logger.exception("household %s cannot be rebooked", pk)
            failed[pk] = f"{type(fault).__name__}: {fault}"
        else:
            before.add(stored[pk].only(wanted[pk]))
            after.add(derived)
    changed = write_difference(stored=before, derived=after)
    write_holdings(before=before, after=after, absolute=True)
    _raise_versions(changed, every)
    return failed


def _raise_versions(changed: Collection[int], accounts: dict[int, Account]) -> None:
    Account.objects.filter(pk__in=changed).update(ledger_version=F("ledger_version") + 1)
    publish_versions([(accounts[pk], accounts[pk].ledger_version + 1) for pk in sorted(changed)])


def _postpone(rows: Sequence[Rebooking], now: datetime) -> None:
    """Postpone locked households by a minute; this is not a failed attempt."""
    again = now + timedelta(seconds=_RETRY_S)
    Rebooking.objects.filter(pk__in=[row.pk for row in rows]).update(next_at=again)


def _set_aside(rows: Sequence[Rebooking], error: str, now: datetime) -> None:
    """Keep the error with each row, and retry after a delay that doubles up to a day."""
    for row in rows:
        row.attempts += 1
        row.error = error[:ERROR_LENGTH_MAX]
        wait_s = min(_RETRY_S * 2 ** min(row.attempts, 16), _RETRY_S_MAX)
        row.next_at = now + timedelta(seconds=wait_s)
        row.save(update_fields=["attempts", "error", "next_at"])
        logger.warning(
            "household %s could not be rebooked (attempt %s): %s",
            row.household_id,
            row.attempts,
            row.error,
        )
