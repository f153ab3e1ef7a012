"""Reads: assets, quotes, history and exchange rates. All take many and run one query."""

from marketdata.queries.assets import (
    asset,
    assets,
    assets_by_symbol,
    assets_seen,
    identity_decisions,
    identity_links,
    matching,
    sources,
)
from marketdata.queries.corporate_actions import corporate_action, corporate_actions
from marketdata.queries.exchange_rates import exchange_rates, exchange_rates_on
from marketdata.queries.history import (
    closing_prices,
    history,
    last_closes,
    recent_sessions,
)
from marketdata.queries.partitions import default_partition_holds_rows
from marketdata.queries.quotes import live_quotes, own_quotes, quotes

__all__ = [
    "asset",
    "assets",
    "assets_by_symbol",
    "assets_seen",
    "closing_prices",
    "corporate_action",
    "corporate_actions",
    "default_partition_holds_rows",
    "exchange_rates",
    "exchange_rates_on",
    "history",
    "identity_decisions",
    "identity_links",
    "last_closes",
    "live_quotes",
    "own_quotes",
    "matching",
    "quotes",
    "recent_sessions",
    "sources",
]
