"""Try each thing a vendor can do, for an operator who has just set it up."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from core.money import plain
from marketdata.operations.asking import ask
from marketdata.providers.port import Capability, Fault, Provider, ProviderFault
from marketdata.providers.registry import PROVIDERS, built

# What to do about a fault.
ADVICE = {
    Fault.KEY_REFUSED: "The key is wrong or not active yet.",
    Fault.PAYMENT_REQUIRED: "The plan of this key does not include this call.",
    Fault.QUOTA_USED: "The calls are used up; see the quota below.",
    Fault.UNREACHABLE: "Is the network open to this host?",
    Fault.TIMEOUT: "The vendor is slow, or something between drops the connection.",
    Fault.FORMAT_CHANGED: "The vendor answered something else than its documentation says.",
    Fault.NOT_FOUND: "The vendor does not know the symbol; try --symbol.",
    Fault.BREAKER_OPEN: "It failed too often; wait a minute, or close its breaker in the admin.",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried, and what came of it."""

    what: str
    said: str
    fault: Fault | None


def checks(*, name: str, symbol: str | None, now: datetime) -> Iterator[Check]:
    """Yield a check for each capability; raise ValueError if the vendor is not set up."""
    if name not in PROVIDERS:
        raise ValueError(f"There is no vendor {name}. There are: {', '.join(sorted(PROVIDERS))}.")
    provider = built([name], os.environ)[name]
    wanted = symbol or PROVIDERS[name].sample_symbol
    for capability, call in _CALLS.items():
        if capability in provider.capabilities:
            yield _checked(provider, capability, partial(_called, call, wanted, now), now)


def _called(
    call: Callable[[Provider, str, datetime], str], symbol: str, now: datetime, provider: Provider
) -> str:
    return call(provider, symbol, now)


def _checked(
    provider: Provider, capability: Capability, call: Callable[[Provider], str], now: datetime
) -> Check:
    try:
        return Check(capability, ask(provider, capability, call, now=now), None)
    except ProviderFault as fault:
        advice = ADVICE.get(fault.fault, "")
        return Check(capability, f"{fault.detail}. {advice}".strip(), fault.fault)


def _quote(provider: Provider, symbol: str, now: datetime) -> str:
    found = provider.quotes([symbol])
    if not found:
        raise ProviderFault(Fault.NOT_FOUND, f"{symbol} is not known")
    quote = found[0]
    age = now - quote.as_of
    currency = quote.currency or "(currency not stated)"
    return f"{symbol} {plain(quote.price)} {currency}, {_age(age)} old"


def _days(provider: Provider, symbol: str, now: datetime) -> str:
    history = provider.days(symbol, since=now.date() - timedelta(days=30), until=now.date())
    if not history.bars:
        raise ProviderFault(Fault.NOT_FOUND, f"no sessions of {symbol} in the last 30 days")
    last = history.bars[-1]
    return f"{len(history.bars)} sessions of {symbol}, the last on {last.day}: {plain(last.close)}"


def _minutes(provider: Provider, symbol: str, now: datetime) -> str:
    found = provider.minutes(symbol, since=now - timedelta(days=5), until=now)
    return f"{len(found)} minutes of {symbol} in the last 5 days"


def _rates(provider: Provider, symbol: str, now: datetime) -> str:
    found = provider.rates(since=now.date() - timedelta(days=5))
    if not found:
        raise ProviderFault(Fault.NOT_FOUND, "no exchange rates of the last 5 days")
    newest = max(one.day for one in found)
    return f"{sum(one.day == newest for one in found)} exchange rates of {newest}"


def _search(provider: Provider, symbol: str, now: datetime) -> str:
    found = provider.search(symbol)
    if not found:
        raise ProviderFault(Fault.NOT_FOUND, f"nothing found for {symbol}")
    return f"{len(found)} securities found for {symbol}, the first: {found[0].name}"


_CALLS: dict[Capability, Callable[[Provider, str, datetime], str]] = {
    Capability.QUOTES: _quote,
    Capability.DAYS: _days,
    Capability.MINUTES: _minutes,
    Capability.RATES: _rates,
    Capability.SEARCH: _search,
}


def _age(age: timedelta) -> str:
    minutes = round(age.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
