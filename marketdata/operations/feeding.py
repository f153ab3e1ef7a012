"""The live feed: ask vendors for quotes when they are due, fall back, believe, record, compare.

due        `marketdata.polling`: by the vendor's quota and the hours of the asset's exchange
ask        calls run side by side, each through its vendor's breaker and quota
fall back  an asset whose vendor failed, or had nothing of it, goes to its next vendor in the
           same round. When none is left the last price stays, and grows stale by its own rule
believe    `marketdata.vendor_quotes` refuses what is about another thing or another day, and
           holds what is doubtful until another vendor has spoken; `record_quotes` refuses
           absurd prices and times
compare    once an hour each asset with two vendors is asked of the second one too, and prices
           too far apart are recorded for the operators
"""

import logging
import time
from collections import Counter as Counts
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from prometheus_client import Counter, Gauge

from marketdata import polling
from marketdata.calendars import hours
from marketdata.models import Disagreement
from marketdata.operations.asking import SPARED, ask, limits, providers, providers_of
from marketdata.operations.pushed_quotes import PushedQuotes
from marketdata.operations.quotes import IncomingQuote, record_quotes
from marketdata.operations.refusals import note_refusals
from marketdata.providers.port import Capability, Fault, Provider, ProviderFault, VendorQuote
from marketdata.providers.registry import PROVIDERS
from marketdata.queries.listings import listed, stored_closes
from marketdata.vendor_quotes import APART_BP_MAX, Close, Listed, apart_bp, is_doubtful, judged

