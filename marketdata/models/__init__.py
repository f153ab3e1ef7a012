"""Models of market data: assets, prices, exchange rates, and the source of each figure."""

from marketdata.models.assets import (
    ActionSource,
    ActionState,
    Asset,
    AssetClass,
    AssetQuerySet,
    CorporateAction,
    CorporateActionQuerySet,
    IdentityDecision,
    PriceAdjustment,
    Source,
    ensure_exchange,
)
from marketdata.models.bars import MinuteBar, Tick
from marketdata.models.listings import AnnouncedDividend, Disagreement, Listing, Vendor
from marketdata.models.prices import (
    Bar,
    DailyPrice,
    ExchangeRate,
    HeldBackPrice,
    LatestPrice,
    OwnPrice,
    PriceOrigin,
    SeriesVersion,
    YearOfCloses,
    Yield,
)
from marketdata.models.tiers import MoveStep, PriceBlock, PricePartition, PriceTier

__all__ = [
    "ActionSource",
    "ActionState",
    "AnnouncedDividend",
    "Asset",
    "AssetClass",
    "AssetQuerySet",
    "Bar",
    "CorporateAction",
    "CorporateActionQuerySet",
    "DailyPrice",
    "Disagreement",
    "ExchangeRate",
    "HeldBackPrice",
    "IdentityDecision",
    "LatestPrice",
    "Listing",
    "MinuteBar",
    "MoveStep",
    "OwnPrice",
    "PriceAdjustment",
    "PriceBlock",
    "PriceOrigin",
    "PricePartition",
    "PriceTier",
    "SeriesVersion",
    "Source",
    "Tick",
    "Vendor",
    "YearOfCloses",
    "Yield",
    "ensure_exchange",
]
