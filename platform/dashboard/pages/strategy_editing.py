"""The pages of an author: one's strategies, the editor with its preview, and publishing."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError
from core.identifiers import uuid7
from dashboard.forms.entries import add_refusal
from dashboard.forms.strategies import PublishForm, StrategyForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import answered_once, count_try
from dashboard.presenters.strategies import (
    ROWS_ADDED,
    WeightRow,
    is_whole,
    rows_of,
    stated,
    sum_of,
    typed_rows,
)
from edge.markdown import rendered
from edge.pagination import keyset_page
from edge.rate_limits import PUBLISH
from jobs.operations import Answer
from marketdata.models import AssetClass
from portfolios.holdings.target_sets import unpacked
from recommendations.models import RiskProfile, Strategy, StrategyAuthor, StrategyState
from recommendations.operations import strategies as operations
from recommendations.queries import strategies as queries
from recommendations.strategies import rules as strategy_rules
from recommendations.strategies.diff import weight_changes
from recommendations.strategies.rules import Rules, Schedule

SHOWN = 50
_COLUMNS = ("weight_name", "weight_funds", "weight_target", "weight_threshold", "weight_kind")


@for_investors("GET")
def my_strategies(request: SignedIn) -> HttpResponse:
    """List what the user wrote, last changed first, and what their household follows."""
    rows, following = keyset_page(
        queries.own(request.user).select_related("current_version"),
        sort_key="updated_at",
        cursor=request.GET.get("cursor", ""),
        size=SHOWN,
    )
    context = {
        "strategies": rows,
        "next_cursor": following or "",
        "followed": queries.followed(user=request.user)[:SHOWN],
    }
    return shown(request, "my_strategies", context)


@for_investors("GET", "POST")
def strategy_new(request: SignedIn) -> HttpResponse:
    """Write a new strategy, which is a draft."""
    return _editor(request, None)


@for_investors("GET", "POST")
def strategy_edit(request: SignedIn, strategy_id: UUID) -> HttpResponse:
    """Change a strategy's texts, and the weights and rules of its next version."""
    return _editor(request, queries.own_strategy(user=request.user, public_id=strategy_id))


@for_investors("POST")
def strategy_preview(request: SignedIn) -> HttpResponse:
    """Return the sum of the typed weights and the typed description as it would be shown."""
    return shown(request, "_strategy_preview", _preview(_rows(request), _description(request)))


@for_investors("POST")
def strategy_publish(request: SignedIn, strategy_id: UUID) -> HttpResponse:
    """Publish the saved weights and rules as the next version."""
    row = queries.own_strategy(user=request.user, public_id=strategy_id)
    form = PublishForm(request.POST)
    if not form.is_valid():
        return _editor_of(request, row, publish_form=form, status=400)
    count_try(request, PUBLISH)
    try:
        made = operations.publish(
            strategy=row,
            user=request.user,
            change_note=form.cleaned_data["change_note"],
            listed=form.cleaned_data["listed"],
            now=timezone.now(),
        )
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _editor_of(request, row, publish_form=form, status=refusal.status)
    assert made.current_version is not None, "what is published has a version"
    messages.success(request, f"Version {made.current_version.number} is published.")
    return redirect("strategy_edit", strategy_id)


@for_investors("POST")
def strategy_retire(request: SignedIn, strategy_id: UUID) -> HttpResponse:
    """Retire a strategy: it leaves the lists and gets no further version."""
    row = queries.own_strategy(user=request.user, public_id=strategy_id)
    operations.retire(strategy=row, now=timezone.now())
    messages.success(request, "The strategy is retired. Its page and its record stay.")
    return redirect("my_strategies")


def _editor(request: SignedIn, row: Strategy | None) -> HttpResponse:
    if request.method != "POST":
        return _editor_of(request, row)
    form, rows = StrategyForm(request.POST), _rows(request)
    if request.POST.get("action") == "rows":
        return _editor_of(request, row, form=form, rows=rows)
    if not form.is_valid():
        return _editor_of(request, row, form=form, rows=rows, status=400)
    try:
        public_id = _saved(request, row, form, rows)
    except BallastError as refusal:
        add_refusal(form, refusal)
        return _editor_of(request, row, form=form, rows=rows, status=refusal.status)
    messages.success(request, "Saved. Nobody sees new weights until you publish them.")
    return redirect("strategy_edit", public_id)


