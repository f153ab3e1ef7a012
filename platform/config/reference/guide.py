"""The guide on the page of the API: authentication, lists, idempotency, errors, limits, stream."""

from pathlib import Path

from config.reference.codes import catalog


def guide() -> str:
    """Return the guide and the catalog of codes as Markdown."""
    return f"{Path(__file__).with_suffix('.md').read_text()}\n{catalog()}\n"
