"""Writes: orders placed, filled, cancelled, and taken back."""

from transactions.operations.orders.checks import LotsChanged, PriceStale
from transactions.operations.orders.filling import (
    Fill,
    record_fills,
    take_back,
)
from transactions.operations.orders.placing import Wish, cancel_order, place

__all__ = [
    "Fill",
    "LotsChanged",
    "PriceStale",
    "Wish",
    "cancel_order",
    "place",
    "record_fills",
    "take_back",
]
