"""Reads: assets, quotes, history and exchange rates. All take many and run one query."""

from marketdata.queries.assets import (
    asset,
    assets,
    assets_by_isin,
    assets_by_symbol,
    assets_seen,
    identity_decisions,
    identity_links,
    matching,
    public_assets,
    sources,
)
from marketdata.queries.corporate_actions import corporate_action, corporate_actions
from marketdata.queries.dividends import announced_dividends
from marketdata.queries.exchange_rates import exchange_rates, exchange_rates_on
from marketdata.queries.history import (
    Adjustment,
    closing_prices,
    first_closes,
    history_page,
    last_closes,
    own_history,
    recent_sessions,
)
from marketdata.queries.own_prices import newest_prices, own_prices, own_prices_of
from marketdata.queries.partitions import default_partition_holds_rows
from marketdata.queries.price_bars import bars
from marketdata.queries.quotes import live_quotes, quotes

__all__ = [
    "Adjustment",
    "announced_dividends",
    "asset",
    "assets",
    "assets_by_isin",
    "assets_by_symbol",
    "assets_seen",
    "bars",
    "closing_prices",
    "corporate_action",
    "corporate_actions",
    "default_partition_holds_rows",
    "exchange_rates",
    "exchange_rates_on",
    "first_closes",
    "history_page",
    "identity_decisions",
    "identity_links",
    "last_closes",
    "live_quotes",
    "matching",
    "newest_prices",
    "own_history",
    "own_prices",
    "own_prices_of",
    "public_assets",
    "quotes",
    "recent_sessions",
    "sources",
]
