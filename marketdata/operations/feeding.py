"""The live feed: ask vendors for quotes when they are due, fall back, believe, record, compare.

due        `marketdata.polling`: by the vendor's quota and the hours of the asset's exchange
ask        calls run side by side, each through its vendor's breaker and quota
fall back  an asset whose vendor failed, or had nothing of it, goes to its next vendor in the
           same round. When none is left the last price stays, and grows stale by its own rule
believe    `marketdata.vendor_quotes` refuses what is about another thing or another day;
           `record_quotes` refuses absurd prices and times
compare    once an hour each asset with two vendors is asked of the second one too, and prices
           too far apart are recorded for the operators
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from prometheus_client import Counter, Gauge

from marketdata import polling
from marketdata.calendars import hours
from marketdata.models import Disagreement
from marketdata.operations.asking import ask, limits, providers_of
from marketdata.operations.provider_state import count_refusals
from marketdata.operations.quotes import IncomingQuote, record_quotes
from marketdata.providers.port import Capability, Provider, ProviderFault, VendorQuote
from marketdata.providers.registry import PROVIDERS
from marketdata.queries.listings import listed, stored_closes
from marketdata.vendor_quotes import APART_BP_MAX, Close, Listed, apart_bp, judged

logger = logging.getLogger(__name__)

REFUSED = Counter(
    "ballast_provider_quotes_refused", "Quotes refused as wrong, by code.", ["provider", "code"]
)
FALLBACKS = Counter(
    "ballast_provider_fallbacks",
    "Quotes that came from another vendor than the preferred one.",
    ["provider", "instead_of"],
)
UNANSWERED = Gauge(
    "ballast_feed_unanswered_assets",
    "Assets that no vendor quoted when they were due last.",
    multiprocess_mode="mostrecent",
)
DISAGREEMENTS = Counter(
    "ballast_provider_disagreements", "Prices of two vendors too far apart.", ["provider", "other"]
)

LISTINGS_EVERY_S = 30.0
COMPARE_EVERY_S = 3600.0
COMPARED_MAX = 50
# Quotes of two vendors are compared if they were made about as late.
_COMPARED_WITHIN = timedelta(minutes=5)
_CALLS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Answer:
    provider: str
    asked: Sequence[Listed]
    quotes: Sequence[VendorQuote] | None  # None: the call failed


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest quote that was recorded of an asset."""

    price: Decimal
    as_of: datetime
    provider: str


