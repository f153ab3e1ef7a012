"""Writes: quotes, own assets and their prices, partitions, the demo's samples."""

from marketdata.operations.archiving import Moved, archive_prices, restore_prices
from marketdata.operations.corporate_actions import (
    confirm_for_everyone,
    propose,
    propose_for_everyone,
    withdraw_for_everyone,
)
from marketdata.operations.demo_replay import Replay, opened, play
from marketdata.operations.demo_samples import load_samples, roll_forward
from marketdata.operations.identity import (
    decide_identity,
    decide_own_identity,
    record_class_change,
)
from marketdata.operations.own_assets import create_own_asset
from marketdata.operations.own_prices import (
    checked_prices,
    delete_own_price,
    record_own_prices,
    store_own_prices,
)
from marketdata.operations.partitions import ensure_partitions, forget_old_ticks
from marketdata.operations.quotes import IncomingQuote, Recorded, record_quotes, store_quotes
from marketdata.operations.settling import settle_minutes
from marketdata.operations.ticks import RecordedTicks, record_ticks

__all__ = [
    "IncomingQuote",
    "Moved",
    "Recorded",
    "RecordedTicks",
    "Replay",
    "archive_prices",
    "checked_prices",
    "confirm_for_everyone",
    "create_own_asset",
    "decide_identity",
    "decide_own_identity",
    "delete_own_price",
    "ensure_partitions",
    "forget_old_ticks",
    "load_samples",
    "opened",
    "play",
    "propose",
    "propose_for_everyone",
    "record_class_change",
    "record_own_prices",
    "record_quotes",
    "record_ticks",
    "restore_prices",
    "roll_forward",
    "settle_minutes",
    "store_own_prices",
    "store_quotes",
    "withdraw_for_everyone",
]
