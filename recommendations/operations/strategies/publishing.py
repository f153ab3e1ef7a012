"""Publish the working copy of a strategy as its next version, and retire a strategy."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from core.errors import Conflict, InvalidInput
from core.limits import STRATEGY_VERSIONS_MAX
from identity.models import User
from marketdata.models import Asset
from portfolios.holdings.target_sets import SetWeight, unpacked
from portfolios.holdings.targets import ensure_whole
from portfolios.models import TargetSet, TargetSetScope, TargetSetVersion
from recommendations.models import Strategy, StrategyAuthor, StrategyState, StrategyVersion
from recommendations.operations.strategies.authoring import classes_of, locked_own
from recommendations.operations.strategies.news import request_news
from recommendations.strategies.chain import VersionFacts, version_hash
from recommendations.strategies.names import one_line


def publish(
    *, strategy: Strategy, user: User, change_note: str, listed: bool, now: datetime
) -> Strategy:
    """Publish the working copy. If it is the version in force, only the listing may change."""
    state = StrategyState.PUBLISHED if listed else StrategyState.UNLISTED
    note = one_line(change_note, field="change_note")
    with transaction.atomic():
        row = locked_own(strategy=strategy)
        _ensure_may_publish(row, user)
        before = _version_in_force(row)
        if before is not None and _is_same(row, before):
            if row.state == state:
                raise Conflict(
                    "Nothing has changed since the last version. Change weights or rules first.",
                    code="nothing_to_publish",
                )
        else:
            weights = unpacked(row.draft_weights)
            _ensure_publishable(weights)
            row.current_version = _next_version(row, before, note, user, now)
            row.asset_classes = classes_of(weights)
            request_news(strategy=row, number=row.current_version.number, now=now)
        row.state = state
        row.published_at = row.published_at or now
        row.updated_at = now
        row.save(
            update_fields=[
                *("current_version", "target_set", "asset_classes", "state", "published_at"),
                "updated_at",
            ]
        )
    return row


def retire(*, strategy: Strategy, now: datetime) -> Strategy:
    """End a strategy: it leaves the lists and gets no further version, but keeps its page."""
    with transaction.atomic():
        row = locked_own(strategy=strategy)
        row.state = StrategyState.RETIRED
        row.retired_at = row.updated_at = now
        row.save(update_fields=["state", "retired_at", "updated_at"])
    return row


def _ensure_may_publish(row: Strategy, user: User) -> None:
    if row.hidden_at is not None:
        raise Conflict(
            "A moderator has hidden this strategy. It cannot be published while it is hidden.",
            code="strategy_hidden",
        )
    if StrategyAuthor.objects.filter(user=user, banned_at__isnull=False).exists():
        raise Conflict(
            "A moderator has ended your right to publish.", code="author_banned", status=403
        )


def _version_in_force(row: Strategy) -> StrategyVersion | None:
    if row.current_version_id is None:
        return None
    return StrategyVersion.objects.select_related("targets").get(pk=row.current_version_id)


def _is_same(row: Strategy, version: StrategyVersion) -> bool:
    return bool(row.draft_weights == version.targets.weights and row.draft_rules == version.rules)


def _ensure_publishable(weights: Sequence[SetWeight]) -> None:
    if not weights:
        raise InvalidInput(
            "The strategy has no weights. Set them before publishing.",
            code="weights_missing",
            fields={"weights": ["are missing"]},
        )
    ensure_whole([weight.as_target() for weight in weights])
    nothing = [weight.symbol for weight in weights if weight.target_percentage <= Decimal(0)]
    if nothing:
        raise InvalidInput(
            f"These weights are zero: {', '.join(nothing)}. Remove them.",
            code="weight_zero",
            fields={"weights": [f"{symbol} is zero" for symbol in nothing]},
        )
    ids = {fund.asset_id for weight in weights for fund in weight.funds}
    usable = Asset.objects.filter(
        public_id__in=ids, household=None, is_active=True, tradable=True
    ).values_list("public_id", flat=True)
    gone = ids - {str(public_id) for public_id in usable}
    if gone:
        symbols = {one.symbol for weight in weights for one in weight.funds if one.asset_id in gone}
        raise InvalidInput(
            f"These can no longer be bought: {', '.join(sorted(symbols))}. Replace them.",
            code="strategy_asset_unknown",
            fields={"weights": [f"{symbol} can no longer be bought" for symbol in sorted(symbols)]},
        )


def _next_version(
    row: Strategy, before: StrategyVersion | None, note: str, user: User, now: datetime
) -> StrategyVersion:
    number = before.number + 1 if before else 1
    if number > STRATEGY_VERSIONS_MAX:
        raise Conflict(
            f"A strategy has at most {STRATEGY_VERSIONS_MAX} versions. Create another one.",
            code="too_many_versions",
        )
    if row.target_set is None:
        row.target_set = TargetSet.objects.create(
            scope=TargetSetScope.SHARED, name=row.name, created_at=now
        )
    targets = TargetSetVersion.objects.create(
        target_set=row.target_set,
        number=number,
        weights=row.draft_weights,
        note=note,
        created_at=now,
        created_by=user,
    )
    facts = VersionFacts(
        strategy_id=str(row.public_id),
        number=number,
        weights=row.draft_weights,
        rules=row.draft_rules,
        change_note=note,
        published_at=now,
        previous_hash=before.hash if before else "",
    )
    return StrategyVersion.objects.create(
        strategy=row,
        number=number,
        targets=targets,
        rules=row.draft_rules,
        change_note=note,
        published_at=now,
        previous_hash=facts.previous_hash,
        hash=version_hash(facts),
    )
