"""Load an asset's sessions from its vendors, with the splits and dividends they announce.

due       a listing is due when it is new, and then after each session of its exchange has
          settled. Only the first listing of an asset loads; the next one does when it fails
overlap   the last OVERLAP_DAYS are asked for again, for corrections
check     a day out of order or twice, a close that is not positive, a high below a low, a
          session that repeats the one before it figure by figure: such days are refused and
          counted, and the others are kept
write     archived years where they are (`amending`), then all other days in one statement; equal
          days are not touched
minutes   those of the last session come with it (`minute_histories`)
announce  a split becomes a proposal that an operator or each holder confirms; a dividend is
          kept as announced
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import DataError, IntegrityError, transaction

from core.currencies import units_of
from core.errors import BallastError
from marketdata.calendars import UnknownExchange, hours, last_session_closed
from marketdata.day_bars import checked_days, checked_dividends, in_currency
from marketdata.models import ActionSource, AnnouncedDividend, Asset, Listing, PricePartition
from marketdata.operations.amending import amend_days, archived
from marketdata.operations.archiving import ARCHIVE_FAULTS, restore_prices
from marketdata.operations.asking import ask, providers, providers_of
from marketdata.operations.corporate_actions import propose
from marketdata.operations.minute_histories import load_minutes
from marketdata.operations.price_claims import MoveLost
from marketdata.operations.refusals import note_refusals
from marketdata.partitions import DAILY
from marketdata.providers.port import (
    Capability,
    DayBar,
    Dividend,
    Fault,
    ProviderFault,
    Split,
)
from marketdata.tiers import HOT
from stores.rows import rows_of

logger = logging.getLogger(__name__)

FIRST_YEARS = 10
OVERLAP_DAYS = 7
# Sessions are complete at the vendors so long after the close.
SETTLED = timedelta(minutes=90)
RETRY = timedelta(hours=1)
BATCH = 10

_WRITE = """
INSERT INTO marketdata_dailyprice (asset_id, date, open, high, low, close, volume)
SELECT %(asset)s, day, open, high, low, close, volume
  FROM unnest(%(days)s::date[], %(opens)s::numeric[], %(highs)s::numeric[], %(lows)s::numeric[],
              %(closes)s::numeric[], %(volumes)s::bigint[])
       AS given(day, open, high, low, close, volume)
ON CONFLICT (asset_id, date) DO UPDATE
   SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low, close = EXCLUDED.close,
       volume = EXCLUDED.volume
 WHERE (marketdata_dailyprice.open, marketdata_dailyprice.high, marketdata_dailyprice.low,
        marketdata_dailyprice.close, marketdata_dailyprice.volume)
       IS DISTINCT FROM
       (EXCLUDED.open, EXCLUDED.high, EXCLUDED.low, EXCLUDED.close, EXCLUDED.volume)
