"""The page of a household's tax settings."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from core.errors import BallastError
from dashboard.forms.entries import add_refusal
from dashboard.forms.taxes import CarryforwardRows, FilingForm, initial, stated
from dashboard.pages.frame import SignedIn, for_investors, shown
from identity.queries import members
from portfolios.operations import set_taxes
from portfolios.queries.taxes import household, tax_settings


@for_investors("GET", "POST")
def tax_filing(request: SignedIn) -> HttpResponse:
    """Show and save the filing status and the losses carried in of the user's household.

    Advisers set those of their clients over the API.
    """
    home = household(user=request.user, public_id=None)
    people = list(members(household=home))
    known = tax_settings(household=home)
    posted = request.POST if request.method == "POST" else None
    form = FilingForm(posted, initial={"filing_status": known.filing_status.value})
    rows = CarryforwardRows(
        posted,
        initial=[initial(row) for row in known.carryforwards],
        form_kwargs={"people": people},
        prefix="carried",
    )
    status = 200
    if posted is not None:
        status = 400
        if form.is_valid() and rows.is_valid():
            try:
                set_taxes(
                    household=home,
                    filing_status=form.cleaned_data["filing_status"],
                    carryforwards=stated(rows),
                    now=timezone.now(),
                )
            except BallastError as refusal:
                add_refusal(form, refusal)
                status = refusal.status
            else:
                messages.success(request, "Tax return saved.")
                return redirect("tax_filing")
    return shown(
        request, "tax_filing", {"form": form, "rows": rows, "household": home}, status=status
    )
