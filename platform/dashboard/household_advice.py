"""The losses a household could harvest and the dates that bind it, kept until something changes.

They take some thirty queries and most of the CPU time of the home, and rest on all lots of the
household. The key holds marks of everything they rest on but prices, by one query:

    accounts (with their ledger versions), their owners' tax rates, restrictions, wash-sale policy,
    carry-forwards, identical assets, recommendations of the last months, and the day

so whatever a person changes is seen at once. Prices are at most a minute old.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from core.errors import BallastError
from identity.models import Household, User
from recommendations.harvesting.calendar import LONG_TERM, PURCHASE_BLOCKED, Entry
from recommendations.harvesting.options import HarvestOptions
from recommendations.queries.harvest_calendar import binding_dates
from recommendations.queries.opportunities import household_opportunities
from stores.database import snapshot
from stores.redis import redis_client
from stores.rows import rows_of
from stores.single_flight import cached

PRICES_MS_MAX = 60_000
# The next event that is named where nothing has to be done.
LOOK_AHEAD_DAYS = 366
_SYMBOLS_SHOWN = 3

# The text of a whole row changes with each of its columns, and with a new column after a migration.
_MARKS = """
WITH account AS MATERIALIZED (
     SELECT * FROM transactions_account WHERE household_id = %(household)s)
SELECT md5(concat_ws('|',
  (SELECT string_agg(account::text, ',' ORDER BY id) FROM account),
  (SELECT string_agg(concat_ws(':', id, household_id, {tax_columns}), ',' ORDER BY id)
     FROM identity_user WHERE id IN (SELECT owner_id FROM account)),
  (SELECT string_agg(kept::text, ',' ORDER BY id) FROM portfolios_restriction kept
    WHERE account_id IN (SELECT id FROM account)),
  (SELECT string_agg(kept::text, ',') FROM transactions_washsalepolicy kept
    WHERE household_id = %(household)s),
  (SELECT string_agg(kept::text, ',' ORDER BY id) FROM portfolios_taxcarryforward kept
    WHERE owner_id IN (SELECT owner_id FROM account)),
  (SELECT string_agg(concat_ws(':', id, substantially_identical_to_id), ',' ORDER BY id)
     FROM marketdata_asset
    WHERE substantially_identical_to_id IS NOT NULL
      AND (household_id IS NULL OR household_id = %(household)s)),
  (SELECT string_agg(concat_ws(':', id, status, decided_at), ',' ORDER BY id)
     FROM recommendations_recommendation
    WHERE account_id IN (SELECT id FROM account) AND created_at >= %(since)s)))
"""
_RECENT = timedelta(days=100)


class Harvest(msgspec.Struct, frozen=True, array_like=True):
    """The offers of one account: `account_id` is its public id."""

    account_id: str
    name: str
    currency: str
    symbols: str
    net_benefit: Decimal


class BindingDate(msgspec.Struct, frozen=True, array_like=True):
    """A lot that turns long-term, or a purchase that is blocked; see `calendar.Entry`."""

    symbol: str
    account_id: str
    kind: str
    from_date: date
    until: date


class Advice(msgspec.Struct, frozen=True, array_like=True):
    """What the to-do list shows of both. `missing`: why there is no answer on losses."""

    harvests: list[Harvest]
    dates: list[BindingDate]
    missing: str = ""


def household_advice(*, household: Household, now: datetime) -> Advice:
    """Return the harvests and dates of a household, computed at most once a minute."""
    payload = cached(
        redis_client(),
        key=f"advice:{household.pk}:{now.date()}:{marks(household=household, now=now)}",
        ttl_ms=PRICES_MS_MAX,
        compute=_computing(household, now),
    )
    return msgspec.json.decode(payload, type=Advice)


def marks(*, household: Household, now: datetime) -> str:
    """Return a digest that changes with everything the advice rests on but prices and the day."""
    [(found,)] = rows_of(
        _MARKS.format(tax_columns=_tax_columns()),
        {"household": household.pk, "since": now - _RECENT},
    )
    return str(found)


def _tax_columns() -> str:
    # Without the columns that change at a log-in.
    left_out = {"password", "last_login"}
    columns = [field.column for field in User._meta.concrete_fields]
    return ", ".join(f'"{name}"' for name in columns if name not in left_out)


def _computing(household: Household, now: datetime) -> Callable[[], bytes]:
    def compute() -> bytes:
        return msgspec.json.encode(advice(household=household, now=now))

    return compute


def advice(*, household: Household, now: datetime) -> Advice:
    """Compute the harvests and dates of a household."""
    today = now.date()
    with snapshot():
        entries = binding_dates(
            household=household, first=today, last=today + timedelta(days=LOOK_AHEAD_DAYS), now=now
        )
    harvests, missing = [], ""
    try:
        harvests = _harvests(household, now)
    except BallastError as refusal:  # too many lots, a currency without a rate
        missing = refusal.detail
    return Advice(harvests, [_date(entry) for entry in entries], missing)


def _date(entry: Entry) -> BindingDate:
    assert entry.kind in (LONG_TERM, PURCHASE_BLOCKED), "other dates bind nobody"
    return BindingDate(entry.symbol, entry.account_id, entry.kind, entry.from_date, entry.until)


def _harvests(household: Household, now: datetime) -> list[Harvest]:
    found = []
    for account, result in household_opportunities(
        household=household, options=HarvestOptions(), now=now
    ):
        if not result.offers:
            continue
        symbols = ", ".join(offer.symbol for offer in result.offers[:_SYMBOLS_SHOWN])
        more = len(result.offers) - _SYMBOLS_SHOWN
        found.append(
            Harvest(
                str(account.public_id),
                account.name,
                account.currency,
                f"{symbols}{f' and {more} more' if more > 0 else ''}",
                sum((offer.net_benefit for offer in result.offers), Decimal()),
            )
        )
    return found
