"""The page of data sources: licenses and original dates."""

from django.http import HttpResponse

from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.queries import provenance

SERIES_SHOWN = 500


@for_investors("GET")
def about_data(request: SignedIn) -> HttpResponse:
    """Show the sources, their licenses, and the original dates of the series."""
    found = provenance(assets_max=SERIES_SHOWN)
    for asset in found.assets:
        asset.shifted_weeks = asset.shifted_days // 7  # type: ignore[attr-defined]
    return shown(
        request,
        "about_data",
        {
            "section": "about_data",
            "sources": found.sources,
            "assets": found.assets,
            "more_assets": found.more_assets,
        },
    )
