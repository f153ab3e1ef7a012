"""Published strategies and their prices for tests, and records counted again from stored rows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from marketdata.models import (
    AnnouncedDividend,
    Asset,
    CorporateAction,
    DailyPrice,
    ExchangeRate,
)
from portfolios.models import TargetSet, TargetSetVersion
from recommendations.models import Strategy, StrategyVersion
from recommendations.strategies.chain import VersionFacts, version_hash
from tests.recommendations.strategies.plain import Security, Version, values

MONDAY = date(2024, 1, 1)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def noon(of: date) -> datetime:
    return datetime(of.year, of.month, of.day, 12, tzinfo=UTC)


def asset(symbol: str, *, currency: str = "USD", spread: str = "0", **fields: Any) -> Asset:
    return Asset.objects.create(
        symbol=symbol,
        name=f"{symbol} Inc",
        asset_class="equity",
        currency=currency,
        half_spread_bp=Decimal(spread),
        **fields,
    )


def closes(of: Asset, prices: Mapping[date, Any]) -> None:
    DailyPrice.objects.bulk_create(
        [DailyPrice(asset=of, date=on, close=Decimal(str(price))) for on, price in prices.items()]
    )


def strategy(user: Any, name: str = "Core", **fields: Any) -> Strategy:
    now = noon(MONDAY)
    return Strategy.objects.create(
        author=user,
        author_name="Author",
        name=name,
        risk_profile="balanced",
        created_at=now,
        updated_at=now,
        **fields,
    )


def publish(
    row: Strategy,
    weights: Mapping[Asset | None, str],
    on: date,
    *,
    band: str = "100",
    schedule: str = "never",
    bands: bool = False,
) -> StrategyVersion:
    """Publish a version of a strategy as its operation does."""
    target_set = row.target_set or TargetSet.objects.create(
        scope="shared", name=row.name, created_at=noon(on)
    )
    number = row.versions.count() + 1
    packed = [
        {
            "target_percentage": percentage,
            "rebalance_threshold": band,
            "threshold_kind": "absolute",
            **({"asset_id": str(of.public_id)} if of is not None else {}),
            "symbol": of.symbol if of is not None else "CASH",
        }
        for of, percentage in weights.items()
    ]
    rules = {"schedule": schedule, "bands": bands}
    before = row.versions.order_by("-number").first()
    previous = before.hash if before is not None else ""
    facts = VersionFacts(str(row.public_id), number, packed, rules, "", noon(on), previous)
    version = StrategyVersion.objects.create(
        strategy=row,
        number=number,
        targets=TargetSetVersion.objects.create(
            target_set=target_set, number=number, weights=packed, created_at=noon(on)
        ),
        rules=rules,
        published_at=noon(on),
        previous_hash=previous,
        hash=version_hash(facts),
    )
    row.target_set, row.current_version, row.state = target_set, version, "published"
    row.published_at = row.published_at or noon(on)
    row.save()
    return version


def recomputed(row: Strategy, last: date) -> dict[date, Fraction]:
    """Count a dollar strategy again, in units, from the stored versions and prices alone."""
    versions: list[Version] = []
    symbols: set[str] = set()
    for one in row.versions.select_related("targets").order_by("number"):
        targets = {
            weight["symbol"]: Fraction(weight["target_percentage"]) / 100
            for weight in one.targets.weights
            if weight["symbol"] != "CASH"
        }
        bands = {Fraction(weight["rebalance_threshold"]) / 100 for weight in one.targets.weights}
        months = {"never": 0, "monthly": 1, "quarterly": 3, "yearly": 12}[one.rules["schedule"]]
        (band,) = bands
        versions.append(
            Version(one.published_at.date(), targets, band if one.rules["bands"] else None, months)
        )
        symbols |= targets.keys()
    securities = {of.symbol: _security(of) for of in Asset.objects.filter(symbol__in=symbols)}
    return values(securities, versions, last)


def _security(of: Asset) -> Security:
    found = Security(
        {
            on: Fraction(close)
            for on, close in DailyPrice.objects.filter(asset=of).values_list("date", "close")
        },
        dividends={
            on: Fraction(cash)
            for on, cash in AnnouncedDividend.objects.filter(asset=of).values_list(
                "ex_date", "amount"
            )
        },
        spread=Fraction(of.half_spread_bp) / 10_000,
    )
    if of.currency != "USD":
        assert of.currency == "EUR"
        found.rates = {
            on: Fraction(rate)
            for on, rate in ExchangeRate.objects.filter(currency="USD").values_list("date", "rate")
        }
    splits = {}
    for action in CorporateAction.objects.filter(asset=of, state="confirmed"):
        if action.kind == "split":
            assert action.ratio_new is not None
            assert action.ratio_old is not None
            splits[action.ex_date] = Fraction(action.ratio_new) / Fraction(action.ratio_old)
        elif action.kind == "delisting":
            found.ended, found.paid = action.ex_date, Fraction(0)
    found.splits = splits
    if not of.is_active:
        found.ended = max(found.closes) + timedelta(days=1)
    return found


def confirmed(of: Asset, kind: str, ex_date: date, **terms: Any) -> CorporateAction:
    return CorporateAction.objects.create(
        asset=of,
        kind=kind,
        ex_date=ex_date,
        currency=of.currency,
        source="operator",
        state="confirmed",
        proposed_at=noon(ex_date),
        confirmed_at=noon(ex_date),
        listed_at=noon(ex_date),
        **terms,
    )


def weekdays(first: int, count: int) -> Sequence[date]:
    return [day(n) for n in range(first, first + count) if day(n).weekday() < 5]
