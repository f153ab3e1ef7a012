"""Load the demo's price series from installed packages. Roll them forward each day.

A series is shifted once, at its first load, by whole weeks, so that its history ends at the last
session before that day (`marketdata.demo.shifting`). The shift never changes, because transactions
were recorded at these prices on these dates. The newest year of real sessions is held back.
`roll_forward` moves the held-back session of each past day into the history. The replay plays the
next twenty sessions. When the year is used up, prices stop changing and are marked stale. Delete
DATA_DIR to start over.
"""

import gzip
import importlib.metadata
import logging
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from core.errors import Conflict
from marketdata.calendars import last_session_over, session_close
from marketdata.demo import catalogue, samples
from marketdata.demo.catalogue import Listing, SamplePackage
from marketdata.demo.disclosures import declared_dividends
from marketdata.demo.samples import SampleBar, Series
from marketdata.demo.shifting import shift
from marketdata.models import AnnouncedDividend, Asset, LatestPrice, PriceAdjustment, Source
from marketdata.operations.partitions import ensure_partitions
from marketdata.queries.exchange_rates import forget_fixings
from marketdata.quotes import PAR
from stores.copying import copy_rows

logger = logging.getLogger(__name__)

_EPOCH = date(1990, 1, 1)
_CURVE_SINCE = date(2003, 1, 1)
_BAR_COLUMNS = ("asset_id", "date", "open", "high", "low", "close", "volume")

_ROLL_FORWARD = """
WITH past AS (
    DELETE FROM marketdata_heldbackprice held USING marketdata_asset asset
     WHERE asset.id = held.asset_id AND asset.exchange = %s AND held.date <= %s
    RETURNING held.asset_id, held.date, held.open, held.high, held.low, held.close, held.volume)
INSERT INTO marketdata_dailyprice (asset_id, date, open, high, low, close, volume)
SELECT asset_id, date, open, high, low, close, volume FROM past
ON CONFLICT (asset_id, date) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Result of one source. `outcome`: "loaded", "known" (loaded earlier) or "missing"."""

    source: str
    outcome: str
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Market:
    """Exchange and currency of a source's assets."""

    exchange: str
    currency: str
    price_adjustment: str = PriceAdjustment.NONE


_US = Market("XNYS", "USD")
_US_ADJUSTED = Market("XNYS", "USD", PriceAdjustment.SPLITS_AND_DIVIDENDS)
_PH = Market("XPHS", "PHP")

_Load = Callable[[Source, datetime], int]


def load_samples(*, now: datetime) -> list[Loaded]:
    """Load every source not loaded yet. Raise Conflict outside demo mode. Safe to repeat."""
    if not settings.DEMO:
        raise Conflict(
            "Samples can be loaded in demo mode only. Set DEMO=1.", code="not_in_demo_mode"
        )
    known = set(Source.objects.filter(loaded_at__isnull=False).values_list("name", flat=True))
    outcomes = [
        Loaded(package.source, "known")
        if package.source in known
        else _load_source(package, load, now)
        for package, load in _LOADERS
    ]
    if any(outcome.outcome == "loaded" for outcome in outcomes):
        with connection.cursor() as cursor:
            for table in ("dailyprice", "exchangerate", "asset", "heldbackprice"):
                cursor.execute(f"ANALYZE marketdata_{table}")
        forget_fixings()
    return outcomes


def roll_forward(*, now: datetime) -> int:
    """Turn held-back sessions of past days into history; return how many. Safe to repeat."""
    exchanges = list(
        Asset.objects.filter(household=None)
        .exclude(shifted_days=0)
        .order_by("exchange")
        .values_list("exchange", flat=True)
        .distinct()
    )
    moved = 0
    for exchange in exchanges:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_ROLL_FORWARD, [exchange, last_session_over(exchange=exchange, now=now)])
            moved += cursor.rowcount
    return moved


def _load_source(package: SamplePackage, load: _Load, now: datetime) -> Loaded:
    try:
        version = importlib.metadata.version(package.distribution)
    except importlib.metadata.PackageNotFoundError:
        logger.warning(
            "%s is not installed, so there is no data from %s", package.distribution, package.source
        )
        return Loaded(package.source, "missing")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('marketdata_samples'))")
        source, _ = Source.objects.get_or_create(
            name=package.source,
            defaults={
                "kind": "package",
                "version": f"{package.distribution} {version}",
                "licence": package.licence,
                "description": package.description,
            },
        )
        if source.loaded_at is not None:
            return Loaded(package.source, "known")
        ensure_partitions(as_of=now.date())
        rows = load(source, now)
        source.loaded_at = now
        source.save()
    return Loaded(package.source, "loaded", rows)


