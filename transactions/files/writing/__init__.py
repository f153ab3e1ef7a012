"""Writers of files for other programs: drafts of transactions in, lines of text out. Pure.

    ballast                 everything, so that reading it gives the same ledger
    ghostfolio              the JSON its import takes; it has neither cash movements nor events
    portfolio_performance   the CSV of its account and portfolio transactions; no events

Transactions that a format cannot hold are left out and counted. Only our own format has reversed
transactions and their reversals.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from transactions.files.formats import ballast
from transactions.files.reading.interface import Draft
from transactions.files.writing import ghostfolio, portfolio_performance
from transactions.ledger.kinds import KINDS

Writer = Callable[[Iterable[Draft]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class WrittenFormat:
    """One format that can be written; `kinds` are the types of transactions it can hold."""

    title: str
    write: Writer
    content_type: str
    suffix: str
    kinds: frozenset[str] | None = None


def _said(name: str) -> frozenset[str]:
    """Return the kinds that have a name in another program's format."""
    return frozenset(kind.name for kind in KINDS.values() if name in kind.exported_as)


FORMATS: Mapping[str, WrittenFormat] = {
    "ballast": WrittenFormat("Ballast CSV", ballast.write, "text/csv; charset=utf-8", "csv"),
    "ghostfolio": WrittenFormat(
        "Ghostfolio JSON", ghostfolio.write, "application/json", "json", _said(ghostfolio.NAME)
    ),
    "portfolio_performance": WrittenFormat(
        "Portfolio Performance CSV",
        portfolio_performance.write,
        "text/csv; charset=utf-8",
        "csv",
        _said(portfolio_performance.NAME),
    ),
}
