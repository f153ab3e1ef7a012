"""Report a strategy to the moderators."""

from datetime import datetime

from django.db import IntegrityError, transaction

from core.errors import Conflict
from identity.models import User
from recommendations.models import Strategy, StrategyReport


def report(
    *, strategy: Strategy, user: User, reason: str, details: str, now: datetime
) -> StrategyReport:
    """Report a strategy. A second report while the first is open changes the first."""
    if strategy.author_id == user.pk:
        raise Conflict("This is your own strategy. Change or retire it.", code="own_strategy")
    stated = {"reason": reason, "details": details}
    for _ in range(2):
        open_one = StrategyReport.objects.filter(strategy=strategy, reporter=user, closed_at=None)
        if open_one.update(**stated):
            return open_one.get()
        try:
            with transaction.atomic():
                return StrategyReport.objects.create(
                    strategy=strategy, reporter=user, created_at=now, **stated
                )
        except IntegrityError:
            continue  # another request reported just now
    return StrategyReport.objects.get(strategy=strategy, reporter=user, closed_at=None)