@dataclass(slots=True)
class Feed:
    """The state of the feed of this process. `tick` never raises a vendor's fault."""

    clock: Callable[[], float] = time.monotonic
    _assets: list[Listed] = field(default_factory=list)
    _closes: dict[int, Close] = field(default_factory=dict)
    _loaded_at: float | None = None
    _due_at: dict[int, float] = field(default_factory=dict)
    _newest: dict[int, _Newest] = field(default_factory=dict)
    _compared_at: dict[int, float] = field(default_factory=dict)
    _unanswered: set[int] = field(default_factory=set)

    def tick(self, *, now: datetime) -> int:
        """Ask for the quotes that are due; return how many were recorded."""
        vendors = {one.name: one for one in providers_of(Capability.QUOTES)}
        if not vendors:
            return 0
        self._load(vendors)
        moment = self.clock()
        due = [one for one in self._assets if self._due_at.get(one.asset_id, 0.0) <= moment]
        if not due:
            return 0
        recorded = self._round(due, vendors, now)
        self._compare(due, vendors, now)
        return recorded

    def _load(self, vendors: dict[str, Provider]) -> None:
        moment = self.clock()
        if self._loaded_at is not None and moment - self._loaded_at < LISTINGS_EVERY_S:
            return
        self._assets = listed(providers=vendors)
        self._closes = stored_closes(asset_ids=[one.asset_id for one in self._assets])
        known = {one.asset_id for one in self._assets}
        for kept in (self._due_at, self._newest, self._compared_at):
            for gone in kept.keys() - known:
                del kept[gone]
        self._unanswered &= known
        self._loaded_at = moment

    def _round(self, due: list[Listed], vendors: dict[str, Provider], now: datetime) -> int:
        per_call = {name: one.quotes_per_call for name, one in vendors.items()}
        tried: dict[int, set[str]] = {}
        waiting, recorded = due, 0
        while calls := polling.batches(waiting, per_call=per_call, tried=tried):
            unanswered: list[Listed] = []
            for answer in _asked(calls, vendors):
                for one in answer.asked:
                    tried.setdefault(one.asset_id, set()).add(answer.provider)
                found = self._believed(answer, now)
                recorded += len(found)
                unanswered += [one for one in answer.asked if one.asset_id not in found]
                for one in answer.asked:
                    if one.asset_id in found and one.listings[0][0] != answer.provider:
                        FALLBACKS.labels(answer.provider, one.listings[0][0]).inc()
            waiting = unanswered
        self._plan(due, waiting, vendors, now)
        return recorded

    def _believed(self, answer: _Answer, now: datetime) -> dict[int, VendorQuote]:
        """Record what can be believed of an answer; return it by asset id."""
        if answer.quotes is None:
            return {}
        result = judged(
            answer.quotes, asked=answer.asked, provider=answer.provider, closes=self._closes
        )
        symbols = {one.asset_id: one.symbol for one in answer.asked}
        incoming = {
            symbols[asset_id]: IncomingQuote(
                symbol=symbols[asset_id],
                price=quote.price,
                as_of=quote.as_of,
                source=answer.provider,
                previous_close=quote.previous_close,
            )
            for asset_id, quote in result.believed.items()
        }
        refused = dict(result.refused)
        if incoming:
            refused |= dict(record_quotes(quotes=list(incoming.values()), now=now).refused)
        # An older quote is no lie: another vendor was faster.
        lies = {symbol: code for symbol, code in refused.items() if code != "older_than_known"}
        for code in lies.values():
            REFUSED.labels(answer.provider, code).inc()
        if lies:
            logger.warning("%s: refused %s", answer.provider, list(lies.items())[:10])
        count_refusals(name=answer.provider, codes=lies.values(), day=now.date())
        found = {
            asset_id: quote
            for asset_id, quote in result.believed.items()
            if symbols[asset_id] not in lies
        }
        for asset_id, quote in found.items():
            self._newest[asset_id] = _Newest(quote.price, quote.as_of, answer.provider)
        return found

    def _plan(
        self,
        due: Iterable[Listed],
        unanswered: Iterable[Listed],
        vendors: dict[str, Provider],
        now: datetime,
    ) -> None:
        moment = self.clock()
        counts: dict[str, int] = {}
        for one in self._assets:
            counts[one.listings[0][0]] = counts.get(one.listings[0][0], 0) + 1
        paces = {
            name: polling.interval_s(
                assets=count,
                per_call=vendors[name].quotes_per_call,
                limits=limits(name),
                least_s=PROVIDERS[name].poll_s,
            )
            for name, count in counts.items()
        }
        missing = {one.asset_id for one in unanswered}
        for one in due:
            pace = paces[one.listings[0][0]]
            if one.asset_id in missing:
                self._due_at[one.asset_id] = moment + max(pace, polling.RETRY_S)
                self._unanswered.add(one.asset_id)
                continue
            self._unanswered.discard(one.asset_id)
            newest = self._newest.get(one.asset_id)
            self._due_at[one.asset_id] = moment + polling.wait_s(
                hours(exchange=one.exchange, now=now) if one.exchange else None,
                as_of=newest.as_of if newest else None,
                now=now,
                interval_s=pace,
            )
        UNANSWERED.set(len(self._unanswered))

    def _compare(self, due: Iterable[Listed], vendors: dict[str, Provider], now: datetime) -> None:
        """Ask second vendors for a few of the assets, and record prices too far apart."""
        moment = self.clock()
        some = [
            one
            for one in due
            if len(one.listings) > 1
            and one.asset_id not in self._unanswered
            and moment - self._compared_at.get(one.asset_id, -COMPARE_EVERY_S) >= COMPARE_EVERY_S
        ][:COMPARED_MAX]
        if not some:
            return
        per_call = {name: one.quotes_per_call for name, one in vendors.items()}
        first = {one.asset_id: {one.listings[0][0]} for one in some}
        for one in some:
            self._compared_at[one.asset_id] = moment
        apart = [
            row
            for answer in _asked(polling.batches(some, per_call=per_call, tried=first), vendors)
            for row in self._apart(answer, now)
        ]
        Disagreement.objects.bulk_create(apart)

    def _apart(self, answer: _Answer, now: datetime) -> list[Disagreement]:
        result = judged(
            answer.quotes or (), asked=answer.asked, provider=answer.provider, closes=self._closes
        )
        rows = []
        for one in answer.asked:
            other, first = result.believed.get(one.asset_id), self._newest.get(one.asset_id)
            if other is None or first is None or first.provider == answer.provider:
                continue
            if abs(other.as_of - first.as_of) > _COMPARED_WITHIN or other.price <= 0:
                continue
            distance = apart_bp(first.price, other.price)
            if distance > APART_BP_MAX:
                DISAGREEMENTS.labels(first.provider, answer.provider).inc()
                rows.append(
                    Disagreement(
                        asset_id=one.asset_id,
                        provider=first.provider,
                        price=first.price,
                        other_provider=answer.provider,
                        other_price=other.price,
                        apart_bp=distance,
                        seen_at=now,
                    )
                )
        return rows


def _asked(
    calls: Sequence[tuple[str, list[Listed]]], vendors: dict[str, Provider]
) -> list[_Answer]:
    """Make the calls side by side. Vendors and their state in Redis, no database."""

    def answer(call: tuple[str, list[Listed]]) -> _Answer:
        name, assets = call
        names = [found for one in assets if (found := one.name_at(name)) is not None]
        try:
            quotes = ask(vendors[name], "quotes", lambda vendor: vendor.quotes(names))
        except ProviderFault:
            return _Answer(name, assets, None)  # counted and logged where it was asked
        return _Answer(name, assets, quotes)

    if len(calls) == 1:
        return [answer(calls[0])]
    with ThreadPoolExecutor(min(len(calls), _CALLS_AT_ONCE)) as pool:
        return list(pool.map(answer, calls))
