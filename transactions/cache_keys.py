"""Names of the ledger's entries in the cache. Pure."""

from uuid import UUID

# Longer than anything cached by version lives, so that a version never dies before its readers.
VERSION_TTL_S = 3600


def version_key(account_id: UUID | str) -> str:
    """Holds the newest committed ledger version of an account."""
    return f"ledger-version:{account_id}"
