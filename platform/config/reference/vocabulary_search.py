"""Descriptions of the fields of the search over strategies, as `vocabulary.py` lists them."""

SEARCH: dict[str, str] = {
    "total_is_exact": (
        "Whether total and facets are of all matches; else they are of the 400 most followed."
    ),
    "StrategySearchPage.total": "Matches, at most 400; null when read by cursor.",
    "facets": "Matches by value of each filter; null when read by cursor.",
    "FacetValueRead.value": "Value of the filter.",
    "FacetValueRead.count": "Matches that have the value.",
    "FacetsRead.asset_classes": "By asset class.",
    "FacetsRead.risk_profile": "By risk profile.",
    "FacetsRead.tags": "By tag, the 30 most frequent.",
    "corrected": "Text that was searched in place of yours, which found nothing; else empty.",
    "highlights": "Texts as safe HTML with what was found in `<mark>`.",
    "HighlightRead.name": "The name.",
    "HighlightRead.summary": "The summary.",
    "HighlightRead.description": "Parts of the description, if only that has the words.",
    "StrategyHitRead.max_drawdown": "Largest loss from a peak of the record; null without one.",
}