RETURNING date
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one listing brought: days and minutes written, and the fault if it brought nothing."""

    listing: Listing
    written: int
    fault: ProviderFault | None = None
    minutes: int = 0


def load_due_histories(*, now: datetime, stop: Callable[[], bool]) -> list[Loaded]:
    """Load the histories that are due, the oldest first, until `stop` says so or none is left.

    Two workers may run this at once: each claims a listing by moving its due time.
    """
    done: list[Loaded] = []
    able = [one.name for one in providers_of(Capability.DAYS)]
    while not stop() and (claimed := _claimed(able, now)):
        try:
            while claimed and not stop():
                done.append(_loaded(claimed.pop(0), now))
        finally:
            _release(claimed, now)
    return done


def _loaded(listing: Listing, now: datetime) -> Loaded:
    """Load one history. What the database refuses of one must not stop the others."""
    try:
        return load_history(listing=listing, now=now)
    except (DataError, IntegrityError) as error:
        logger.exception("%s: its sessions could not be written", listing)
        fault = ProviderFault(Fault.FORMAT_CHANGED, f"not written: {type(error).__name__}")
        _failed(listing, fault, now)
        return Loaded(listing, 0, fault)


def load_history(*, listing: Listing, now: datetime) -> Loaded:
    """Ask the listing's vendor for its sessions since the last ones, and write them."""
    provider = providers()[listing.provider]
    asset = listing.asset
    until = _last_session(asset, now)
    since = (
        listing.days_until - timedelta(days=OVERLAP_DAYS)
        if listing.days_until
        else date(until.year - FIRST_YEARS, until.month, 1)
    )
    try:
        history = ask(
            provider,
            "days",
            lambda vendor: vendor.days(listing.provider_symbol, since=since, until=until),
            now=now,
        )
        converted = in_currency(history, currency=asset.currency)
        if converted is None:
            raise ProviderFault(
                Fault.FORMAT_CHANGED,
                f"{listing} is in {history.currency}, {asset.symbol} in {asset.currency}",
            )
    except ProviderFault as fault:
        _failed(listing, fault, now)
        return Loaded(listing, 0, fault)
    days = checked_days(converted.bars, since=since, until=until)
    dividends = checked_dividends(converted.dividends)
    refused = [*days.refused, *dividends.refused]
    note_refusals("days", refused, provider=listing.provider, of=listing, now=now)
    try:
        written, hot = _archive(asset.pk, days.kept, now)
    except (*ARCHIVE_FAULTS, MoveLost) as error:
        logger.warning("%s: its archived years could not be written: %r", listing, error)
        away = ProviderFault(Fault.BROKEN_OFF, "years of it are archived and cannot be written now")
        _failed(listing, away, now)
        return Loaded(listing, 0, away)
    # Before the listing is done: a worker that is killed in between proposes them again.
    _propose(asset, listing, converted.splits, now)
    with transaction.atomic():
        written += write_days(asset_id=asset.pk, bars=hot)
        _announce(asset, listing.provider, dividends.kept)
        _done(listing, days.kept, since, now)
    per = units_of(history.currency, currency=asset.currency)
    assert per is not None, "its sessions were converted"
    minutes = load_minutes(listing=listing, per=per, settled=now - SETTLED, now=now)
    return Loaded(listing, written, minutes=minutes)


def write_days(*, asset_id: int, bars: Sequence[DayBar]) -> int:
    """Write sessions in one statement; return how many were new or different."""
    if not bars:
        return 0
    return len(
        rows_of(
            _WRITE,
            {
                "asset": asset_id,
                "days": [bar.day for bar in bars],
                "opens": [bar.open for bar in bars],
                "highs": [bar.high for bar in bars],
                "lows": [bar.low for bar in bars],
                "closes": [bar.close for bar in bars],
                "volumes": [bar.volume for bar in bars],
            },
        )
    )


def _archive(asset_id: int, bars: Sequence[DayBar], now: datetime) -> tuple[int, list[DayBar]]:
    """Write the sessions of archived years where they are. Return their number, and the others."""
    if not bars:
        return 0, []
    since, until = bars[0].day, bars[-1].day
    # A year that is only about to leave the hot tier stays in it for a while.
    begun = PricePartition.objects.filter(table=DAILY, first__lte=until, end__gt=since, tier=HOT)
    for one in begun.exclude(target=""):
        last = one.end - timedelta(days=1)
        list(restore_prices(table=DAILY, since=one.first, until=last, as_of=now.date(), now=now))
    written, hot = 0, list(bars)
    for partition in archived(since=since, until=until):
        inside = [bar for bar in hot if partition.first <= bar.day < partition.end]
        hot = [bar for bar in hot if not partition.first <= bar.day < partition.end]
        if inside:
            written += amend_days(partition=partition, asset_id=asset_id, bars=inside)
    return written, hot


def next_due_at(*, exchange: str, now: datetime) -> datetime:
    """Return when the session after the last settled one will have settled."""
    session = hours(exchange=exchange, now=now - SETTLED) if exchange else None
    return now + timedelta(days=1) if session is None else session.closes_at + SETTLED


