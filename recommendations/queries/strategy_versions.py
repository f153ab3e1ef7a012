"""Reads: the versions of a strategy, what each changed, and what is held now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from marketdata.models import Asset
from portfolios.holdings.target_sets import SetWeight, unpacked
from recommendations.models import Strategy, StrategyDay, StrategyModeration
from recommendations.queries.strategies import versions, with_changes
from recommendations.strategies import rules
from recommendations.strategies.diff import WeightChange
from recommendations.strategies.rule_words import rule_sentence

# Versions shown with their changes; the API lists all.
SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class WeightShown:
    """A weight of the version in force; `held` is the share at the end of the last day."""

    symbol: str
    name: str
    asset_class: str
    filled_by: Sequence[str]
    target_percentage: Decimal
    band: Decimal
    held_percentage: Decimal | None


@dataclass(frozen=True, slots=True)
class VersionShown:
    """A version with what it changed against the one before."""

    number: int
    published_at: datetime
    change_note: str
    hash: str
    rules: str
    changes: Sequence[WeightChange]
    rules_changed: bool


def versions_shown(*, strategy: Strategy) -> list[VersionShown]:
    """Return the newest versions, the newest first, in two queries."""
    page = list(versions(strategy=strategy)[:SHOWN_MAX])
    stored = {row.number: row.rules for row in page}
    return [
        VersionShown(
            one.version.number,
            one.version.published_at,
            one.version.change_note,
            one.version.hash,
            rule_sentence(rules.unpacked(one.version.rules)),
            one.changes,
            stored.get(one.version.number - 1, one.version.rules) != one.version.rules,
        )
        for one in with_changes(page)
    ]


def weights_shown(*, strategy: Strategy) -> list[WeightShown]:
    """Return the weights in force beside what they have drifted to, in at most three queries."""
    version = strategy.current_version
    if version is None:
        return []
    weights = unpacked(version.targets.weights)
    ids = {fund.asset_id for one in weights for fund in one.funds}
    assets = {str(row.public_id): row for row in Asset.objects.filter(public_id__in=ids)}
    last = StrategyDay.objects.filter(strategy=strategy).order_by("-date").first()
    # A version that is not traded yet has no weights of its own.
    held = None if last is None or last.version != version.number else last.weights
    return [_shown(one, assets, held) for one in weights]


def _shown(one: SetWeight, assets: dict[str, Asset], held: dict[str, Any] | None) -> WeightShown:
    asset = assets.get(one.funds[0].asset_id) if one.funds else None
    share = None
    if held is not None and asset is not None:
        share = Decimal(held.get(str(asset.pk), "0")) * 100
    elif held is not None and not one.funds:
        share = 100 - sum((Decimal(value) for value in held.values()), Decimal(0)) * 100
    return WeightShown(
        symbol=one.symbol,
        name=asset.name if asset is not None and not one.asset_class else "",
        asset_class=one.asset_class or (asset.asset_class if asset is not None else "cash"),
        filled_by=[fund.symbol for fund in one.funds] if one.asset_class else [],
        target_percentage=one.target_percentage,
        band=one.band,
        held_percentage=share,
    )


def last_decision(*, strategy: Strategy) -> StrategyModeration | None:
    """Return the last decision or appeal, which the author alone is shown."""
    return StrategyModeration.objects.filter(strategy=strategy).order_by("-id").first()