logger = logging.getLogger(__name__)

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
# Calls of a round that are divided, because the vendor refused them whole.
DIVISIONS_MAX = 16
# The clock of the process and that of the wall run apart by less, unless the machine slept.
CLOCKS_APART_S_MAX = 60.0
# A vendor that pushes is still asked now and then: a connection may live and say nothing.
PUSHED_ASKED_EVERY_S = 60.0
# Quotes of two vendors are compared if they were made about as late.
_COMPARED_WITHIN = timedelta(minutes=5)
_CALLS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Answer:
    provider: str
    asked: Sequence[Listed]
    quotes: Sequence[VendorQuote] | None  # None: the call failed
    quota_wait_s: float | None = None  # it was not made, because the vendor's calls are used up


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest quote that was recorded of an asset."""

    price: Decimal
    as_of: datetime
    provider: str


@dataclass(slots=True)
class _Held:
    """A doubtful quote that waits for another vendor."""

    quote: VendorQuote
    provider: str
    contradicted: bool = False


@dataclass(slots=True)
class Feed:
    """The state of the feed of this process. `tick` never raises a vendor's fault."""

    clock: Callable[[], float] = time.monotonic
    pushed: PushedQuotes | None = None
    _assets: list[Listed] = field(default_factory=list)
    _closes: dict[int, Close] = field(default_factory=dict)
    _loaded_at: float | None = None
    _due_at: dict[int, float] = field(default_factory=dict)
    _newest: dict[int, _Newest] = field(default_factory=dict)
    _compared_at: dict[int, float] = field(default_factory=dict)
    _disagreed_at: dict[int, float] = field(default_factory=dict)
    _unanswered: set[int] = field(default_factory=set)
    _ticked: tuple[datetime, float] | None = None

    def tick(self, *, now: datetime) -> int:
        """Ask for the quotes that are due; return how many were recorded."""
        vendors = {one.name: one for one in providers_of(Capability.QUOTES)}
        if not vendors:
            return 0
        self._notice_sleep(now)
        self._load(vendors)
        pushed = self._take_pushed(now)
        moment = self.clock()
        due = [one for one in self._assets if self._due_at.get(one.asset_id, 0.0) <= moment]
        if not due:
            return pushed
        # The ones that wait longest come first, in case the quota is not enough for all.
        due.sort(key=lambda one: self._due_at.get(one.asset_id, 0.0))
        # If the round fails, because PostgreSQL is away, the next tick must not ask vendors again.
        self._due_at |= {one.asset_id: moment + polling.RETRY_S for one in due}
        recorded = self._round(due, vendors, now)
        self._compare(due, vendors, now)
        return pushed + recorded

    def _notice_sleep(self, now: datetime) -> None:
        """Ask for everything anew after the machine slept, or its time was set.

        The clock of the process stood still then, and may be days behind the plan.
        """
        moment = self.clock()
        if self._ticked is not None:
            then, at = self._ticked
            if abs((now - then).total_seconds() - (moment - at)) > CLOCKS_APART_S_MAX:
                self._due_at.clear()
                self._loaded_at = None
        self._ticked = (now, moment)

    def _load(self, vendors: dict[str, Provider]) -> None:
        moment = self.clock()
        if self._loaded_at is not None and moment - self._loaded_at < LISTINGS_EVERY_S:
            return
        self._assets = listed(providers=vendors)
        self._closes = stored_closes(asset_ids=[one.asset_id for one in self._assets])
        known = {one.asset_id for one in self._assets}
        for kept in (self._due_at, self._newest, self._compared_at, self._disagreed_at):
            for gone in kept.keys() - known:
                del kept[gone]
        self._unanswered &= known
        self._loaded_at = moment

    def _take_pushed(self, now: datetime) -> int:
        """Record the quotes that were pushed; their assets are asked for again only after a while.

        A doubtful one is left out: the next question decides.
        """
        if self.pushed is None:
            return 0
        provider = self.pushed.provider
        by_name = {
            one.listings[0][1]: one for one in self._assets if one.listings[0][0] == provider
        }
        self.pushed.watch(list(by_name))
        quotes = self.pushed.take()
        asked = [by_name[quote.symbol] for quote in quotes if quote.symbol in by_name]
        if not asked:
            return 0
        believed = {
            asset_id: quote
            for asset_id, quote in self._judged(_Answer(provider, asked, quotes), now).items()
            if not self._is_doubtful(asset_id, quote)
        }
        found = self._recorded(believed, asked, provider, now)
        later = self.clock() + PUSHED_ASKED_EVERY_S
        for asset_id in found:
            self._due_at[asset_id] = later
            self._unanswered.discard(asset_id)
        return len(found)

    def _is_doubtful(self, asset_id: int, quote: VendorQuote) -> bool:
        newest = self._newest.get(asset_id)
        return is_doubtful(
            quote,
            last=newest.price if newest else None,
            close=self._closes.get(asset_id),
        )

    def _round(self, due: list[Listed], vendors: dict[str, Provider], now: datetime) -> int:
        """Ask each asset's vendors in turn until one is believed; return how many were."""
        per_call = {name: one.quotes_per_call for name, one in vendors.items()}
        tried: dict[int, set[str]] = {}
        held: dict[int, _Held] = {}
        waits: dict[int, float] = {}
        waiting, recorded = due, 0
        while calls := polling.batches(waiting, per_call=per_call, tried=tried):
            unanswered: list[Listed] = []
            for answer in _asked(calls, vendors, now, spared=0.0):
                for one in answer.asked:
                    tried.setdefault(one.asset_id, set()).add(answer.provider)
                    if answer.quota_wait_s is not None:
                        waits[one.asset_id] = answer.quota_wait_s
                left = {
                    one.asset_id
                    for one in answer.asked
                    if per_call.keys() & {name for name, _ in one.listings} - tried[one.asset_id]
                }
                believed = self._settled(self._judged(answer, now), answer, held, left, now)
                found = self._recorded(believed, answer.asked, answer.provider, now)
                recorded += len(found)
                unanswered += [one for one in answer.asked if one.asset_id not in found]
            waiting = unanswered
        alone = self._alone(waiting, held, now)
        missing = [one.asset_id for one in waiting if one.asset_id not in alone]
        self._plan(due, {one: waits.get(one) for one in missing}, now)
        return recorded + len(alone)

    def _judged(self, answer: _Answer, now: datetime) -> dict[int, VendorQuote]:
        """Return what is not refused at once of an answer, by asset id."""
        if answer.quotes is None:
            return {}
        result = judged(
            answer.quotes, asked=answer.asked, provider=answer.provider, closes=self._closes
        )
        note_refusals(
            "quotes", result.refused, provider=answer.provider, of=answer.provider, now=now
        )
        return dict(result.believed)

    def _settled(
        self,
        quotes: dict[int, VendorQuote],
        answer: _Answer,
        held: dict[int, "_Held"],
        left: set[int],
        now: datetime,
    ) -> dict[int, VendorQuote]:
        """Return the quotes to record: doubtful ones wait until another vendor has spoken."""
        believed: dict[int, VendorQuote] = {}
        for asset_id, quote in quotes.items():
            doubtful = self._is_doubtful(asset_id, quote)
            first = held.get(asset_id)
            if first is None:
                if doubtful and asset_id in left:
                    held[asset_id] = _Held(quote, answer.provider)
                else:
                    believed[asset_id] = quote
                continue
            distance = apart_bp(first.quote.price, quote.price)
            if distance <= APART_BP_MAX:
                believed[asset_id] = quote
                continue
            first.contradicted = True
            self._disagree(asset_id, first, quote, answer.provider, distance, now)
            if not doubtful:
                believed[asset_id] = quote
        return believed

    def _alone(
        self, waiting: Sequence[Listed], held: dict[int, "_Held"], now: datetime
    ) -> set[int]:
        """Record the doubtful quotes that no other vendor answered; return their assets."""
        found: set[int] = set()
        for one in waiting:
            first = held.get(one.asset_id)
            if first is not None and not first.contradicted:
                quotes = {one.asset_id: first.quote}
                found |= self._recorded(quotes, [one], first.provider, now).keys()
        return found

    def _recorded(
        self,
        quotes: dict[int, VendorQuote],
        assets: Sequence[Listed],
        provider: str,
        now: datetime,
    ) -> dict[int, VendorQuote]:
        """Record quotes; return those that are no lies, by asset id."""
        if not quotes:
            return {}
        by_id = {one.asset_id: one for one in assets}
        incoming = [
            IncomingQuote(
                symbol=by_id[asset_id].symbol,
                price=quote.price,
                as_of=quote.as_of,
                source=provider,
                previous_close=quote.previous_close,
            )
            for asset_id, quote in quotes.items()
        ]
        refused = dict(record_quotes(quotes=incoming, now=now).refused)
        # An older quote is no lie: another vendor was faster. What is newer stays.
        lies = {symbol: code for symbol, code in refused.items() if code != "older_than_known"}
        note_refusals("quotes", list(lies.items()), provider=provider, of=provider, now=now)
        found = {
            asset_id: quote
            for asset_id, quote in quotes.items()
            if by_id[asset_id].symbol not in lies
        }
        for asset_id, quote in found.items():
            one = by_id[asset_id]
            if one.symbol in refused:
                continue
            self._newest[asset_id] = _Newest(quote.price, quote.as_of, provider)
            if one.listings[0][0] != provider:
                FALLBACKS.labels(provider, one.listings[0][0]).inc()
        return found

    def _plan(
        self, due: Iterable[Listed], missing: Mapping[int, float | None], now: datetime
    ) -> None:
        """Decide when to ask again. `missing`: assets without an answer, and how long the quota
        of a vendor that was not asked for them has no call.
        """
        moment = self.clock()
        counts = Counts(one.listings[0][0] for one in self._assets)
        paces = {
            name: polling.interval_s(
                assets=count,
                per_call=providers()[name].quotes_per_call,
                limits=limits(name),
                least_s=PROVIDERS[name].poll_s,
            )
            for name, count in counts.items()
        }
        for one in due:
            pace = paces[one.listings[0][0]]
            if one.asset_id in missing:
                self._due_at[one.asset_id] = moment + polling.retry_s(
                    interval_s=pace, quota_wait_s=missing[one.asset_id]
                )
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
        calls = polling.batches(some, per_call=per_call, tried=first)
        for answer in _asked(calls, vendors, now, spared=SPARED):
            self._note_apart(answer, now)

    def _note_apart(self, answer: _Answer, now: datetime) -> None:
        for asset_id, other in self._judged(answer, now).items():
            mine = self._newest.get(asset_id)
            if mine is None or mine.provider == answer.provider or other.price <= 0:
                continue
            distance = apart_bp(mine.price, other.price)
            if abs(other.as_of - mine.as_of) <= _COMPARED_WITHIN and distance > APART_BP_MAX:
                first = _Held(VendorQuote("", mine.price, mine.as_of), mine.provider)
                self._disagree(asset_id, first, other, answer.provider, distance, now)

    def _disagree(
        self,
        asset_id: int,
        first: _Held,
        other: VendorQuote,
        provider: str,
        distance_bp: int,
        now: datetime,
    ) -> None:
        """Count a disagreement; record one of an asset an hour: they are asked again in seconds."""
        DISAGREEMENTS.labels(first.provider, provider).inc()
        moment = self.clock()
        if moment - self._disagreed_at.get(asset_id, -COMPARE_EVERY_S) < COMPARE_EVERY_S:
            return
        self._disagreed_at[asset_id] = moment
        Disagreement.objects.create(
            asset_id=asset_id,
            provider=first.provider,
            price=first.quote.price,
            other_provider=provider,
            other_price=other.price,
            apart_bp=distance_bp,
            seen_at=now,
        )


