"""Queries of assets: by search text, by symbol, by household."""

from collections.abc import Iterable

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from core.errors import NotFound
from identity.models import User
from marketdata.models import Asset, IdentityDecision, Source
from stores.rows import rows_of

_WORDS_LENGTH_MIN = 3


_LINKS = """
SELECT id, substantially_identical_to_id FROM marketdata_asset
 WHERE substantially_identical_to_id IS NOT NULL
   AND (household_id IS NULL OR household_id = ANY(%(ids)s::bigint[]))
"""


def assets(*, user: User, q: str = "") -> "QuerySet[Asset]":
    """Return the assets this user may see, by symbol; with `q` the matches, best first."""
    rows = Asset.objects.for_user(user).filter(is_active=True).select_related("source")
    return matching(rows=rows, q=q) if q.strip() else rows.order_by("symbol", "id")


def matching(*, rows: "QuerySet[Asset]", q: str) -> "QuerySet[Asset]":
    """Return the assets that match `q`, best first.

    `q` is the beginning of a symbol, a whole ISIN, or (from three letters on) like a word of the
    name.
    """
    text = q.strip()
    upper = text.upper()
    match = Q(symbol__startswith=upper) | Q(isin=upper)
    rank = Case(
        When(symbol=upper, then=Value(0)),
        When(isin=upper, then=Value(0)),
        When(symbol__startswith=upper, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    if len(text) < _WORDS_LENGTH_MIN:
        return rows.filter(match).order_by(rank, "symbol", "id")
    return rows.filter(match | Q(name__trigram_word_similar=text)).order_by(
        rank, TrigramWordSimilarity(text, "name").desc(), "symbol", "id"
    )


def assets_by_symbol(*, household_id: int, symbols: Iterable[str]) -> dict[str, Asset]:
    """Return a household's assets by these symbols; its own asset precedes a public one."""
    rows = (
        Asset.objects.for_household(household_id)
        .filter(symbol__in=sorted(set(symbols)), is_active=True)
        .order_by("household_id")
    )
    found: dict[str, Asset] = {}
    for row in rows:
        if row.symbol not in found or row.household_id is not None:
            found[row.symbol] = row
    return found


def public_assets(*, symbols: Iterable[str]) -> dict[str, Asset]:
    """Return the assets of the market by these symbols that can be bought; none of a household."""
    # Nothing is called by what no text of the database can hold.
    asked = sorted({symbol for symbol in symbols if "\0" not in symbol})
    rows = Asset.objects.filter(symbol__in=asked, household=None, is_active=True, tradable=True)
    return {row.symbol: row for row in rows}


def assets_by_isin(*, household_id: int, isins: Iterable[str]) -> dict[str, Asset]:
    """Return a household's assets by these ISINs; its own asset precedes a public one.

    Of several public ones the first by symbol; one with closes or quotes needs no own prices.
    """
    rows = (
        Asset.objects.for_household(household_id)
        .filter(isin__in=sorted(set(isins) - {""}), is_active=True)
        .order_by(F("household_id").asc(nulls_last=True), "symbol", "id")
    )
    found: dict[str, Asset] = {}
    for row in rows:
        found.setdefault(row.isin, row)
    return found


def identity_links(*, household_ids: Iterable[int]) -> list[tuple[int, int]]:
    """Return pairs of substantially identical assets, public ones and the households' own."""
    return [(one, other) for one, other in rows_of(_LINKS, {"ids": list(household_ids)})]


def identity_decisions(*, asset: Asset) -> "QuerySet[IdentityDecision]":
    """Return the decisions on an asset's identity, newest first."""
    return (
        IdentityDecision.objects.filter(asset=asset)
        .select_related("identical_to", "previously", "decided_by")
        .order_by("-id")
    )


def assets_seen(*, user: User, symbols: Iterable[str]) -> dict[str, Asset]:
    """Return the assets this user sees under these symbols, with their sources.

    Where advisers see several, the asset of their own household comes first, then the public one.
    """
    rows = Asset.objects.for_user(user).filter(symbol__in=sorted(set(symbols)))
    order = {user.household_id: 0, None: 1}
    found: dict[str, Asset] = {}
    for row in sorted(
        rows.select_related("source"),
        key=lambda row: (order.get(row.household_id, 2), row.pk),
    ):
        found.setdefault(row.symbol, row)
    return found


def asset(*, user: User, symbol: str) -> Asset:
    """Return one asset by its symbol, if this user may see it."""
    found = assets_seen(user=user, symbols=[symbol])
    if symbol not in found:
        raise NotFound(
            f"The symbol {symbol[:40]} is not known. Search for it first.", code="symbol_unknown"
        )
    return found[symbol]


def sources() -> "QuerySet[Source]":
    """Return the sources of figures, by name."""
    return Source.objects.order_by("name")
