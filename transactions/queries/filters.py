"""Filters of the list of transactions."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import django_filters
from django.db.models import Q, QuerySet

from edge.filters import LIST_VALUES_MAX, ChoicesFilter, ListFilter
from transactions.ledger.kinds import CHOICES
from transactions.models import Transaction
from transactions.queries.ledger import IN_REVERSED_PAIR


def _by_symbol(rows: QuerySet[Transaction], name: str, value: list[str]) -> QuerySet[Transaction]:
    symbols = [symbol.strip().upper() for symbol in value]
    return rows.filter(Q(asset__symbol__in=symbols) | Q(new_asset__symbol__in=symbols))


def _since(rows: QuerySet[Transaction], name: str, value: date) -> QuerySet[Transaction]:
    """Keep what was traded on the day or later; instants are compared too, so the index serves."""
    first = datetime.combine(value, time.min, tzinfo=UTC)
    return rows.filter(trade_date__gte=value, executed_at__gte=first - timedelta(days=1))


def _until(rows: QuerySet[Transaction], name: str, value: date) -> QuerySet[Transaction]:
    last = datetime.combine(value, time.max, tzinfo=UTC)
    return rows.filter(trade_date__lte=value, executed_at__lte=last + timedelta(days=1))


def _by_text(rows: QuerySet[Transaction], name: str, value: str) -> QuerySet[Transaction]:
    found = Q()
    for field in ("note", "external_id", "order_id", "asset__symbol", "asset__name"):
        found |= Q(**{f"{field}__icontains": value})
    return rows.filter(found)


def _by_reversal(rows: QuerySet[Transaction], name: str, value: bool) -> QuerySet[Transaction]:
    return rows.filter(IN_REVERSED_PAIR) if value else rows.exclude(IN_REVERSED_PAIR)


# `from` is a Python keyword, so a class statement cannot declare this filter.
_FILTERS: dict[str, Any] = {
    "symbol": ListFilter(
        method=_by_symbol,
        help_text=f"Symbols, separated by commas; at most {LIST_VALUES_MAX}.",
    ),
    "type": ChoicesFilter(
        field_name="type",
        lookup_expr="in",
        choices=CHOICES,
        help_text="Transaction types, separated by commas.",
    ),
    "from": django_filters.DateFilter(
        method=_since,
        help_text="First trade date.",
    ),
    "to": django_filters.DateFilter(
        method=_until,
        help_text="Last trade date.",
    ),
    "reversed": django_filters.BooleanFilter(
        method=_by_reversal,
        help_text="false: without reversed transactions and their reversals; true: only those.",
    ),
    "q": django_filters.CharFilter(
        method=_by_text,
        max_length=120,
        help_text="Text to find in the note, external id, order id, symbol or asset name.",
    ),
}
TransactionFilter = type("TransactionFilter", (django_filters.FilterSet,), _FILTERS)
