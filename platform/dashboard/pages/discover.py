"""The page that finds strategies: search as you type, filters with counts, several orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString, mark_safe

from core.errors import InvalidInput
from dashboard.forms.discover import DiscoverForm
from dashboard.forms.entries import add_refusal
from dashboard.pages.frame import SignedIn, for_investors, shown
from marketdata.models import AssetClass
from recommendations.models import RiskProfile, Strategy
from recommendations.queries.strategy_search import (
    CANDIDATES_MAX,
    RECORD_DAYS_MIN,
    SUGGESTED_FROM_LENGTH,
    Found,
    Hit,
    Sort,
    search,
    search_text,
)

ROWS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class HitShown:
    """A strategy as the page lists it."""

    strategy: Strategy
    address: str
    name: SafeString
    summary: SafeString
    description: SafeString


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a filter: its words, how many matches have it, whether it is chosen."""

    value: str
    label: str
    count: int
    chosen: bool


@for_investors("GET")
def discover(request: SignedIn) -> HttpResponse:
    """Show the strategies that match; as a fragment for who is typing, and for further rows."""
    form, cursor = DiscoverForm(request.GET), request.GET.get("cursor") or None
    found = Found((), 0, True, None, None)
    status = 200
    if form.is_valid():
        try:
            found = _found(form, cursor)
        except InvalidInput as refusal:
            add_refusal(form, refusal)
            status = refusal.status
    else:
        status = 400
    query = form.as_query() if status == 200 else []
    context = {
        "form": form,
        "hits": [_shown(hit) for hit in found.hits],
        "found": found,
        "counted_max": CANDIDATES_MAX,
        "record_days_min": RECORD_DAYS_MIN,
        "filtering": [one for one in query if one[0] != "sort"],
        "choices": _choices(request, found),
        "next_query": urlencode([*query, ("cursor", found.next_cursor)])
        if found.next_cursor
        else "",
    }
    if "HX-Request" not in request.headers:
        return shown(request, "discover", context, status=status)
    return shown(request, "_discover_rows" if cursor else "_discover_found", context, status=status)


def _found(form: DiscoverForm, cursor: str | None) -> Found:
    typed = form.cleaned_data["q"]
    # One letter finds too much to be meant.
    text = search_text(typed if len(typed.strip()) >= SUGGESTED_FROM_LENGTH else "", typing=True)
    default = Sort.FOLLOWERS if text.is_empty else Sort.RELEVANCE
    return search(
        text=text,
        filters=form.filters(),
        sort=Sort(form.cleaned_data["sort"] or default),
        size=ROWS_SHOWN,
        cursor=cursor,
    )


def _shown(hit: Hit) -> HitShown:
    try:
        address = reverse("strategy", args=[hit.strategy.public_id])
    except NoReverseMatch:
        address = ""
    # `strategies.search_text.marked` escaped everything but the marks.
    return HitShown(
        hit.strategy,
        address,
        mark_safe(hit.name_html),
        mark_safe(hit.summary_html),
        mark_safe(hit.description_html),
    )


def _choices(request: SignedIn, found: Found) -> dict[str, Sequence[Choice]]:
    counts = found.counts
    tags: Mapping[str, int] = counts.tags if counts else {}
    chosen_tags = request.GET.getlist("tags")
    listed = dict.fromkeys([*chosen_tags[:10], *tags])
    return {
        "risk_profile": _of(
            request, "risk_profile", RiskProfile.choices, counts.risk_profile if counts else {}
        ),
        "asset_classes": _of(
            request, "asset_classes", AssetClass.choices, counts.asset_classes if counts else {}
        ),
        "tags": _of(request, "tags", [(tag, tag) for tag in listed], tags),
    }


def _of(
    request: SignedIn, name: str, choices: Sequence[tuple[str, str]], counts: Mapping[str, int]
) -> list[Choice]:
    chosen = set(request.GET.getlist(name))
    return [
        Choice(value, str(label), counts.get(value, 0), value in chosen)
        for value, label in choices
        if value
    ]
