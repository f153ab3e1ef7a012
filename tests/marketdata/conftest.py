"""Redis as it is before the first quote, small assets with known figures, loopback vendors."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from stores.redis import redis_client
from tests.marketdata.providers.vendors import Vendors


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


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    """Vendors of market data on 127.0.0.1, each of which starts when a test asks for its URL."""
    started = Vendors()
    yield started
    started.close()
