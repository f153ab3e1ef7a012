"""Keep exchange rates: ask for the newest fixings, fill gaps, and warm the cache.

when      the central bank fixes rates once on a working day, about 16:00 in Frankfurt. From
          then on they are asked for every time this runs, until they are there; otherwise once
          an hour, for corrections
how far   back to the newest stored fixing, so a gap of days or of years is filled at once
check     a currency nobody knows, a rate that is not positive or that moved by more than half
          since the one before it is refused and counted; the stored one stays
fall back to the next vendor of rates that is named in PROVIDERS
warm      the newest fixings of all currencies are put into Redis again before they expire
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import redis
from django.db import transaction
from prometheus_client import Gauge

from core.currencies import CURRENCIES
from marketdata.fx import EURO, Fixing, is_stale
from marketdata.operations.asking import ask, providers_of
from marketdata.operations.refusals import note_refusals
from marketdata.providers.port import Capability, ProviderFault, VendorRate
from marketdata.queries.exchange_rates import forget_fixings, newest_fixings, warm_fixings
from stores.redis import redis_client
from stores.rows import rows_of

logger = logging.getLogger(__name__)
NEWEST_FIXING = Gauge(
    "ballast_newest_fixing_seconds",
    "The day of the newest exchange rate, in Unix time.",
    multiprocess_mode="mostrecent",
)

# A new installation loads so many years.
FIRST_YEARS = 12
_FIXED_AT = time(16, 5)
_FRANKFURT = ZoneInfo("Europe/Berlin")
_CORRECTIONS_EVERY_S = 3600
_ASKED_KEY = "rates:asked"
_MOVED_MAX = Decimal("0.5")

_LAST_BEFORE = """
SELECT DISTINCT ON (currency) currency, rate FROM marketdata_exchangerate
 WHERE date < %(since)s AND date >= %(from)s
 ORDER BY currency, date DESC
"""
_WRITE = """
INSERT INTO marketdata_exchangerate (currency, date, rate, source)
SELECT currency, day, rate, %(source)s
  FROM unnest(%(currencies)s::text[], %(days)s::date[], %(rates)s::numeric[])
       AS given(currency, day, rate)
ON CONFLICT (currency, date) DO UPDATE SET rate = EXCLUDED.rate, source = EXCLUDED.source
 WHERE marketdata_exchangerate.rate <> EXCLUDED.rate
RETURNING currency
"""


@dataclass(frozen=True, slots=True)
class RefreshedRates:
    """Rates written, the vendor they came from, and the newest day there is."""

    written: int
    source: str | None
    newest: date | None


def refresh_rates(*, now: datetime, force: bool = False) -> RefreshedRates:
    """Ask for new fixings if there can be some, and warm the cache."""
    today = now.date()
    fixings = newest_fixings(as_of=today)
    newest = _newest(fixings)
    written, source = 0, None
    if providers_of(Capability.RATES) and (force or _is_due(newest, now)):
        since = newest or date(now.year - FIRST_YEARS, 1, 1)
        written, source = load_rates(since=since, now=now)
        if written:
            fixings = newest_fixings(as_of=today)
            newest = _newest(fixings)
    if newest is not None:
        NEWEST_FIXING.set(datetime.combine(newest, time(), tzinfo=UTC).timestamp())
    warm_fixings(fixings=fixings, as_of=today)
    return RefreshedRates(written, source, newest)


def _newest(fixings: Mapping[str, Fixing]) -> date | None:
    return max((fixing.date for fixing in fixings.values()), default=None)


def load_rates(*, since: date, now: datetime) -> tuple[int, str | None]:
    """Ask the vendors in turn for all rates from `since` on; return how many were written."""
    for provider in providers_of(Capability.RATES):
        try:
            found = ask(provider, "rates", lambda vendor: vendor.rates(since=since), now=now)
        except ProviderFault:
            continue  # counted and logged where it was asked
        kept = _checked(found, provider=provider.name, since=since, now=now)
        if kept:
            return _written(kept, source=provider.name), provider.name
    return 0, None


def _is_due(newest: date | None, now: datetime) -> bool:
    here = now.astimezone(_FRANKFURT)
    fixed_today = here.weekday() < 5 and here.time() >= _FIXED_AT
    expected = here.date() if fixed_today else here.date() - timedelta(days=1)
    if newest is None or is_stale(fixed_on=newest, as_of=here.date()):
        return True
    if fixed_today and newest < expected:
        return True
    try:
        return bool(redis_client().set(_ASKED_KEY, "1", nx=True, ex=_CORRECTIONS_EVERY_S))
    except redis.RedisError:
        return False


def _checked(
    found: Sequence[VendorRate], *, provider: str, since: date, now: datetime
) -> list[VendorRate]:
    before: dict[str, Decimal] = dict(
        rows_of(_LAST_BEFORE, {"since": since, "from": since - timedelta(days=31)})
    )
    kept: list[VendorRate] = []
    refused: list[tuple[str, str]] = []
    for one in sorted(found, key=lambda rate: (rate.currency, rate.day)):
        code = _fault(one, before.get(one.currency), since, now)
        if code is None:
            kept.append(one)
            before[one.currency] = one.rate
        else:
            refused.append((f"{one.currency} {one.day}", code))
    note_refusals("rates", refused, provider=provider, of=provider, now=now)
    return kept


def _fault(one: VendorRate, before: Decimal | None, since: date, now: datetime) -> str | None:
    if one.currency not in CURRENCIES or one.currency == EURO:
        return "currency_unknown"
    if one.rate <= 0:
        return "rate_not_positive"
    if one.day > now.date():
        return "day_in_future"
    if one.day < since:
        return "day_not_asked"
    if before is not None and abs(one.rate - before) / before > _MOVED_MAX:
        return "rate_jumped"
    return None


def _written(kept: Sequence[VendorRate], *, source: str) -> int:
    with transaction.atomic():
        rows = rows_of(
            _WRITE,
            {
                "source": source,
                "currencies": [one.currency for one in kept],
                "days": [one.day for one in kept],
                "rates": [one.rate for one in kept],
            },
        )
        if rows:
            transaction.on_commit(forget_fixings)
    return len(rows)
