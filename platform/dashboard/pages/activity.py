"""The page of all transactions: the ledger of every account, filtered."""

from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse

from core.errors import InvalidInput
from dashboard.forms.activity import ActivityForm
from dashboard.forms.entries import add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.queries import ACCOUNTS_SHOWN_MAX
from edge.filters import filtered
from edge.pagination import keyset_page
from transactions import queries as ledger
from transactions.models import Transaction
from transactions.queries.filters import TransactionFilter

ROWS_SHOWN = 50


@for_investors("GET")
def activity(request: SignedIn) -> HttpResponse:
    """List the transactions of all accounts, newest first, as the form filters them."""
    accounts = list(
        ledger.accounts(user=request.user).values_list("public_id", "name")[:ACCOUNTS_SHOWN_MAX]
    )
    form = ActivityForm(request.GET, accounts=[(str(key), name) for key, name in accounts])
    rows: list[Transaction] = []
    following, status = None, 400
    if form.is_valid():
        asked = {name: value for name, value in form.stated().items() if value}
        try:
            of = asked.pop("account", None)
            found = ledger.transactions(
                user=request.user,
                account_id=UUID(of) if of else None,
                reversed=None if asked.pop("reversed", None) else False,
            )
            rows, following = keyset_page(
                filtered(TransactionFilter, params=asked, rows=found),
                sort_key="executed_at",
                cursor=request.GET.get("cursor", ""),
                size=ROWS_SHOWN,
            )
            status = 200
        except InvalidInput as refusal:
            add_refusal(form, refusal)
    context = {
        "form": form,
        "rows": rows,
        "accounts": accounts,
        "filtering": form.is_filtering,
        "next_query": urlencode({**form.as_query(), "cursor": following}) if following else "",
    }
    fragment = "HX-Request" in request.headers
    return shown(request, "_activity_rows" if fragment else "activity", context, status=status)
