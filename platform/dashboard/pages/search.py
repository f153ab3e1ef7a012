"""The search: one bounded answer over assets, accounts, transactions, actions and help.

The same address serves the page of results, which needs no script, and the command palette, which
asks for the list alone while somebody types.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse

from core.errors import InvalidInput
from dashboard.commands import COMMANDS, matching_commands
from dashboard.pages.frame import SignedIn, for_investors, shown
from dashboard.templatetags.figures import day
from marketdata.models import Asset
from marketdata.queries import assets
from transactions import queries as ledger
from transactions.models import Account, Transaction

QUERY_LENGTH_MAX = 80
# Of each group; the palette shows all groups at once.
FOUND_MAX = 6


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: a name, what it is, and where it leads."""

    label: str
    note: str
    address: str


@dataclass(frozen=True, slots=True)
class Group:
    """The results of one kind."""

    title: str
    hits: tuple[Hit, ...]


@for_investors("GET")
def search(request: SignedIn) -> HttpResponse:
    """Show what matches `q`; without a text the commands."""
    text = " ".join(request.GET.get("q", "").split())
    if len(text) > QUERY_LENGTH_MAX:
        raise InvalidInput(
            f"The search text is too long. It may have at most {QUERY_LENGTH_MAX} characters.",
            code="query_too_long",
            fields={"q": [f"at most {QUERY_LENGTH_MAX} characters"]},
        )
    groups = [group for group in _groups(request, text) if group.hits]
    fragment = "HX-Request" in request.headers
    return shown(
        request,
        "_search_results" if fragment else "search",
        {"q": text, "groups": groups, "query_length_max": QUERY_LENGTH_MAX},
    )


@for_investors("GET")
def keys(request: SignedIn) -> HttpResponse:
    """Show the keys that every page understands."""
    return shown(request, "keys", {})


def _groups(request: SignedIn, text: str) -> list[Group]:
    commands = Group("Actions and help", _commands(request, text))
    if not text:
        return [commands]
    found = _assets(request, text)
    return [
        Group("Accounts", _accounts(request, text)),
        Group("Securities", tuple(_asset_hit(asset) for asset in found)),
        Group("Transactions", _transactions(request, text, found)),
        commands,
    ]


def _accounts(request: SignedIn, text: str) -> tuple[Hit, ...]:
    rows = ledger.accounts(user=request.user).filter(name__icontains=text)[:FOUND_MAX]
    return tuple(
        Hit(
            row.name,
            f"{row.get_type_display()} · {row.currency}",
            reverse("portfolio", args=[row.public_id]),
        )
        for row in rows
    )


def _assets(request: SignedIn, text: str) -> list[Asset]:
    """Return what the user's accounts hold and then any asset, each by symbol and name.

    Holdings are few, so any part of their symbol or name is found; the others are found by the
    beginning of the symbol, the ISIN, or words of the name, which have indexes.
    """
    mine = Account.objects.for_user(request.user)
    seen = Asset.objects.for_user(request.user).filter(
        pk__in=ledger.holdings(account_ids=mine.values_list("pk", flat=True))
        .order_by()
        .values("asset_id")
    )
    held = list(seen.filter(symbol__icontains=text).order_by("symbol", "id")[:FOUND_MAX])
    held += seen.filter(name__icontains=text).order_by("symbol", "id")[:FOUND_MAX]
    everything = [*held, *assets(user=request.user, q=text)[:FOUND_MAX]]
    exact = [asset for asset in everything if asset.symbol == text.upper()]
    return list({asset.pk: asset for asset in [*exact, *everything]}.values())[:FOUND_MAX]


def _asset_hit(asset: Asset) -> Hit:
    try:
        address = reverse("asset", args=[asset.symbol])
    except NoReverseMatch:
        address = f"{reverse('activity')}?symbol={asset.symbol}"
    return Hit(asset.symbol, asset.name, address)


def _transactions(request: SignedIn, text: str, found: list[Asset]) -> tuple[Hit, ...]:
    """Return the newest transactions of the assets found, and the way to all that match."""
    rows: list[Transaction] = []
    if found:
        rows = list(
            ledger.transactions(user=request.user, reversed=False).filter(
                asset_id__in=[asset.pk for asset in found]
            )[: FOUND_MAX // 2]
        )
    hits = [
        Hit(
            f"{row.get_type_display()} {row.asset.symbol if row.asset else ''}",
            f"{day(row.trade_date)} · {row.account.name}",
            reverse("transactions", args=[row.account.public_id]),
        )
        for row in rows
    ]
    return (*hits, Hit(f"All transactions with “{text}”", "Activity", _activity(text)))


def _activity(text: str) -> str:
    return f"{reverse('activity')}?{urlencode({'q': text})}"


def _commands(request: SignedIn, text: str) -> tuple[Hit, ...]:
    found = matching_commands(text) if text else COMMANDS
    return tuple(
        Hit(one.label, one.note, reverse(one.page) + one.anchor)
        for one in found[: None if not text else FOUND_MAX]
    )
