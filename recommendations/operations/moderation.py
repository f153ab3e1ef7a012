"""Decide about reported strategies and their authors, and appeal. Every decision has a reason.

hide, show      nobody but its author sees a hidden strategy; its record goes on
ban, allow      a banned author publishes nothing more; what is published stays unless hidden
dismiss         the open reports are closed, the strategy stays as it is
appeal          the author asks for another look, once for each decision
uphold          the appeal is refused: the decision stands
"""

from datetime import datetime

from django.db import transaction

from core.errors import Conflict, InvalidInput
from identity.models import User
from recommendations.models import (
    ModerationKind,
    Strategy,
    StrategyAuthor,
    StrategyModeration,
    StrategyReport,
)
from recommendations.strategies.names import one_line
from stores.locks import locked

REASON_LENGTH_MAX = 500
# The decisions after which no report of the strategy is open.
_CLOSING = (ModerationKind.HIDE, ModerationKind.BAN, ModerationKind.DISMISS)
# What an author may appeal against.
APPEALED = (ModerationKind.HIDE, ModerationKind.BAN)


def moderate(
    *, strategy: Strategy, kind: str, reason: str, user: User, now: datetime
) -> StrategyModeration:
    """Decide as a moderator; refuse what has no effect."""
    assert kind in set(ModerationKind) - {ModerationKind.APPEAL}, "an author alone appeals"
    stated = _stated(reason)
    with transaction.atomic():
        row = locked(Strategy.objects.filter(pk=strategy.pk)).get()
        _apply(row, kind, now)
        if kind in _CLOSING:
            StrategyReport.objects.filter(strategy=row, closed_at=None).update(
                closed_at=now, closed_by=user
            )
        return StrategyModeration.objects.create(
            strategy=row, kind=kind, reason=stated, by=user, at=now
        )


def appeal(*, strategy: Strategy, reason: str, user: User, now: datetime) -> StrategyModeration:
    """Ask as the author for another look at the last decision against the strategy."""
    assert strategy.author_id == user.pk, "an author alone appeals"
    stated = _stated(reason)
    with transaction.atomic():
        row = locked(Strategy.objects.filter(pk=strategy.pk)).get()
        last = _last(row)
        if last is None or last.kind not in APPEALED:
            raise Conflict(
                "There is no decision to appeal against, or it was appealed already. A moderator "
                "will answer.",
                code="nothing_to_appeal",
            )
        return StrategyModeration.objects.create(
            strategy=row, kind=ModerationKind.APPEAL, reason=stated, by=user, at=now
        )


def _apply(row: Strategy, kind: str, now: datetime) -> None:
    done = {
        ModerationKind.HIDE: _hide,
        ModerationKind.SHOW: _show,
        ModerationKind.BAN: _ban,
        ModerationKind.ALLOW: _allow,
        ModerationKind.DISMISS: _dismiss,
        ModerationKind.UPHOLD: _uphold,
    }[ModerationKind(kind)](row, now)
    if not done:
        raise Conflict(
            "This decision would change nothing. Reload the page and look at the last one.",
            code="moderation_without_effect",
        )


def _hide(row: Strategy, now: datetime) -> int:
    return Strategy.objects.filter(pk=row.pk, hidden_at=None).update(hidden_at=now)


def _show(row: Strategy, now: datetime) -> int:
    return Strategy.objects.filter(pk=row.pk, hidden_at__isnull=False).update(hidden_at=None)


def _ban(row: Strategy, now: datetime) -> int:
    authors = StrategyAuthor.objects.filter(user_id=row.author_id, banned_at=None)
    return authors.update(banned_at=now)


def _allow(row: Strategy, now: datetime) -> int:
    authors = StrategyAuthor.objects.filter(user_id=row.author_id, banned_at__isnull=False)
    return authors.update(banned_at=None)


def _dismiss(row: Strategy, now: datetime) -> int:
    return StrategyReport.objects.filter(strategy=row, closed_at=None).count()


def _uphold(row: Strategy, now: datetime) -> bool:
    last = _last(row)
    return last is not None and last.kind == ModerationKind.APPEAL


def _last(row: Strategy) -> StrategyModeration | None:
    return StrategyModeration.objects.filter(strategy=row).order_by("-id").first()


def _stated(reason: str) -> str:
    stated = one_line(reason, field="reason")
    if not stated or len(stated) > REASON_LENGTH_MAX:
        raise InvalidInput(
            f"State a reason of at most {REASON_LENGTH_MAX} characters.",
            code="moderation_reason_required",
            fields={"reason": [f"is required, at most {REASON_LENGTH_MAX} characters"]},
        )
    return stated
