"""The page of one strategy with its record, and the comparison of up to four records."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import InvalidInput
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import count_try
from dashboard.presenters import strategy_record as view
from edge.markdown import rendered
from edge.rate_limits import REPORT
from recommendations.models import StrategyState
from recommendations.operations.moderation import APPEALED, appeal
from recommendations.queries.strategies import (
    own_strategy,
    strategy_seen,
    visible_strategy,
)
from recommendations.queries.strategy_figures import (
    COMPARED_MAX,
    compared_figures,
    strategy_figures,
)
from recommendations.queries.strategy_versions import (
    last_decision,
    versions_shown,
    weights_shown,
)
from recommendations.strategies.backtest import SURVIVORSHIP


@for_investors("GET")
def strategy_page(request: SignedIn, strategy_id: UUID) -> HttpResponse:
    """Show a strategy: its record, the backtest apart from it, its weights and versions."""
    seen = strategy_seen(user=request.user, public_id=strategy_id)
    strategy = seen.strategy
    found = strategy_figures(strategy=strategy)
    decision = last_decision(strategy=strategy) if seen.own else None
    is_published = strategy.state in (StrategyState.PUBLISHED, StrategyState.UNLISTED)
    of_others = strategy.author.household_id != request.user.household_id
    context = {
        "strategy": strategy,
        "own": seen.own,
        "following": seen.following,
        "can_follow": is_published and of_others,
        "can_clone": is_published,
        "can_report": not seen.own,
        "decision": decision,
        "can_appeal": decision is not None and decision.kind in APPEALED,
        "currency": found.currency,
        "benchmark": found.benchmark,
        "benchmark_name": found.benchmark_name,
        "benchmark_note": found.benchmark_note,
        "record": found.record,
        "backtest": found.backtest,
        "backtest_reason": found.backtest_reason,
        "survivorship": SURVIVORSHIP,
        "ranges": found.ranges,
        "events": found.events,
        "carried_days": found.carried_days,
        "last_hash": found.last_hash,
        "weights": weights_shown(strategy=strategy),
        "versions": versions_shown(strategy=strategy),
        "suits": view.SUITS[strategy.risk_profile],
        "description": rendered(strategy.description),
    }
    for name, run in (("record", found.record), ("backtest", found.backtest)):
        if run is not None:
            context[f"{name}_windows"] = view.windows(run.figures)
            context[f"{name}_risks"] = view.risks(run.figures)
            context[f"{name}_chart"] = view.chart(
                run.points,
                benchmark=found.benchmark_name or None,
                name="Strategy" if name == "record" else "Backtest, hypothetical",
            )
    return shown(request, "strategy", context)


@for_investors("POST")
def strategy_appeal(request: SignedIn, strategy_id: UUID) -> HttpResponse:
    """Ask the moderators, as the author, to look at their decision again."""
    row = own_strategy(user=request.user, public_id=strategy_id)
    count_try(request, REPORT)
    reason = request.POST.get("reason", "")
    appeal(strategy=row, reason=reason, user=request.user, now=timezone.now())
    messages.success(request, "Your appeal was sent. A moderator will answer here.")
    return redirect("strategy", strategy_id)


@for_investors("GET")
def strategies_compare(request: SignedIn) -> HttpResponse:
    """Show the records of up to four strategies side by side; backtests are not compared."""
    asked = list(dict.fromkeys(_ids(request.GET.getlist("strategy"))))
    if len(asked) > COMPARED_MAX:
        raise InvalidInput(
            f"At most {COMPARED_MAX} strategies can be compared. Leave some out.",
            code="too_many_compared",
            fields={"strategy": [f"at most {COMPARED_MAX}"]},
        )
    strategies = [visible_strategy(user=request.user, public_id=one) for one in asked]
    columns = view.compared(compared_figures(strategies=strategies))
    return shown(
        request,
        "strategies_compare",
        {
            "columns": columns,
            "rows": view.compared_rows(columns),
            "chart": view.chart_beside(
                [(one.strategy.name, one.run.points) for one in columns if one.run is not None]
            ),
            "asked": asked,
            "full": len(asked) == COMPARED_MAX,
        },
    )


def _ids(texts: list[str]) -> list[UUID]:
    """Return ids, each given alone or as the end of a page's address."""
    try:
        return [UUID(text.strip().rstrip("/").rsplit("/", 1)[-1]) for text in texts if text.strip()]
    except ValueError:
        raise InvalidInput(
            "The address of a strategy is not valid. Copy it from the strategy's page.",
            code="strategy_unknown",
            fields={"strategy": ["is not an id"]},
        ) from None
