"""Publish the demo's strategies on days of its history, and compute their records."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from django.db import connection, transaction

from demo.people import ADVISER
from demo.strategies import AUTHOR_NAME, STRATEGIES, DemoStrategy, DemoVersion
from identity.models import User
from marketdata.queries import last_closes, public_assets
from recommendations.models import Strategy
from recommendations.operations.strategies import (
    Content,
    WeightWish,
    change_strategy,
    create_strategy,
    publish,
)
from recommendations.operations.strategy_backtests import compute_backtests
from recommendations.operations.strategy_records import append_days
from recommendations.strategies.rules import Rules, Schedule

_NOON = time(12, tzinfo=UTC)


def load_strategies(*, now: datetime) -> int:
    """Publish the strategies whose samples are loaded, unless there are any; return how many."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('load_demo'))")
        author = User.objects.get(email=ADVISER)
        if Strategy.objects.filter(author=author).exists():
            return 0
        count = sum(_published(plan, author, now=now) for plan in STRATEGIES)
    append_days(now=now)
    compute_backtests(now=now)
    return count


def _published(plan: DemoStrategy, author: User, *, now: datetime) -> bool:
    wanted = {symbol for one in plan.versions for symbol, _, _ in one.weights} - {"CASH"}
    assets = public_assets(symbols=wanted)
    if wanted - set(assets):
        return False
    lasts = last_closes(asset_ids=[asset.pk for asset in assets.values()], as_of=now.date())
    last = max(day for day, _ in lasts.values())
    row: Strategy | None = None
    for version in plan.versions:
        at = datetime.combine(last - timedelta(days=version.days_ago), _NOON)
        if row is None:
            row = create_strategy(user=author, content=_content(plan, version), now=at)
        else:
            row = change_strategy(
                strategy=row, user=author, content=_content(plan, version), now=at
            )
        row = publish(strategy=row, user=author, change_note=version.note, listed=True, now=at)
    return True


def _content(plan: DemoStrategy, version: DemoVersion) -> Content:
    return Content(
        name=plan.name,
        summary=plan.summary,
        description=plan.description,
        risk_profile=plan.risk_profile,
        tags=plan.tags,
        weights=[
            WeightWish(Decimal(target), Decimal(band), symbol=symbol)
            for symbol, target, band in version.weights
        ],
        rules=Rules(Schedule(version.schedule), bands=True),
        author_name=AUTHOR_NAME,
    )
