"""Target weights from a model: the questionnaire, the models, one model, and its adoption."""

from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from core.errors import BallastError, Conflict
from dashboard.forms.allocations import ModelForm, QuestionnaireForm
from dashboard.forms.entries import add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.posts import id_sent
from dashboard.presenters.allocations import changes, compared
from edge.pagination import keyset_page
from jobs.models import ACTIVE
from portfolios.queries import target_weights
from recommendations import operations, queries
from recommendations.allocations.cautions import THIN
from recommendations.allocations.problem import SYMBOLS_MAX, labels
from recommendations.allocations.questionnaire import (
    METHOD,
    QUESTIONS,
    SOURCES,
    profile_named,
)
from recommendations.allocations.result import stored_fit
from recommendations.models import AllocationModel
from recommendations.operations.allocations import THRESHOLD_DEFAULT, targets_of
from recommendations.operations.fit_requests import NO_PROFILE, held_symbols
from transactions import queries as ledger
from transactions.models import Account
from transactions.queries.ledger import unknown_account

MODELS_SHOWN = 20
ACCOUNTS_SHOWN_MAX = 100


@for_investors("GET", "POST")
def questionnaire(request: SignedIn) -> HttpResponse:
    """Show the questions and keep complete answers; the profile they gave is shown above."""
    form, status = QuestionnaireForm(request.POST or None), 200
    if request.method == "POST":
        if form.is_valid():
            row = operations.answer_questionnaire(
                household=request.user.household,
                user=request.user,
                answers=form.cleaned_data,
                now=timezone.now(),
            )
            messages.success(request, f"Your risk profile is {row.profile}.")
            return redirect("questionnaire")
        status = 400
    latest = queries.latest_assessment(household_id=request.user.household_id)
    return shown(
        request,
        "questionnaire",
        {
            "form": form,
            "questions": [(form[one.id], number) for number, one in enumerate(QUESTIONS, 1)],
            "latest": latest,
            "profile": profile_named(latest.profile) if latest else None,
            "method": METHOD,
            "sources": SOURCES,
        },
        status=status,
    )


@for_investors("GET", "POST")
def models(request: SignedIn) -> HttpResponse:
    """List the household's models, and request another one from typed symbols or holdings."""
    account = _account_asked(request)
    household = account.household if account else request.user.household
    latest = queries.latest_assessment(household_id=household.pk)
    form, status = _model_form(request, account, latest.profile if latest else NO_PROFILE), 200
    if request.method == "POST":
        if form.is_valid():
            try:
                row = operations.request_fit(
                    household=household,
                    request=operations.fit_request(
                        household=household,
                        account=account,
                        user=request.user,
                        asked=form.asked(),
                    ),
                    user=request.user,
                    now=timezone.now(),
                )
            except BallastError as refusal:
                add_refusal(form, refusal)
                status = refusal.status
            else:
                return redirect("model", row.public_id)
        else:
            status = 400
    rows, following = keyset_page(
        queries.allocations(user=request.user).defer(
            "result", "request", "job__params", "job__result"
        ),
        sort_key="created_at",
        cursor=request.GET.get("cursor", ""),
        size=MODELS_SHOWN,
    )
    return shown(
        request,
        "models",
        {
            "form": form,
            "rows": rows,
            "next_cursor": following,
            "latest": latest,
            "accounts": _accounts(request),
            "chosen": account,
        },
        status=status,
    )


def _model_form(request: SignedIn, account: Account | None, profile: str) -> ModelForm:
    if request.method == "POST":
        return ModelForm(request.POST)
    held = held_symbols(account)[:SYMBOLS_MAX] if account else []
    return ModelForm(initial={"symbols": " ".join(held), "risk_profile": profile})


@for_investors("GET")
def model(request: SignedIn, model_id: UUID) -> HttpResponse:
    """Show a model: its progress, or weights and evidence, and what adopting it would change."""
    row = queries.allocation(user=request.user, public_id=model_id)
    context = _facts(row)
    if row.result is None:
        return shown(request, "model_waiting", context)
    try:
        result = stored_fit(row.result)
    except Conflict as refusal:
        return shown(request, "model_waiting", {**context, "outdated": refusal.detail})
    account = _account_asked(request)
    if account is not None and account.household_id != row.household_id:
        account = None
    threshold = THRESHOLD_DEFAULT
    return shown(
        request,
        "model",
        {
            **context,
            "result": result,
            "thin": [one for one in result.cautions if one.code in THIN],
            "others": [one for one in result.cautions if one.code not in THIN],
            "compared": compared(result.evidence) if result.evidence else (),
            "accounts": [one for one in _accounts(request) if one.household_id == row.household_id],
            "chosen": account,
            "threshold": threshold,
            "changes": changes(
                target_weights(account_pk=account.pk), targets_of(row, threshold=threshold)
            )
            if account
            else (),
        },
    )


@for_investors("GET")
def model_progress(request: SignedIn, model_id: UUID) -> HttpResponse:
    """Return the card that polls until the model is fitted."""
    row = queries.allocation(user=request.user, public_id=model_id)
    if row.result is not None:
        return HttpResponseClientRedirect(reverse("model", args=[model_id]))
    return shown(request, "_model_progress", _facts(row))


@for_investors("POST")
def model_adopt(request: SignedIn, model_id: UUID) -> HttpResponse:
    """Make the weights the targets of the chosen account."""
    row = queries.allocation(user=request.user, public_id=model_id)
    account_id = id_sent(request, "account", missing=unknown_account())
    account = ledger.account(user=request.user, public_id=account_id)
    try:
        operations.adopt(row=row, account=account, threshold=Decimal(THRESHOLD_DEFAULT))
    except BallastError as refusal:
        messages.error(request, refusal.detail)
        return redirect("model", model_id)
    messages.success(request, f"The targets of {account.name} are the weights of this model now.")
    return redirect("targets", account.public_id)


def _facts(row: AllocationModel) -> dict[str, object]:
    return {
        "row": row,
        "label": labels()[row.model],
        "symbols": row.request.get("symbols", []),
        "years": row.request.get("years"),
        "active": row.result is None and row.job.status in ACTIVE,
    }


def _account_asked(request: SignedIn) -> Account | None:
    text = request.GET.get("account", "")
    if not text:
        return None
    try:
        public_id = UUID(text)
    except ValueError:
        raise unknown_account() from None
    return ledger.account_with_owner(user=request.user, public_id=public_id)


def _accounts(request: SignedIn) -> list[Account]:
    return list(ledger.accounts(user=request.user)[:ACCOUNTS_SHOWN_MAX])
