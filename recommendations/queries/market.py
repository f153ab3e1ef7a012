"""What every account of a batch shares: prices, rates and the terms of trading each asset.

    live_market   as they are now
    night_market  as a nightly run kept them

Assets that only one household knows are not part of a market.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from core.money import minor_unit
from marketdata.fx import Rate
from marketdata.identity_groups import connected
from marketdata.models import Asset
from marketdata.queries import exchange_rates, identity_links, quotes
from portfolios.holdings.valuation import unit_value
from portfolios.prices.rule import Quote, feed_price
from recommendations.engine.arrays.array_types import Ints
from recommendations.engine.fees import fee_market, sale_fees
from recommendations.engine.program import BASIS_POINTS
from recommendations.models import NightlyPrice, NightlyRate

Pair = tuple[str, str]

FACTS = np.dtype(
    [
        *((name, np.float64) for name in ("price", "half_spread", "sec_rate")),
        *((name, np.float64) for name in ("taf_per_share", "taf_cap")),
        # Of the trade in its own currency: its price, the account's units for one, a minor unit.
        *((name, np.float64) for name in ("quote", "rate", "unit")),
        ("group", np.int64),
        *((name, np.bool_) for name in ("fractional", "stale")),
    ]
)


@dataclass(frozen=True, slots=True)
class Market:
    """Assets in the order of their symbols, with the facts of each by the account's currency.

    `priced_since`: the day of the oldest price.
    """

    as_of: datetime
    prices: Mapping[int, NightlyPrice]
    rates: Mapping[Pair, Rate]
    ids: Ints
    facts: Mapping[str, NDArray[np.void]]
    priced_since: date

    def quote(self, asset_id: int) -> Quote | None:
        """Return the price of an asset as the valuation of holdings states it."""
        return _quote(self.prices[asset_id])


def _quote(row: NightlyPrice) -> Quote | None:
    if row.price is None or row.price_at is None:
        return None
    return Quote(row.price, row.price_at, row.stale, None, row.source)


def live_market(
    *, asset_ids: Collection[int], currencies: Collection[str], now: datetime
) -> Market:
    """Return the market of these assets as it is now, for accounts in these currencies."""
    prices = asset_prices(asset_ids=asset_ids, now=now)
    pairs = [(row.currency, currency) for row in prices for currency in currencies]
    rates = exchange_rates(pairs=pairs, as_of=now.date())
    return market(prices=prices, rates=rates, currencies=currencies, as_of=now)


def night_market(
    *,
    run_id: int,
    currencies: Collection[str],
    as_of: datetime,
    asset_ids: Collection[int] | None = None,
) -> Market:
    """Return the market that a nightly run kept, for accounts in these currencies.

    `asset_ids`: only these; all of them if it is None.
    """
    rates = {
        (row.base, row.quote): Rate(row.base, row.quote, row.rate, row.date, stale=False)
        for row in NightlyRate.objects.filter(run=run_id)
    }
    rows = NightlyPrice.objects.filter(run=run_id)
    prices = list(rows if asset_ids is None else rows.filter(asset_id__in=list(asset_ids)))
    return market(prices=prices, rates=rates, currencies=currencies, as_of=as_of)


def asset_prices(*, asset_ids: Collection[int], now: datetime) -> list[NightlyPrice]:
    """Return what is known now of public assets, as rows that no run has kept yet."""
    rows = list(Asset.objects.filter(pk__in=list(asset_ids), household=None).order_by("symbol"))
    known = quotes(assets=rows, now=now)
    groups = connected(links=identity_links(household_ids=[]))
    found = []
    for row in rows:
        quote = feed_price(known[row.pk], now=now) if row.pk in known else None
        found.append(
            NightlyPrice(
                asset_id=row.pk,
                symbol=row.symbol,
                currency=row.currency,
                price=quote.price if quote else None,
                price_at=quote.as_of if quote else None,
                source=quote.source if quote else "",
                stale=bool(quote and quote.stale),
                half_spread_bp=row.half_spread_bp,
                fractional=row.fractional,
                fee_market=fee_market(
                    exchange=row.exchange, asset_class=row.asset_class, currency=row.currency
                ),
                group_id=groups.get(row.pk, row.pk),
            )
        )
    return found


def market(
    *,
    prices: Sequence[NightlyPrice],
    rates: Mapping[Pair, Rate],
    currencies: Collection[str],
    as_of: datetime,
) -> Market:
    """Return the market of these prices and rates for accounts in these currencies."""
    rows = sorted(prices, key=lambda row: (row.symbol, row.asset_id))
    days = [row.price_at.date() for row in rows if row.price_at is not None]
    return Market(
        as_of=as_of,
        prices={row.asset_id: row for row in rows},
        rates=rates,
        ids=np.array([row.asset_id for row in rows], np.int64),
        facts={currency: _facts(rows, rates, currency, as_of) for currency in currencies},
        priced_since=min(days, default=as_of.date()),
    )


def _facts(
    rows: Sequence[NightlyPrice], rates: Mapping[Pair, Rate], currency: str, as_of: datetime
) -> NDArray[np.void]:
    made = np.zeros(len(rows), FACTS)
    for n, row in enumerate(rows):
        rate = rates.get((row.currency, currency))
        value = unit_value(quote=_quote(row), rate=rate).value
        fees = sale_fees(market=row.fee_market, as_of=as_of.date())
        if rate is not None:
            fees = fees.converted(rate.rate)
        made[n] = (
            value or 0,
            row.half_spread_bp / BASIS_POINTS,
            fees.sec_rate,
            fees.taf_per_share,
            fees.taf_cap,
            row.price or 0,
            rate.rate if rate else 0,
            minor_unit(row.currency),
            row.group_id,
            row.fractional,
            row.stale,
        )
    return made
