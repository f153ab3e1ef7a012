"""The navigation of a request: its links, its scope, and the choices of the scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from dashboard.navigation import ENTRIES, Entry, entry_of, is_of_household
from identity.models import User
from transactions import queries as ledger
from transactions.models import Account

# More accounts are found by the search.
CHOICES_MAX = 100
# The name in the session of the chosen account, by its public id.
SCOPE = "scope"


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of the navigation, a tab, or a choice of the scope."""

    label: str
    address: str
    current: bool
    icon: str = ""
    key: str = ""
    on_phone: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Navigation:
    """All links of the frame; `scope` is the name of the chosen account or of the household."""

    links: tuple[Link, ...]
    tabs: tuple[Link, ...]
    scope: str
    choices: tuple[Link, ...]
    has_more: bool
    record: str

    @property
    def keys(self) -> tuple[tuple[str, str, str], ...]:
        """The letters that lead to the entries after `g`."""
        return tuple((link.key, link.label, link.address) for link in self.links if link.key)

    @property
    def on_phone(self) -> tuple[Link, ...]:
        return tuple(link for link in self.links if link.on_phone)

    @property
    def under_more(self) -> tuple[Link, ...]:
        return tuple(link for link in self.links if not link.on_phone)


def navigation(request: HttpRequest, context: Mapping[str, Any], *, status: int) -> Navigation:
    """Return the navigation of a page, and remember the scope that the page selects."""
    assert isinstance(request.user, User), "the navigation is for logged-in users"
    match = request.resolver_match
    page = (match.url_name or "") if match else ""
    account = context.get("account") if status < 400 else None
    scope = _scope(request, page, account, status)
    entry = entry_of(page)
    choices: tuple[Link, ...] = ()
    has_more = False
    if entry is not None and entry.serves_accounts:
        choices, has_more = _choices(request, entry, account)
    return Navigation(
        links=tuple(
            Link(
                one.label,
                _address(one, None if one.always_household else scope),
                one is entry,
                icon=one.icon,
                key=one.key,
                on_phone=one.on_phone,
            )
            for one in ENTRIES
            if one.role in ("", request.user.role)
        ),
        tabs=_tabs(page, entry, account),
        scope=account.name if isinstance(account, Account) else "All accounts",
        choices=choices,
        has_more=has_more,
        record=reverse("record"),
    )


def _scope(request: HttpRequest, page: str, account: Any, status: int) -> str | None:
    """Return the public id of the chosen account, or None for the household."""
    kept: str | None = request.session.get(SCOPE)
    chosen = kept
    if isinstance(account, Account):
        chosen = str(account.public_id)
    elif is_of_household(page) or status == 404:
        # An account that is gone or no longer shared must not stay in every link.
        chosen = None
    if chosen != kept:
        if chosen is None:
            del request.session[SCOPE]
        else:
            request.session[SCOPE] = chosen
    return chosen


def _address(entry: Entry, scope: str | None, kept: Mapping[str, str] | None = None) -> str:
    """Return the address of an entry's page in a scope, with the query parameters to keep."""
    query = dict(kept or {})
    if scope is not None and entry.account:
        path = reverse(entry.account, args=[scope])
    else:
        path = reverse(entry.household)
        if scope is not None and entry.account_in_query:
            query["account"] = scope
    return f"{path}?{urlencode(query)}" if query else path


def _tabs(page: str, entry: Entry | None, account: Any) -> tuple[Link, ...]:
    if entry is None or not isinstance(account, Account):
        return ()
    return tuple(
        Link(view.label, reverse(view.page, args=[account.public_id]), view.page == page)
        for view in entry.views
    )


def _choices(request: HttpRequest, entry: Entry, account: Any) -> tuple[tuple[Link, ...], bool]:
    """Return the household and its accounts as links to their versions of this page."""
    assert isinstance(request.user, User)
    kept = {name: request.GET[name] for name in entry.keeps if request.GET.get(name)}
    rows = list(
        ledger.accounts(user=request.user)
        .values_list("public_id", "name", "household_id", "household__name", "currency")
        .order_by("id")[: CHOICES_MAX + 1]
    )
    chosen = account.public_id if isinstance(account, Account) else None
    links = [Link("All accounts", _address(entry, None, kept), chosen is None)]
    for public_id, name, household_id, household, currency in rows[:CHOICES_MAX]:
        note = currency if household_id == request.user.household_id else household
        address = _address(entry, str(public_id), kept)
        links.append(Link(name, address, public_id == chosen, note=note))
    return tuple(links), len(rows) > CHOICES_MAX
