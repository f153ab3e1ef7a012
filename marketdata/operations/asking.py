"""Asking a vendor: by its breaker and its quota, measured and counted. The only door to vendors."""

import logging
import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from prometheus_client import Counter, Histogram

from marketdata.models import Vendor
from marketdata.operations.provider_state import admitted, tell
from marketdata.operations.pushed_quotes import PushedQuotes
from marketdata.providers.port import Capability, Fault, Provider, ProviderFault
from marketdata.providers.quota import Limit, limits_of
from marketdata.providers.registry import PROVIDERS, built, quota_text

logger = logging.getLogger(__name__)

PROVIDER_CALLS = Counter(
    "ballast_provider_calls",
    "Calls of vendors of market data, by outcome: answered, or why not.",
    ["provider", "call", "outcome"],
)
PROVIDER_SECONDS = Histogram(
    "ballast_provider_seconds",
    "Time until a vendor answered or was given up, in seconds.",
    ["provider", "call"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 30, 60),
)

# People who search, and histories, never use more than the rest: prices must not stop for them.
SPARED = 0.5

Answer = TypeVar("Answer")


def providers() -> dict[str, Provider]:
    """Return the vendors this installation names in PROVIDERS, in that order."""
    return _providers(tuple(settings.PROVIDERS))


def providers_of(capability: Capability) -> list[Provider]:
    """Return the vendors that can do something, the preferred one first."""
    return [one for one in providers().values() if capability in one.capabilities]


def pushing_vendor(*, now: Callable[[], datetime]) -> PushedQuotes | None:
    """Return the quotes that Alpaca pushes, if it is named in PROVIDERS; ALPACA_STREAM=0: None."""
    if "alpaca" not in settings.PROVIDERS or os.environ.get("ALPACA_STREAM") == "0":
        return None
    from marketdata.providers.alpaca_stream import SYMBOLS_MAX, URL, AlpacaStream

    stream = AlpacaStream(
        os.environ["ALPACA_KEY"],
        os.environ["ALPACA_SECRET"],
        url=os.environ.get("ALPACA_STREAM_URL") or URL,
    )
    most = int(os.environ.get("ALPACA_STREAM_SYMBOLS") or SYMBOLS_MAX)
    return PushedQuotes(stream=stream, provider="alpaca", symbols_max=most, now=now)


def note_vendors(*, now: datetime) -> None:
    """Write a row for each vendor in PROVIDERS, where operators see its state."""
    rows = [Vendor(name=name, first_asked_at=now) for name in providers()]
    Vendor.objects.bulk_create(rows, ignore_conflicts=True)


@lru_cache(maxsize=8)
def _providers(names: tuple[str, ...]) -> dict[str, Provider]:
    return built(names, os.environ)


@lru_cache(maxsize=64)
def limits(name: str) -> Sequence[Limit]:
    """Return the quota of a vendor in this installation."""
    return limits_of(quota_text(name, os.environ))


def ask(
    provider: Provider,
    what: str,
    call: Callable[[Provider], Answer],
    *,
    now: datetime,
    spared: float = SPARED,
) -> Answer:
    """Return a vendor's answer. Raise ProviderFault if it has none or may not be asked now.

    `what` names the call in the metrics, such as "quotes". `spared`: the share of the vendor's
    quota that is left to the feed; the feed itself leaves none.
    """
    name = provider.name
    try:
        probe = admitted(
            name=name,
            limits=limits(name),
            requests=PROVIDERS[name].costs.get(what, 1),
            spared=spared,
        )
    except ProviderFault as refusal:
        PROVIDER_CALLS.labels(name, what, refusal.fault).inc()
        raise
    started = time.perf_counter()
    fault: ProviderFault | None = None
    try:
        return call(provider)
    except ProviderFault as error:
        fault = error
        logger.warning("%s did not answer %s: %s", name, what, error)
        raise
    except SoftTimeLimitExceeded:
        fault = ProviderFault(Fault.TIMEOUT, f"{name} {what}: the time of the task is over")
        raise
    except Exception as error:
        fault = ProviderFault(Fault.FORMAT_CHANGED, f"{name} {what}: {type(error).__name__}")
        logger.exception("the adapter of %s failed at %s", name, what)
        raise fault from error
    finally:
        outcome = "answered" if fault is None else fault.fault
        PROVIDER_SECONDS.labels(name, what).observe(time.perf_counter() - started)
        PROVIDER_CALLS.labels(name, what, outcome).inc()
        tell(name=name, limits=limits(name), probe=probe, fault=fault, day=now.date())
