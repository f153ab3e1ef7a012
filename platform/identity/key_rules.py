"""What an API key may call. Pure.

    a route is in the table   a key with its scope may call it
    it is not, or its scope is None   no key may, whatever its scopes

A key that is limited to accounts needs more: the accounts that the call names, in its path, its
query, its body, or as the account of the object in its path, must be among the key's own. Calls
about the whole household are refused for it. What an answer says of other accounts is taken out of
it (`key_answers`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

READ, RECORD, TRADE = "read", "record", "trade"
SCOPES = (READ, RECORD, TRADE)

# Where a call names its account.
NONE = "none"  # it touches no account: prices, the calendar, one's own name
PATH = "path"
QUERY = "query"
BODY = "body"
OBJECT = "object"  # the object in the path belongs to an account
HOUSEHOLD = "household"  # it is about all accounts together

_BODY_FIELDS = ("account_id", "to_account_id")


class KeyRule(NamedTuple):
    """The scope a route needs (None: people only), and where the call names its account."""

    scope: str | None
    account: str = NONE


PEOPLE_ONLY = KeyRule(None)


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """What stands for a key while its request runs; `request.auth` of the API."""

    key_id: int
    public_id: str
    scopes: frozenset[str]
    account_ids: frozenset[UUID] | None


def stated_accounts(rule: KeyRule, *, path: Mapping[str, Any], query: Any, body: Any) -> list[str]:
    """Return the ids of the accounts that a call states, as text; empty if it states none."""
    if rule.account == PATH:
        return [str(path["account_id"])]
    if rule.account == QUERY:
        return [text for text in [query.get("account_id", "")] if text]
    if rule.account == BODY:
        return list(_in_body(body))
    return []


def _in_body(body: Any) -> Iterable[str]:
    for one in body if isinstance(body, list) else [body]:
        if isinstance(one, Mapping):
            yield from (str(one[name]) for name in _BODY_FIELDS if one.get(name))


def are_among(stated: Iterable[str], allowed: frozenset[UUID]) -> bool:
    """Return whether there is at least one stated account and all of them are allowed."""
    found = list(stated)
    try:
        return bool(found) and all(UUID(text) in allowed for text in found)
    except ValueError:
        return False
