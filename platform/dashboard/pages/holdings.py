"""All holdings of all accounts in one table: sorted, filtered, grouped, as a page and as a file."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from core.errors import InvalidInput
from dashboard.forms.holdings import HoldingsForm
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.pages.query_parameters import page_asked
from dashboard.presenters.holding_table import as_csv, cells, headings, sum_cells
from edge.pagination import PAGE_NUMBER_MAX
from portfolios.holdings.tables import CHOOSABLE, COLUMNS, SORT_DEFAULT, Filters, Table, table
from portfolios.operations.columns import choose_columns
from portfolios.queries.holding_lines import HoldingLines, chosen_columns, holding_lines

ROWS_SHOWN = 100
_NO_FILTER = ("account", "group", "sort")
_ASKED = ("account", "q", "asset_class", "currency", "losses", "group", "sort")


@for_investors("GET")
def holdings(request: SignedIn) -> HttpResponse:
    """Show every holding of every account the person may see, or of one account."""
    now, form = timezone.now(), _form(request)
    columns = ("symbol", *chosen_columns(user=request.user))
    found, made = _table(request, form, columns)
    currency, sort = found.household.currency, _sort(form)
    heads = headings(columns=columns, sort=sort)
    query: dict[str, str] = {name: value for name in _ASKED if (value := request.GET.get(name))}
    kept: dict[str, str] = {name: query[name] for name in _NO_FILTER if name in query}
    context: dict[str, Any] = {
        "section": "holdings",
        "form": form,
        # One account is the scope of the navigation.
        "account": found.accounts[0] if form.cleaned_data["account"] else None,
        "found": found,
        "table": made,
        "currency": currency,
        "headings": [(one, urlencode({**query, "sort": one.sort})) for one in heads],
        "sorted_by": next((one for one in heads if one.sorted), None),
        "groups": [
            (
                one,
                sum_cells(one.sums, columns=columns[1:], currency=currency),
                [
                    (row, cells(row, columns=columns[1:], currency=currency, now=now))
                    for row in one.rows
                ],
            )
            for one in made.groups
        ],
        "sum_cells": sum_cells(made.sums, columns=columns[1:], currency=currency),
        "choices": [(name, COLUMNS[name].label, name in columns) for name in CHOOSABLE],
        "currencies": sorted({row.position.currency for row in found.lines}),
        "query": urlencode(query),
        "filtered": form.filters != Filters(),
        "cleared": urlencode(kept),
    }
    return shown(request, "holdings", context)


@for_investors("GET")
def holdings_csv(request: SignedIn) -> HttpResponse:
    """Return the rows that match, all pages of them, with the columns shown."""
    form = _form(request)
    columns = ("symbol", *chosen_columns(user=request.user))
    found, made = _table(request, form, columns)
    text = as_csv(rows=made.matches, columns=columns, currency=found.household.currency)
    day = timezone.now().date()
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="holdings-{day}.csv"'},
    )


@for_investors("POST")
def holdings_columns(request: SignedIn) -> HttpResponse:
    """Keep the chosen columns, and return to the table as it was."""
    choose_columns(user=request.user, names=request.POST.getlist("columns"))
    asked = QueryDict(request.POST.get("query", ""))
    query = {name: value for name in _ASKED if (value := asked.get(name))}
    return redirect(reverse("holdings") + (f"?{urlencode(query)}" if query else ""))


def _form(request: SignedIn) -> HoldingsForm:
    form = HoldingsForm(request.GET)
    if not form.is_valid():
        raise InvalidInput(
            "This table cannot be shown: "
            f"{', '.join(sorted(form.errors))} is not one of the choices. Open Holdings again.",
            code="filter_invalid",
        )
    return form


def _table(
    request: SignedIn, form: HoldingsForm, columns: tuple[str, ...]
) -> tuple[HoldingLines, Table]:
    sort = _sort(form)
    used = {*columns, sort.removeprefix("-")}
    found = holding_lines(
        user=request.user,
        account_id=form.cleaned_data["account"],
        now=timezone.now(),
        with_past=any(COLUMNS[name].past for name in used),
    )
    made = table(
        rows=found.lines,
        total=found.household.total,
        filters=form.filters,
        sort=sort,
        group=form.cleaned_data["group"],
        page=page_asked(request, pages=PAGE_NUMBER_MAX),
        page_size=ROWS_SHOWN,
    )
    return found, made


def _sort(form: HoldingsForm) -> str:
    return form.cleaned_data["sort"] or SORT_DEFAULT
