"""Cautions about a household's own prices. A caution refuses nothing.

price_jump        a hundred times the price before or after it, with no split between
price_not_used    a feed knows the price of that day, and it goes first
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.money import plain
from marketdata.models import Asset
from marketdata.operations.own_prices import PricedAsset
from marketdata.queries import first_closes, own_prices_of, quotes
from portfolios.prices.jumps import jumps
from portfolios.prices.rule import PRICE_DECIMALS, Points
from portfolios.queries.household_prices import traded_facts


@dataclass(frozen=True, slots=True)
class PriceWarning:
    """A caution about the own price of an asset on a day."""

    code: str
    symbol: str
    day: date
    detail: str


def price_warnings(
    *, household_id: int, prices: Sequence[PricedAsset], now: datetime
) -> list[PriceWarning]:
    """Return the cautions about prices that are to be recorded, or just were.

    Queries do not grow with the number of prices or assets.
    """
    assets = {one.asset.pk: one.asset for one in prices}
    if not assets:
        return []
    entered: dict[int, dict[int, Decimal]] = {pk: {} for pk in assets}
    for one in prices:
        entered[one.asset.pk][one.stated.day.toordinal()] = one.price
    stored = own_prices_of(household_id=household_id, asset_ids=list(assets))
    traded = traded_facts(wanted=[(household_id, pk) for pk in assets])
    starts = _feed_starts(list(assets.values()), now)
    found: list[PriceWarning] = []
    for pk, asset in sorted(assets.items(), key=lambda item: item[1].symbol):
        marks, splits = traded.get((household_id, pk), (None, ()))
        known = _marks(marks) | {
            day.toordinal(): row.price for day, row in stored.get(pk, {}).items()
        }
        found += [
            _jump(asset, jump.day, jump.price, jump.other_day, jump.other)
            for jump in jumps(entered=entered[pk], known=known, splits=splits)
        ]
        found += _not_used(asset, entered[pk], starts)
    return found


def _feed_starts(assets: Sequence[Asset], now: datetime) -> Mapping[int, date]:
    """Return the first day on which a feed knows the price of each asset."""
    starts = first_closes(asset_ids=[asset.pk for asset in assets])
    for pk, quote in quotes(assets=assets, now=now).items():
        starts[pk] = min(quote.as_of.date(), starts.get(pk, quote.as_of.date()))
    return starts


def _marks(marks: Points | None) -> dict[int, Decimal]:
    if marks is None:
        return {}
    return {
        day: Decimal(int(price)).scaleb(-PRICE_DECIMALS)
        for day, price in zip(marks.days.tolist(), marks.values.tolist(), strict=True)
    }


def _jump(asset: Asset, day: int, price: Decimal, other_day: int, other: Decimal) -> PriceWarning:
    on = date.fromordinal(day)
    return PriceWarning(
        "price_jump",
        asset.symbol,
        on,
        f"{plain(price)} {asset.currency} on {on} is far from {plain(other)} on "
        f"{date.fromordinal(other_day)}, and there is no split between the two days. Check the "
        "decimal point, the currency, and whether the price is in percent of par.",
    )


def _not_used(
    asset: Asset, entered: Mapping[int, Decimal], starts: Mapping[int, date]
) -> list[PriceWarning]:
    start = starts.get(asset.pk)
    late = [day for day in sorted(entered) if start is not None and day >= start.toordinal()]
    if not late:
        return []
    first = date.fromordinal(late[0])
    return [
        PriceWarning(
            "price_not_used",
            asset.symbol,
            first,
            f"A source has prices of {asset.symbol} from {start} on, which take precedence. Your "
            f"price{'s of these days are' if len(late) > 1 else ' of that day is'} kept but not "
            "used.",
        )
    ]
