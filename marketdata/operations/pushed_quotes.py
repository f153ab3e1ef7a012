"""Quotes that a vendor pushes: a thread of the feed reads them, the next tick takes them.

The thread holds the newest quote of each symbol and nothing else, so a slow tick costs values in
between, never memory. A connection that ends is made again after a pause that doubles, by a breaker
as any call is. The thread uses no database.
"""

import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from prometheus_client import Counter

from marketdata.operations.provider_state import admitted, tell
from marketdata.providers.port import ProviderFault, VendorQuote

logger = logging.getLogger(__name__)

PUSHED = Counter("ballast_pushed_quotes", "Quotes that a vendor pushed.", ["provider"])
CONNECTIONS = Counter(
    "ballast_pushed_connections",
    "Connections to a vendor that pushes, by their end.",
    ["provider", "outcome"],
)

PAUSE_S_MIN = 1.0
PAUSE_S_MAX = 60.0


class Stream(Protocol):
    """A vendor that pushes quotes until `ended` says so, or raises ProviderFault."""

    def quotes(
        self, symbols: Sequence[str], *, ended: Callable[[], bool]
    ) -> Iterator[VendorQuote]: ...


class PushedQuotes:
    """The newest pushed quotes of a vendor, for at most `symbols_max` symbols."""

    def __init__(
        self,
        *,
        stream: Stream,
        provider: str,
        symbols_max: int,
        now: Callable[[], datetime],
    ) -> None:
        self.provider = provider
        self.symbols_max = symbols_max
        self._stream = stream
        self._now = now
        self._name = f"{provider}_stream"
        self._lock = threading.Lock()
        self._wanted: tuple[str, ...] = ()
        self._latest: dict[str, VendorQuote] = {}
        self._changed = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, symbols: Sequence[str]) -> None:
        """Have these symbols pushed from now on; the first `symbols_max` of them."""
        wanted = tuple(sorted(symbols)[: self.symbols_max])
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._changed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def take(self) -> list[VendorQuote]:
        """Return what arrived since the last call, the newest quote of each symbol."""
        with self._lock:
            taken, self._latest = list(self._latest.values()), {}
        return taken

    def stop(self) -> None:
        self._stopped.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        pause_s = PAUSE_S_MIN
        while not self._stopped.is_set():
            self._changed.clear()
            symbols = self._wanted
            heard = self._listened(symbols) if symbols else 0
            if self._changed.is_set():
                pause_s = PAUSE_S_MIN
                continue
            pause_s = PAUSE_S_MIN if heard else min(PAUSE_S_MAX, 2 * pause_s)
            self._changed.wait(pause_s * random.uniform(0.5, 1.0))

    def _listened(self, symbols: Sequence[str]) -> int:
        """Hold one connection until it ends; return how many quotes it brought."""
        heard = 0
        fault: ProviderFault | None = None
        try:
            probe = admitted(name=self._name, limits=())
        except ProviderFault:
            return 0
        try:
            for quote in self._stream.quotes(symbols, ended=self._changed.is_set):
                heard += 1
                PUSHED.labels(self.provider).inc()
                with self._lock:
                    self._latest[quote.symbol] = quote
        except ProviderFault as error:
            fault = error
            logger.warning("the stream of %s ended: %s", self.provider, error)
        CONNECTIONS.labels(self.provider, fault.fault if fault else "ended").inc()
        tell(name=self._name, limits=(), probe=probe, fault=fault, day=self._now().date())
        return heard
