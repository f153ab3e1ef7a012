"""Reads: everything that happened to the assets of strategies, for their daily growth."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

import numpy as np

from marketdata.dividends import Announced
from marketdata.fx import EURO
from marketdata.models import (
    ActionState,
    Asset,
    AssetClass,
    CorporateAction,
    PriceAdjustment,
)
from marketdata.queries import announced_dividends
from marketdata.queries.series import PackedCloses, fixings_between, price_series
from portfolios.performance.daily_rates import Fixings, daily_rates
from portfolios.prices.rule import NO_CLOSES, PRICE_DECIMALS, Closes
from recommendations.strategies.growth import AssetHistory, Ending, Market, market

logger = logging.getLogger(__name__)

Row = TypeVar("Row", CorporateAction, Announced)

# The household of no one: nobody's own prices.
_NOBODY = 0
# Closes and fixings before the first day, which stand until the next one.
_BEFORE = timedelta(days=400)
# How old a close may be that values the shares of a spin-off or a merger.
_NEAR_DAYS = 7


@dataclass(frozen=True, slots=True)
class Prices:
    """What is known of assets over some days: their histories by id, and fixings."""

    histories: Mapping[int, AssetHistory]
    fixings: Fixings
    assets: Mapping[int, Asset]

    def over(self, *, days: Sequence[int], currency: str, asset_ids: Collection[int]) -> Market:
        """Return the growth of these assets in a currency."""
        chosen = [self.histories[pk] for pk in sorted(asset_ids)]
        return market(histories=chosen, days=days, currency=currency, fixings=self.fixings)


def prices_between(
    *, asset_ids: Iterable[int], currencies: Iterable[str], since: date, until: date
) -> Prices:
    """Return what happened to assets from `since` to `until`, in a constant number of queries."""
    wanted = sorted(set(asset_ids))
    actions = _actions(wanted, since - _BEFORE, until)
    beside = {one.new_asset_id for one in actions if one.new_asset_id is not None}
    assets = {row.pk: row for row in Asset.objects.filter(pk__in={*wanted, *beside}).order_by("id")}
    closes = price_series(
        asset_ids=list(assets), household_id=_NOBODY, since=since - _BEFORE, until=until
    ).closes
    dividends = announced_dividends(asset_ids=wanted, from_date=since, to_date=until)
    named = {*currencies, *(row.currency for row in assets.values())}
    named |= {one.currency for one in dividends} | {one.currency for one in actions}
    fixings: Fixings = {}
    if len(named) > 1:
        fixings = fixings_between(currencies=named - {EURO}, since=since - _BEFORE, until=until)
    read = _Read(assets, closes, _by_asset(actions), _by_asset(dividends), fixings)
    histories = {pk: read.history(assets[pk]) for pk in wanted if pk in assets}
    return Prices(histories, fixings, assets)


def _actions(asset_ids: Sequence[int], since: date, until: date) -> list[CorporateAction]:
    rows = CorporateAction.objects.filter(
        asset_id__in=asset_ids,
        household=None,
        state=ActionState.CONFIRMED,
        ex_date__range=(since, until),
    )
    return list(rows.select_related("asset", "new_asset").order_by("ex_date", "id"))


def _by_asset(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row.asset_id, []).append(row)
    return found


@dataclass(frozen=True, slots=True)
class _Read:
    """Rows as they were read; actions and dividends by asset, ascending by ex-day."""

    assets: Mapping[int, Asset]
    closes: Mapping[int, PackedCloses]
    actions: Mapping[int, Sequence[CorporateAction]]
    dividends: Mapping[int, Sequence[Announced]]
    fixings: Fixings

    def history(self, asset: Asset) -> AssetHistory:
        packed = self.closes.get(asset.pk)
        adjusted = asset.price_adjustment != PriceAdjustment.NONE
        series = NO_CLOSES
        if packed is not None:
            series = Closes(packed.days, packed.prices, packed.newest if adjusted else None)
        found = AssetHistory(
            asset.pk,
            asset.symbol,
            asset.currency,
            series,
            half_spread=float(asset.half_spread_bp) / 10_000,
            is_cash=asset.asset_class == AssetClass.CASH,
        )
        if not asset.is_active and packed is not None:
            found = replace(found, ending=Ending(packed.newest + 1, None))
        for action in self.actions.get(asset.pk, ()):
            found = self._with(found, action)
        # Where dividends are in the prices, they are not paid a second time.
        if asset.price_adjustment != PriceAdjustment.SPLITS_AND_DIVIDENDS:
            paid = [self._dividend(one, asset) for one in self.dividends.get(asset.pk, ())]
            found = replace(found, payments=[*found.payments, *paid])
        return found

    def _with(self, found: AssetHistory, action: CorporateAction) -> AssetHistory:
        """Return the history with a corporate action in it."""
        day, terms = action.ex_date.toordinal(), action.terms
        cash = self._converted(terms.cash_per_share, action.currency, found.currency, day)
        if terms.rescaling is not None:
            return replace(found, splits=[*found.splits, (day, terms.rescaling)])
        if action.kind == "delisting":
            return replace(found, ending=Ending(day, 0.0))
        if action.kind == "symbol_change":
            return replace(found, ending=Ending(day, None))
        if action.kind == "merger":
            shares = self._received(action, found.currency, day)
            # Where the successor has no price, the last price of the merged one stands.
            paid = None if shares is None else shares + cash
            return replace(found, ending=Ending(day, paid))
        if action.kind == "liquidation" and terms.final:
            return replace(found, ending=Ending(day, cash))
        if action.kind in ("return_of_capital", "liquidation"):
            return replace(found, payments=[*found.payments, (day, cash)])
        if action.kind in ("spin_off", "rights_issue"):
            shares = self._received(action, found.currency, day)
            if shares is None:
                logger.warning("%s: what it gave has no price, it counts as nothing", action)
                return found
            return replace(found, payments=[*found.payments, (day, shares)])
        return found

    def _received(self, action: CorporateAction, currency: str, day: int) -> float | None:
        """Return the value of the shares received for one; None without a price of them."""
        ratio, new = action.terms.ratio, action.new_asset
        if ratio is None or new is None:
            return 0.0
        packed = self.closes.get(new.pk)
        if packed is None:
            return None
        place = int(np.searchsorted(packed.days, day, side="right")) - 1
        if place < 0 or day - int(packed.days[place]) > _NEAR_DAYS:
            return None
        price = Decimal(int(packed.prices[place])).scaleb(-PRICE_DECIMALS)
        return float(ratio) * self._converted(price, new.currency, currency, day)

    def _dividend(self, one: Announced, asset: Asset) -> tuple[int, float]:
        day = one.ex_date.toordinal()
        return day, self._converted(one.amount, one.currency, asset.currency, day)

    def _converted(self, amount: Decimal | None, currency: str, wanted: str, day: int) -> float:
        if amount is None:
            return 0.0
        rates = daily_rates(
            currency=currency, reporting=wanted, fixings=self.fixings, first=day, count=1
        )
        if not rates.known[0]:
            logger.warning("no rate of %s in %s, so a payment counts as nothing", currency, wanted)
            return 0.0
        return float(amount) * float(rates.floats[0])