def _path(distribution: str, file: str) -> Path:
    """Return the path of a file of an installed package, without importing the package."""
    return Path(str(importlib.metadata.distribution(distribution).locate_file(file)))


def _gzipped(distribution: str, file: str) -> str:
    return gzip.decompress(_path(distribution, file).read_bytes()).decode()


def _zipped(distribution: str, file: str) -> str:
    with zipfile.ZipFile(_path(distribution, file)) as archive:
        return archive.read(archive.namelist()[0]).decode()


def _load_us(source: Source, now: datetime) -> int:
    rows = 0
    for file, listings in catalogue.SKFOLIO_FILES:
        text = _gzipped(catalogue.SKFOLIO.distribution, file)
        rows += _load_series(
            source, listings, samples.closes_by_column(text, since=_EPOCH), _US_ADJUSTED, now
        )
    return rows


def _load_philippines(source: Source, now: datetime) -> int:
    listings = catalogue.PHILIPPINE_SHARES
    series = samples.bars_by_column_group(
        _zipped(catalogue.PHILIPPINES.distribution, catalogue.PHILIPPINES_FILE),
        symbols=[listing.column for listing in listings],
        since=_EPOCH,
    )
    rows = _load_series(source, listings, series, _PH, now)
    _load_dividends(source)
    return rows


def _load_dividends(source: Source) -> None:
    """Write the dividends that a company disclosed, moved by the weeks of its prices."""
    path = _path(catalogue.PHILIPPINES.distribution, catalogue.DISCLOSURES_FILE)
    asset = Asset.objects.get(household=None, symbol=catalogue.DISCLOSED_BY)
    days = timedelta(days=asset.shifted_days)
    found = AnnouncedDividend.objects.bulk_create(
        AnnouncedDividend(
            asset=asset,
            ex_date=one.ex_date + days,
            provider=source.name,
            amount=one.amount,
            currency=asset.currency,
            payment_date=one.payment_date + days,
        )
        for one in declared_dividends(path.read_text(encoding="utf-8"))
    )
    source.quality["dividends"] = len(found)


def _load_treasury(source: Source, now: datetime) -> int:
    path = _path(catalogue.TREASURY.distribution, catalogue.TREASURY_FILE)
    curves = list(samples.par_curves(path.read_text(), since=_CURVE_SINCE))
    last_session = last_session_over(exchange=_US.exchange, now=now)
    sessions = [day for day, _ in curves]
    move = shift(
        sessions=sessions,
        last_session=last_session,
        held_back_min=catalogue.HELD_BACK_SESSIONS,
    )
    listings, series = [], {}
    for symbol, name, years in catalogue.TREASURY_BONDS:
        matures_on = sessions[move.split] + timedelta(days=round(years * 365.25))
        shown = matures_on + timedelta(days=move.days)
        listings.append(
            Listing(symbol, symbol, f"{name}, due {shown:%b %Y} (computed)", "bond", "", "1")
        )
        series[symbol] = samples.zero_series(curves, matures_on=matures_on)
    return _load_series(source, listings, series, _US, now)


def _load_treasury_bill(source: Source, now: datetime) -> int:
    path = _path(catalogue.TREASURY.distribution, catalogue.TREASURY_FILE)
    moved = _treasury_move(path, now)
    rows = copy_rows(
        table="marketdata_yield",
        columns=("series", "currency", "date", "rate"),
        rows=(
            (catalogue.TREASURY_BILL_SERIES, _US.currency, day + moved, rate)
            for day, rate in samples.three_month_yields(path.read_text(), since=_CURVE_SINCE)
        ),
    )
    source.quality = {"yields": rows}
    return rows


def _treasury_move(path: Path, now: datetime) -> timedelta:
    """Return the date shift of the bonds: the stored one if they are loaded, else a new one."""
    symbols = [symbol for symbol, _, _ in catalogue.TREASURY_BONDS]
    known = Asset.objects.filter(household=None, symbol__in=symbols).order_by("id").first()
    if known is not None:
        return timedelta(days=known.shifted_days)
    move = shift(
        sessions=[day for day, _ in samples.par_curves(path.read_text(), since=_CURVE_SINCE)],
        last_session=last_session_over(exchange=_US.exchange, now=now),
        held_back_min=catalogue.HELD_BACK_SESSIONS,
    )
    return timedelta(days=move.days)


