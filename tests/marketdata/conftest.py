"""Redis as it is before the first quote, small assets with known figures, vendors and tiers."""

import os
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from stores.redis import redis_client
from tests.marketdata import tiers as world
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


@pytest.fixture(scope="module")
def warm_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with world.second_postgres(tmp_path_factory.mktemp("warm")) as url:
        yield url


@pytest.fixture
def warm(db: None, warm_url: str) -> Iterator[None]:
    """A second database for the warm tier."""
    world.use_warm(warm_url)
    yield
    world.forget_warm()


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """The archive's folder. PRICE_ARCHIVE_TEST_URL=s3://bucket tries a store instead."""
    store = os.environ.get("PRICE_ARCHIVE_TEST_URL")
    found = (tmp_path / "archive").as_uri()
    settings.PRICE_ARCHIVE_URL = f"{store}/{tmp_path.name}" if store else found
    return tmp_path / "archive"
