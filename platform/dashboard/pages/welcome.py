"""The first steps: three screens after the sign-up, sample data, and the list on the home.

about     where totals are counted and tax is paid
source    a file, typing, or sample data
account   what the account of the file is; then the preview of the file
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from core.errors import BallastError
from dashboard.forms.entries import RATES, add_refusal
from dashboard.forms.welcome import ELSEWHERE, UNITED_STATES, AboutForm, FirstAccountForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.imports import UploadForm, batch_of
from dashboard.presenters.first_steps import FirstSteps, Step
from dashboard.queries import Overview
from identity.models import User
from identity.operations.users import change_profile, close_first_steps
from portfolios.operations.samples import load_sample, remove_sample, sample_is_available
from transactions import queries as ledger
from transactions.files.formats.detection import title_of
from transactions.models import HoldingPeriodMethod, Import, ImportStatus
from transactions.operations.imports.first_files import bring_first, settle_account
from transactions.operations.policies import set_policy
from transactions.queries.imports import import_line


@for_investors("GET", "POST")
def welcome(request: SignedIn) -> HttpResponse:
    """Ask where totals are counted and tax is paid."""
    form = AboutForm(
        request.POST if request.method == "POST" else None,
        initial={"base_currency": request.user.base_currency, "taxed_in": UNITED_STATES},
    )
    if form.is_bound and form.is_valid():
        _tell(request.user, form)
        return redirect("welcome_source")
    return shown(request, "welcome", {"form": form, "step": 1}, status=400 if form.errors else 200)


def _tell(user: User, form: AboutForm) -> None:
    now, data = timezone.now(), form.cleaned_data
    changes: dict[str, object] = {"base_currency": data["base_currency"]}
    with transaction.atomic():
        if data["taxed_in"] == ELSEWHERE:
            changes |= dict.fromkeys(RATES, Decimal(0))
            set_policy(
                user=user,
                household_id=None,
                enabled=False,
                earlier_acquired_count=True,
                holding_period=HoldingPeriodMethod.ADD_DAYS,
                employer_plan_counts=True,
                crypto_exempt=True,
                now=now,
            )
        change_profile(user=user, changes=changes, now=now)


@for_investors("GET", "POST")
def welcome_source(request: SignedIn) -> HttpResponse:
    """Offer a file, typing or sample data; open an account for a file that is sent."""
    bound = request.method == "POST"
    form = UploadForm(request.POST if bound else None, request.FILES if bound else None)
    status = 200
    if bound:
        batch, status = _brought(request, form)
        if batch is not None:
            return redirect("welcome_account", batch.account.public_id, batch.public_id)
    accounts = list(
        ledger.accounts(user=request.user)
        .filter(household_id=request.user.household_id)
        .order_by("id")[:1]
    )
    return shown(
        request,
        "welcome_source",
        {
            "form": form,
            "step": 2,
            "has_accounts": bool(accounts),
            "has_sample": any(account.is_sample for account in accounts),
            "sample": sample_is_available(as_of=timezone.now().date()),
        },
        status=status,
    )


def _brought(request: SignedIn, form: UploadForm) -> tuple[Import | None, int]:
    if not form.is_valid():
        return None, 400
    try:
        batch = bring_first(
            upload=form.upload(),
            user=request.user,
            currency=request.user.base_currency,
            now=timezone.now(),
        )
    except BallastError as refusal:
        form.add_error("file" if form.cleaned_data["file"] else "pasted", refusal.detail)
        return None, refusal.status
    return batch, 201


@for_investors("GET", "POST")
def welcome_account(request: SignedIn, account_id: UUID, import_id: UUID) -> HttpResponse:
    """Ask what the account of the file is, and go on to the preview of the file."""
    batch = batch_of(request, account_id, import_id)
    account = batch.account
    form = FirstAccountForm(
        request.POST if request.method == "POST" else None,
        initial={"name": account.name, "type": account.type, "currency": account.currency},
        currency=account.currency,
    )
    status = 200
    if form.is_bound and form.is_valid():
        try:
            settle_account(batch=batch, user=request.user, now=timezone.now(), **form.cleaned_data)
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            unread = batch.status == ImportStatus.FAILED
            return redirect("mapping" if unread else "import", account_id, import_id)
    elif form.is_bound:
        status = 400
    context = {
        "form": form,
        "step": 3,
        "line": import_line(batch),
        "format_name": title_of(batch.format),
        "file_account": account,
    }
    return shown(request, "welcome_account", context, status=status)


@for_investors("POST")
def sample_load(request: SignedIn) -> HttpResponse:
    """Load the sample accounts, and show the home with them."""
    load_sample(user=request.user, now=timezone.now())
    messages.success(
        request, "Sample data is loaded. Look around; remove it whenever you want to begin."
    )
    return redirect("overview")


@for_investors("POST")
def sample_remove(request: SignedIn) -> HttpResponse:
    """Remove the sample accounts, and offer to begin."""
    count = remove_sample(user=request.user, now=timezone.now())
    messages.success(request, f"The {count} sample accounts are removed.")
    return redirect("welcome_source")


@for_investors("POST")
def first_steps_close(request: SignedIn) -> HttpResponse:
    """Put the list of first steps away."""
    close_first_steps(user=request.user, now=timezone.now())
    return redirect("overview")


def first_steps(*, user: User, found: Overview, newest: dict[int, date]) -> FirstSteps | None:
    """Return the first steps of a user, from what the home has read; None if nothing is left."""
    lines = [line for line in found.lines if line.account.household_id == user.household_id]
    if user.first_steps_closed_at is not None or not lines:
        return None
    if any(line.account.is_sample for line in lines):
        return None
    first = lines[0].account.public_id
    unpriced: Sequence[str] = found.totals.unpriced
    steps = FirstSteps(
        [
            Step(
                "Add an account",
                "It holds your cash and securities.",
                "Add account",
                reverse("account_new"),
                done=True,
            ),
            Step(
                "Bring your transactions",
                "A file of your broker or your previous program, or type them.",
                "Bring a file",
                reverse("imports", args=[first]),
                done=any(line.account.pk in newest for line in lines),
            ),
            Step(
                "Give every holding a price",
                f"{', '.join(unpriced[:3])} count nothing until they have one."
                if unpriced
                else "Prices of all holdings are known.",
                "Enter a price",
                reverse("asset_prices", args=[unpriced[0]]) if unpriced else reverse("prices"),
                done=any(line.page.rows for line in lines) and not unpriced,
            ),
            Step(
                "Set targets",
                "What each holding should be, so that Ballast can tell you when it is not.",
                "Set targets",
                reverse("targets", args=[first]),
                done=any(line.page.has_aims for line in lines),
            ),
            Step(
                "Confirm your tax rates",
                "Every trade that is proposed weighs its tax by them.",
                "Open settings",
                reverse("settings"),
                done=user.rates_stated_at is not None,
            ),
        ]
    )
    return steps if steps.next else None
