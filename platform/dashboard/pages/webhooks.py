"""The user's webhooks, their secrets and their logs."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError, InvalidInput
from dashboard.forms.entries import add_refusal
from dashboard.forms.notices import WebhookForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from notifications import operations, queries
from notifications.topics import TOPICS

DELIVERIES_SHOWN = 50


@for_investors("GET", "POST")
def webhooks(request: SignedIn) -> HttpResponse:
    """Show the webhooks; a POST registers another."""
    form = WebhookForm(request.POST if request.method == "POST" else None)
    status = 200
    if form.is_bound and form.is_valid():
        try:
            hook = operations.create_webhook(
                user=request.user,
                url=form.cleaned_data["url"].strip(),
                topics=form.cleaned_data["topics"],
                now=timezone.now(),
            )
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            messages.success(request, "Webhook added. Copy its secret, then send a test.")
            return redirect("webhook", hook.public_id)
    elif form.is_bound:
        status = 400
    return shown(
        request,
        "webhooks",
        {
            "section": "notices",
            "view": "webhooks",
            "form": form,
            "hooks": list(queries.webhooks(user=request.user)[:50]),
        },
        status=status,
    )


@for_investors("GET", "POST")
def webhook(request: SignedIn, webhook_id: UUID) -> HttpResponse:
    """Show a webhook and its log; a POST tests, switches, rotates, shows the secret or deletes."""
    hook = queries.webhook(user=request.user, public_id=webhook_id)
    now = timezone.now()
    secret = ""
    if request.method == "POST":
        wanted = request.POST.get("do")
        if wanted == "test":
            operations.send_test(webhook=hook, now=now)
            messages.success(request, "Test sent. Its outcome appears below within seconds.")
        elif wanted in ("on", "off"):
            operations.change_webhook(webhook=hook, enabled=wanted == "on")
            messages.success(request, f"Webhook switched {wanted}.")
        elif wanted == "delete":
            operations.delete_webhook(webhook=hook)
            messages.success(request, "Webhook deleted.")
            return redirect("webhooks")
        elif wanted in ("rotate", "show"):
            if wanted == "rotate":
                hook = operations.rotate_secret(webhook=hook, now=now)
            secret = operations.shown_secret(hook, now=now)
        else:
            raise InvalidInput("This page does not know that button. Reload it.")
        if not secret:
            return redirect("webhook", webhook_id)
    return shown(
        request,
        "webhook",
        {
            "section": "notices",
            "view": "webhooks",
            "hook": hook,
            "topics": [TOPICS[name].title for name in hook.topics if name in TOPICS],
            "secret": secret,
            "rotating": hook.previous_until is not None and hook.previous_until > now,
            "deliveries": list(queries.webhook_deliveries(webhook=hook)[:DELIVERIES_SHOWN]),
        },
    )
