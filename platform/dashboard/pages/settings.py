"""The page of a user's settings."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError
from dashboard.forms.entries import SettingsForm, add_refusal, stated
from dashboard.pages.frame import SignedIn, for_investors, shown
from identity.operations.users import change_profile
from identity.queries import profile


@for_investors("GET", "POST")
def settings(request: SignedIn) -> HttpResponse:
    """Show and save the name, the base currency and the tax rates."""
    user = profile(user_id=request.user.pk)
    form = SettingsForm(request.POST if request.method == "POST" else None, initial=stated(user))
    status = 200
    if form.is_bound and form.is_valid():
        try:
            change_profile(user=user, changes=form.changes(), now=timezone.now())
        except BallastError as refusal:
            add_refusal(form, refusal)
            status = refusal.status
        else:
            messages.success(request, "Settings saved.")
            return redirect("settings")
    elif form.is_bound:
        status = 400
    return shown(request, "settings", {"form": form, "household": user.household}, status=status)
