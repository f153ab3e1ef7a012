"""Redis as it is before the first quote, and small assets with known figures."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from stores.redis import redis_client


@pytest.fixture
def no_quotes() -> None:
    """Forgets quotes, rates and the places of the replay; other keys stay."""
    client = redis_client()
    keys = [*client.scan_iter("quotes*"), *client.scan_iter("fixing:*"), "replay:positions"]
    client.delete(*keys)


@pytest.fixture
def make_asset(db: None) -> Callable[..., Any]:
    from marketdata.models import Asset

    def make(symbol: str, **fields: Any) -> Asset:
        defaults = {"name": f"{symbol} Inc", "asset_class": "equity", "currency": "USD"}
        return Asset.objects.create(symbol=symbol, **{**defaults, **fields})

    return make


@pytest.fixture
def make_fixing(db: None) -> Callable[..., None]:
    from marketdata.models import ExchangeRate

    def make(currency: str, day: str, rate: str) -> None:
        ExchangeRate.objects.create(
            currency=currency, date=date.fromisoformat(day), rate=Decimal(rate), source="test"
        )

    return make