def _load_ecb(source: Source, now: datetime) -> int:
    text = _zipped(catalogue.ECB.distribution, catalogue.ECB_FILE)
    rows = copy_rows(
        table="marketdata_exchangerate",
        columns=("currency", "date", "rate", "source"),
        rows=(
            (currency, fixing.date, fixing.rate, source.name)
            for currency, fixing in samples.fixings(text)
        ),
    )
    for listing in catalogue.CASH:
        asset = Asset.objects.create(
            **_identity(listing), currency=listing.symbol, exchange="", source=source
        )
        LatestPrice.objects.create(
            asset=asset, price=Decimal(1), as_of=now, source=PAR, previous_close=Decimal(1)
        )
    source.quality = {"fixings": rows}
    return rows


def _load_series(
    source: Source,
    listings: Sequence[Listing],
    series: Mapping[str, Series],
    market: Market,
    now: datetime,
) -> int:
    """Write assets, shifted history, held-back sessions and last close. Return the bars."""
    last_session = last_session_over(exchange=market.exchange, now=now)
    # All histories end at one session, so use only sessions present in every series.
    sessions = sorted(
        set.intersection(*({bar.date for bar in one.bars} for one in series.values()))
    )
    move = shift(
        sessions=sessions,
        last_session=last_session,
        held_back_min=catalogue.HELD_BACK_SESSIONS,
    )
    days, split = timedelta(days=move.days), sessions[move.split]
    assets = Asset.objects.bulk_create(
        [
            Asset(
                **_identity(listing),
                currency=market.currency,
                exchange=market.exchange,
                source=source,
                price_adjustment=market.price_adjustment,
                shifted_days=move.days,
                original_first_date=_history(series[listing.column], split)[0].date,
                original_last_date=series[listing.column].bars[-1].date,
            )
            for listing in listings
        ]
    )
    closed_at = session_close(exchange=market.exchange, session=last_session)
    history: list[tuple[Any, ...]] = []
    held_back: list[tuple[Any, ...]] = []
    latest = []
    for asset, listing in zip(assets, listings, strict=True):
        one = series[listing.column]
        kept = _history(one, split)
        history.extend(_bar_row(asset, bar, days) for bar in kept)
        held_back.extend(_bar_row(asset, bar, days) for bar in one.bars if bar.date > split)
        latest.append(_latest(asset, kept, source, closed_at))
        for finding, count in one.findings.items():
            source.quality[finding] = source.quality.get(finding, 0) + count
    copy_rows(table="marketdata_dailyprice", columns=_BAR_COLUMNS, rows=history)
    copy_rows(table="marketdata_heldbackprice", columns=_BAR_COLUMNS, rows=held_back)
    LatestPrice.objects.bulk_create(latest)
    source.quality["bars"] = source.quality.get("bars", 0) + len(history) + len(held_back)
    return len(history) + len(held_back)


def _history(series: Series, split: date) -> Sequence[SampleBar]:
    return [bar for bar in series.bars if bar.date <= split][-catalogue.HISTORY_SESSIONS_MAX :]


def _bar_row(asset: Asset, bar: SampleBar, days: timedelta) -> tuple[Any, ...]:
    return (asset.pk, bar.date + days, bar.open, bar.high, bar.low, bar.close, bar.volume)


def _latest(
    asset: Asset, bars: Sequence[SampleBar], source: Source, closed_at: datetime
) -> LatestPrice:
    return LatestPrice(
        asset=asset,
        price=bars[-1].close,
        as_of=closed_at.astimezone(UTC),
        source=source.name,
        previous_close=bars[-2].close,
    )


def _identity(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.symbol,
        "name": listing.name,
        "asset_class": listing.asset_class,
        "isin": listing.isin,
        "tradable": listing.tradable,
        "fractional": listing.asset_class != "bond",
        "half_spread_bp": Decimal(listing.half_spread_bp),
        "expense_ratio": Decimal(listing.expense_ratio) if listing.expense_ratio else None,
    }


_LOADERS: tuple[tuple[SamplePackage, _Load], ...] = (
    (catalogue.ECB, _load_ecb),
    (catalogue.SKFOLIO, _load_us),
    (catalogue.TREASURY, _load_treasury),
    (catalogue.TREASURY_BILL, _load_treasury_bill),
    (catalogue.PHILIPPINES, _load_philippines),
)
