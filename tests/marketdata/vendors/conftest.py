"""Two vendors on loopback, `first` and `second`, that speak one format, and their assets."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from marketdata.providers.registry import PROVIDERS, Vendor
from stores.redis import redis_client
from tests.marketdata.providers.vendors import KEY, Vendors

# A Monday, one hour after the open of New York. The last stored session is the Friday before.
NOW = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
TIINGO = "tiingo"


class Pair:
    """The two vendors; each can be told how to behave."""

    def __init__(self) -> None:
        self.first, self.second = Vendors(), Vendors()

    def set_price(self, symbol: str, price: str, **fields: Any) -> None:
        for vendors in (self.first, self.second):
            vendors.set_price(symbol, price, **{"as_of": NOW, **fields})

    def behave(self, which: str, behaviour: str, **options: Any) -> None:
        getattr(self, which).behave(TIINGO, behaviour, **options)

    def calls(self, which: str) -> int:
        return int(getattr(self, which).calls(TIINGO))

    def close(self) -> None:
        self.first.close()
        self.second.close()


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch, settings: Any, no_quotes: None) -> Iterator[Pair]:
    """Two vendors named in PROVIDERS, asked without a quota that matters."""
    from marketdata.operations import asking

    both = Pair()
    for name, vendors in (("first", both.first), ("second", both.second)):
        upper = name.upper()
        vendor = Vendor(
            adapter="marketdata.providers.tiingo:Tiingo",
            quota="100000/minute",
            sample_symbol="ACME",
            needs={f"{upper}_KEY": "key"},
            takes={f"{upper}_URL": "base_url", f"{upper}_NAME": "name"},
            poll_s=15.0,
        )
        monkeypatch.setitem(PROVIDERS, name, vendor)
        monkeypatch.setenv(f"{upper}_KEY", KEY)
        monkeypatch.setenv(f"{upper}_URL", vendors.url(TIINGO))
        monkeypatch.setenv(f"{upper}_NAME", name)
    settings.PROVIDERS = ["first", "second"]
    forget(asking)
    yield both
    forget(asking)
    both.close()


def forget(asking: Any) -> None:
    """Drop what processes and Redis remember of vendors."""
    asking._providers.cache_clear()
    asking.limits.cache_clear()
    client = redis_client()
    keys = [*client.scan_iter("provider:*"), *client.scan_iter("vendor-search:*")]
    if keys:
        client.delete(*keys)


@pytest.fixture
def listed(make_asset: Callable[..., Any]) -> Callable[..., Any]:
    """Make an asset that vendors quote, the first named first."""
    from marketdata.models import Listing

    def make(symbol: str, *providers: str, **fields: Any) -> Any:
        asset = make_asset(symbol, **{"exchange": "XNYS", **fields})
        for rank, provider in enumerate(providers or ("first", "second")):
            Listing.objects.create(
                asset=asset,
                provider=provider,
                provider_symbol=fields.get("provider_symbol", symbol),
                rank=rank,
                added_at=NOW,
            )
        return asset

    return make