def _asked(
    calls: Sequence[tuple[str, list[Listed]]],
    vendors: dict[str, Provider],
    now: datetime,
    *,
    spared: float,
) -> list[_Answer]:
    """Make the calls side by side. Vendors and their state in Redis, no database.

    A vendor may refuse a whole call for one symbol it does not know. Such a call is divided, so
    that one wrong listing does not stop the others.
    """
    used_up: dict[str, float] = {}
    divisions = iter(range(DIVISIONS_MAX))

    def answers(call: tuple[str, list[Listed]]) -> list[_Answer]:
        name, assets = call
        if name in used_up:
            return [_Answer(name, assets, None, used_up[name])]
        found = (one.name_at(name) for one in assets)
        names = list(dict.fromkeys(symbol for symbol in found if symbol is not None))
        try:
            quotes = ask(
                vendors[name],
                "quotes",
                lambda vendor: vendor.quotes(names),
                now=now,
                spared=spared,
            )
        except ProviderFault as fault:  # counted and logged where it was asked
            if fault.fault is Fault.QUOTA_USED:
                used_up[name] = fault.retry_after_s or polling.RETRY_S
            unknown = fault.fault is Fault.NOT_FOUND and len(assets) > 1
            if unknown and next(divisions, None) is not None:
                half = len(assets) // 2
                return [*answers((name, assets[:half])), *answers((name, assets[half:]))]
            return [_Answer(name, assets, None, used_up.get(name))]
        return [_Answer(name, assets, quotes)]

    if len(calls) == 1:
        return answers(calls[0])
    with ThreadPoolExecutor(min(len(calls), _CALLS_AT_ONCE)) as pool:
        return [one for found in pool.map(answers, calls) for one in found]