def _saved(
    request: SignedIn, row: Strategy | None, form: StrategyForm, rows: list[WeightRow]
) -> str:
    """Write the form, a new strategy once for its key; return the id."""
    content, now = _content(form, rows), timezone.now()
    if row is not None:
        operations.change_strategy(strategy=row, user=request.user, content=content, now=now)
        return str(row.public_id)

    def effect(_: object) -> Answer:
        made = operations.create_strategy(user=request.user, content=content, now=now)
        return 201, {"id": str(made.public_id)}

    _, body = answered_once(request, subject=request.user, effect=effect, now=now)
    return str(body["id"])


def _content(form: StrategyForm, rows: list[WeightRow]) -> operations.Content:
    data = form.cleaned_data
    wishes = [
        operations.WeightWish(
            target_percentage=one.target_percentage,
            rebalance_threshold=one.rebalance_threshold,
            threshold_kind=one.threshold_kind,
            symbol=one.symbol,
            asset_class=one.asset_class,
            funds=one.funds,
        )
        for one in stated(rows, AssetClass.values)
    ]
    return operations.Content(
        name=data["name"],
        summary=data["summary"],
        description=data["description"],
        risk_profile=data["risk_profile"],
        tags=[tag for tag in data["tags"].split(",") if tag.strip()],
        weights=wishes,
        rules=Rules(Schedule(data["schedule"]), bands=data["bands"]),
        author_name=data["author_name"] or None,
    )


def _editor_of(
    request: SignedIn,
    row: Strategy | None,
    *,
    form: StrategyForm | None = None,
    rows: list[WeightRow] | None = None,
    publish_form: PublishForm | None = None,
    status: int = 200,
) -> HttpResponse:
    if rows is None:
        rows = rows_of(row.draft_weights) if row else []
    description = row.description if row else ""
    if form is not None:
        description = _description(request)
    version = row.current_version if row else None
    changes: Any = ()
    rules_changed = False
    if row is not None and version is not None:
        rules_changed = row.draft_rules != version.rules
        changes = weight_changes(unpacked(version.targets.weights), unpacked(row.draft_weights))
    context = {
        "strategy": row,
        "form": form or StrategyForm(initial=_initial(request, row)),
        "publish_form": publish_form
        or PublishForm(initial={"listed": row is None or row.state != StrategyState.UNLISTED}),
        "rows": [*rows, *[WeightRow()] * ROWS_ADDED],
        "classes": AssetClass.choices,
        "key": request.POST.get("key") or str(uuid7()),
        "version": version,
        "changes": changes,
        "rules_changed": rules_changed,
        "is_retired": row is not None and row.state == StrategyState.RETIRED,
        **_preview(rows, description),
    }
    return shown(request, "strategy_edit", context, status=status)


def _initial(request: SignedIn, row: Strategy | None) -> dict[str, Any]:
    author = StrategyAuthor.objects.filter(user=request.user).first()
    found: dict[str, Any] = {"author_name": author.name if author else ""}
    if row is None:
        return {**found, "risk_profile": RiskProfile.BALANCED, "bands": True}
    rules = strategy_rules.unpacked(row.draft_rules)
    return {
        **found,
        "name": row.name,
        "summary": row.summary,
        "description": row.description,
        "risk_profile": row.risk_profile,
        "tags": ", ".join(row.tags),
        "schedule": rules.schedule.value,
        "bands": rules.bands,
    }


def _preview(rows: list[WeightRow], description: str) -> dict[str, Any]:
    return {"sum": sum_of(rows), "sum_is_whole": is_whole(rows), "prose": rendered(description)}


def _rows(request: SignedIn) -> list[WeightRow]:
    return typed_rows([request.POST.getlist(name) for name in _COLUMNS])


def _description(request: SignedIn) -> str:
    field = StrategyForm.base_fields["description"]
    return request.POST.get("description", "")[: field.max_length]  # type: ignore[attr-defined]
