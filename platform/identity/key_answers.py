"""What a key limited to accounts may read of an answer. Pure.

An answer about one account may name others of its household: the account in which replacement
shares were bought, where a lot came from. Everything that an answer says of other accounts is taken
out of it, by the names of its fields:

    account_id of another account        the whole object goes from its list; elsewhere it is null
    loss_account_id of another account   null, with every other field that begins with loss_

    {"sale": "a1", "replacements": [{"account_id": theirs, "quantity": "5"}]}
    ->  {"sale": "a1", "replacements": []}
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

_FIELD = "account_id"


class _Nothing:
    """Stands for what is taken out."""


_NOTHING = _Nothing()


def without_others(answer: Any, accounts: Collection[UUID]) -> Any:
    """Return a JSON value without what it says of accounts other than these."""
    found = _kept(answer, frozenset(accounts))
    return None if found is _NOTHING else found


def _kept(value: Any, accounts: frozenset[UUID]) -> Any:
    if isinstance(value, Mapping):
        if _is_other(value.get(_FIELD), accounts):
            return _NOTHING
        gone = tuple(
            name.removesuffix(_FIELD)
            for name, one in value.items()
            if name.endswith("_" + _FIELD) and _is_other(one, accounts)
        )
        kept = {
            name: None if gone and name.startswith(gone) else _kept(one, accounts)
            for name, one in value.items()
        }
        return {name: None if one is _NOTHING else one for name, one in kept.items()}
    if isinstance(value, list):
        return [one for one in (_kept(one, accounts) for one in value) if one is not _NOTHING]
    return value


def _is_other(stated: Any, accounts: frozenset[UUID]) -> bool:
    """Return whether a field names an account that is not among these."""
    if not isinstance(stated, str):
        return False
    try:
        return UUID(stated) not in accounts
    except ValueError:
        return False