_CLAIM = """
UPDATE marketdata_listing SET days_due_at = %(later)s
 WHERE id = ANY(SELECT listing.id
                  FROM marketdata_listing listing
                  JOIN marketdata_asset asset ON asset.id = listing.asset_id AND asset.is_active
                                             AND asset.household_id IS NULL
                 WHERE listing.days_due_at <= %(now)s AND listing.provider = ANY(%(able)s)
                 ORDER BY listing.days_due_at, listing.id
                 LIMIT %(count)s)
   AND days_due_at <= %(now)s
RETURNING id
"""


def _claimed(able: Sequence[str], now: datetime) -> list[Listing]:
    """Take a few listings that are due out of other workers' sight for a while."""
    rows = rows_of(_CLAIM, {"later": now + RETRY, "now": now, "able": list(able), "count": BATCH})
    return list(
        Listing.objects.filter(pk__in=[pk for (pk,) in rows]).select_related("asset").order_by("pk")
    )


def _release(listings: Sequence[Listing], now: datetime) -> None:
    """Give claimed listings back that were not asked for, for the next run."""
    pks = [listing.pk for listing in listings]
    Listing.objects.filter(pk__in=pks, days_due_at=now + RETRY).update(days_due_at=now)


def _last_session(asset: Asset, now: datetime) -> date:
    """Return the newest session that has settled, on the exchange's own day."""
    settled = now - SETTLED
    try:
        if asset.exchange:
            return last_session_closed(exchange=asset.exchange, now=settled)
    except UnknownExchange:
        logger.warning("%s: no calendar of %s, days are counted in UTC", asset, asset.exchange)
    return (settled - timedelta(days=1)).date()


def _failed(listing: Listing, fault: ProviderFault, now: datetime) -> None:
    """Try again later, and let the next listing of the asset load meanwhile."""
    wait = RETRY if fault.retry_after_s is None else timedelta(seconds=fault.retry_after_s)
    Listing.objects.filter(pk=listing.pk).update(
        fault=str(fault)[:200], days_due_at=now + max(wait, RETRY)
    )
    later = (
        Listing.objects.filter(asset_id=listing.asset_id, rank__gt=listing.rank)
        .order_by("rank")
        .first()
    )
    if later is not None and later.days_due_at is None:
        Listing.objects.filter(pk=later.pk).update(days_due_at=now, days_until=listing.days_until)


def _done(listing: Listing, kept: Sequence[DayBar], since: date, now: datetime) -> None:
    """Note what is loaded. The other listings of the asset need not load."""
    last = kept[-1].day if kept else listing.days_until
    Listing.objects.filter(pk=listing.pk).update(
        fault="",
        days_since=min(since, listing.days_since or since),
        days_until=last,
        days_due_at=next_due_at(exchange=listing.asset.exchange, now=now),
    )
    Listing.objects.filter(asset_id=listing.asset_id, rank__gt=listing.rank).update(
        days_due_at=None
    )


def _announce(asset: Asset, provider: str, dividends: Sequence[Dividend]) -> None:
    AnnouncedDividend.objects.bulk_create(
        [
            AnnouncedDividend(
                asset=asset,
                ex_date=one.ex_date,
                provider=provider,
                amount=one.amount,
                currency=asset.currency,
                payment_date=one.payment_date,
            )
            for one in dividends
        ],
        update_conflicts=True,
        update_fields=["amount", "currency", "payment_date"],
        unique_fields=["asset", "ex_date", "provider"],
    )


def _propose(asset: Asset, listing: Listing, splits: Sequence[Split], now: datetime) -> None:
    """Propose each split to everyone; one that is known stays one."""
    for split in splits:
        try:
            propose(
                user=None,
                household_id=None,
                asset=asset,
                new_asset=None,
                terms={
                    "kind": "split",
                    "ex_date": split.ex_date,
                    "ratio_new": split.new,
                    "ratio_old": split.old,
                },
                source=ActionSource.VENDOR,
                reference=f"Announced by {listing.provider}.",
                now=now,
            )
        except BallastError as refusal:
            logger.warning("%s announced a split that was refused: %s", listing, refusal.detail)
