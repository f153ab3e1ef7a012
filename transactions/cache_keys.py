"""Names of the ledger's entries in the cache. Pure."""

from uuid import UUID

# Longer than any value cached by version, so that a version never expires before these values.
VERSION_TTL_S = 3600


def version_key(account_id: UUID | str) -> str:
    """Holds the newest committed ledger version of an account."""
    return f"ledger-version:{account_id}"
