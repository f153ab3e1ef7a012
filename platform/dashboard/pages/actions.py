"""The pages of corporate actions: the list with a form to propose one, and one before and after."""

from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from core.errors import BallastError, InvalidInput
from dashboard.forms.actions import ActionForm
from dashboard.forms.entries import add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.query_parameters import page_asked
from edge.pagination import counted
from edge.serializers import QuantityField
from marketdata.corporate_actions import sentence
from marketdata.models import ActionState, CorporateAction
from marketdata.queries import assets, corporate_action
from stores.database import snapshot
from transactions.models import ActionRun
from transactions.operations.actions import (
    Position,
    PreviewedPart,
    confirm_own,
    previewed,
    propose_own,
    withdraw_own,
)
from transactions.queries.actions import actions, booking_state, runs_of

ROWS_SHOWN = 50
SUGGESTIONS_MAX = 300
LOTS_SHOWN = 50


@for_investors("GET", "POST")
def corporate_actions(request: SignedIn) -> HttpResponse:
    """List the actions of securities the household holds or held; propose one."""
    form = ActionForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound:
        status = 400
        if form.is_valid():
            try:
                made, new = propose_own(user=request.user, now=timezone.now(), **form.stated())
            except BallastError as refusal:
                add_refusal(form, refusal)
                status = refusal.status
            else:
                if not new:
                    messages.info(request, "This event is already listed.")
                return redirect("corporate_action", made.public_id)
    rows = actions(user=request.user, held=True)
    pages = max(1, -(-counted(rows) // ROWS_SHOWN))
    number = page_asked(request, pages=pages)
    found = list(rows[(number - 1) * ROWS_SHOWN : number * ROWS_SHOWN])
    runs = runs_of(action_ids=[row.pk for row in found], household_id=request.user.household_id)
    return shown(
        request,
        "corporate_actions",
        {
            "section": "corporate_actions",
            "form": form,
            "rows": [_line(row, runs.get(row.pk)) for row in found],
            "page_number": number,
            "pages": pages,
            "assets": assets(user=request.user)[:SUGGESTIONS_MAX],
        },
        status=status,
    )


def _line(action: CorporateAction, run: ActionRun | None) -> dict[str, object]:
    return {
        "action": action,
        "title": sentence(action.terms),
        "booking": booking_state(run),
        "state": action.state,
    }


@for_investors("GET", "POST")
def corporate_action_page(request: SignedIn, action_id: UUID) -> HttpResponse:
    """Show an action and each account before and after it; confirm or withdraw it."""
    action = corporate_action(user=request.user, public_id=action_id)
    if request.method == "POST":
        _decide(request, action)
        return redirect("corporate_action", action_id)
    # An adviser sees a client's action in the client's accounts, and decides nothing.
    household_id = action.household_id or request.user.household_id
    with snapshot():
        parts, refusal = previewed(action=action, household_id=household_id, now=timezone.now())
        run = runs_of(action_ids=[action.pk], household_id=household_id).get(action.pk)
    booking = booking_state(run)
    own = household_id == request.user.household_id
    withdrawn = action.state == ActionState.WITHDRAWN
    return shown(
        request,
        "corporate_action",
        {
            "section": "corporate_actions",
            **_line(action, run),
            "about": action.terms.about.about,
            "ratio": action.terms.ratio is not None,
            "refusal": refusal,
            "run": run,
            "tenders": action.kind == "exchange_offer",
            "parts": [_shown(part, action) for part in parts],
            "may_confirm": own
            and not withdrawn
            and (
                booking in ("none", "reversed")
                or any(part.outcome in ("to_book", "reversed") for part in parts)
            ),
            "may_withdraw": own and booking in ("booked", "due", "failed"),
        },
    )


def _decide(request: SignedIn, action: CorporateAction) -> None:
    """Confirm or withdraw the action, and show the result."""
    user, now = request.user, timezone.now()
    try:
        if request.POST.get("decision") == "withdraw":
            run = withdraw_own(action=action, user=user, now=now)
            done = "The transactions of the event were reversed."
        else:
            run = confirm_own(
                action=action, user=user, now=now, tendered=_tendered(request, action)
            )
            done = "The event is booked in your accounts."
    except BallastError as refusal:
        messages.error(request, refusal.detail)
        return
    if run is not None and run.done_at is None:
        done = "Saved. Your accounts are updated in the background, or on the day it is due."
    messages.success(request, done)


def _tendered(request: SignedIn, action: CorporateAction) -> dict[UUID, Decimal] | None:
    """Return the units that the page's form tenders, by account; None for any other action."""
    if action.kind != "exchange_offer":
        return None
    found: dict[UUID, Decimal] = {}
    for name, text in request.POST.items():
        _, _, account = name.partition("tendered-")
        if not account or not str(text).strip():
            continue
        try:
            found[UUID(account)] = QuantityField().run_validation(str(text))
        except (ValueError, ValidationError):
            raise InvalidInput(
                f"{str(text)[:20]!r} is not a number of units. Write it as in 12.5.",
                code="invalid",
            ) from None
    return found


def _shown(part: PreviewedPart, action: CorporateAction) -> dict[str, object]:
    """Return an account's part with its figures side by side."""
    rows = []
    if part.before is not None and part.after is not None:
        new = action.new_asset.symbol if action.new_asset else ""
        rows = _figures(part.before, part.after, action.asset.symbol, new)
    return {
        "account": part.account,
        "outcome": part.outcome,
        "refusal": part.refusal,
        "rows": rows,
        "gains": part.gains,
        "before": part.before.lots[:LOTS_SHOWN] if part.before else (),
        "after": part.after.lots[:LOTS_SHOWN] if part.after else (),
        "more": part.after is not None and len(part.after.lots) > LOTS_SHOWN,
    }


def _figures(before: Position, after: Position, symbol: str, new: str) -> list[dict[str, object]]:
    def row(label: str, what: str, one: object, other: object) -> dict[str, object]:
        return {"label": label, "what": what, "before": one, "after": other}

    rows = [
        row(f"Units of {symbol}", "units", before.quantity, after.quantity),
        row(f"Cost basis of {symbol}", "money", before.cost_basis, after.cost_basis),
    ]
    if new:
        rows += [
            row(f"Units of {new}", "units", before.new_quantity, after.new_quantity),
            row(f"Cost basis of {new}", "money", before.new_cost_basis, after.new_cost_basis),
        ]
    return [*rows, row("Cash of the account", "money", before.cash, after.cash)]
