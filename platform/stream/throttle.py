"""The throttle of one client's updates, with the clock passed in.

    watch(symbols)   nothing was sent for them yet, so the next batch carries them: the snapshot
    regular(latest)  every watched quote that is not the one last sent, at most once per interval
    urgent(changed)  between two regular batches: moves of more than 0.1 % since the price last
                     *sent to this client*, the largest first, under a cap per second

Nothing is queued per client. The pending update is the difference between the newest quotes (one
table for all clients) and the quotes last sent to this one. So a client that was blocked for a
while gets the latest value of each symbol and none of the values between.

Worked example, interval 1 s: A at 100.00 is sent at t=0. A changes to 100.05 at t=0.2 (0.05 %):
it waits. A changes to 100.20 at t=0.4 (0.2 % since 100.00): it goes at once. A changes to 100.25
at t=0.6: it waits, and goes with the regular batch at t=1.
"""

from collections.abc import Iterable, Mapping

from stream.pace import EARLY_MAX, MOVE_MIN, Pace
from stream.protocol import Quote, price_batch


class Client:
    """The symbols a socket watches, and the quotes last sent to it."""

    __slots__ = ("_sent", "_urgent_at", "_urgent_left", "due_at", "pace", "seq")

    def __init__(self, *, pace: Pace, now: float) -> None:
        self.pace = pace
        self.seq = 0
        self.due_at = now
        self._sent: dict[str, Quote | None] = {}
        self._urgent_left = float(pace.urgent_per_s_max)
        self._urgent_at = now

    @property
    def symbols(self) -> Iterable[str]:
        return self._sent.keys()

    def __len__(self) -> int:
        return len(self._sent)

    def watch(self, symbols: Iterable[str]) -> list[str]:
        """Add symbols; return those that were not watched before."""
        added = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self._sent]
        self._sent.update(dict.fromkeys(added))
        return added

    def unwatch(self, symbols: Iterable[str]) -> list[str]:
        """Remove symbols; return those that were watched."""
        removed = [symbol for symbol in dict.fromkeys(symbols) if symbol in self._sent]
        for symbol in removed:
            del self._sent[symbol]
        return removed

    def is_due(self, now: float) -> bool:
        return now >= self.due_at - EARLY_MAX * self.pace.interval_s

    def regular(self, *, latest: Mapping[str, Quote], now: float) -> str | None:
        """Return every watched quote not yet sent, or None. Call it only when due."""
        news = [
            quote
            for symbol, last in self._sent.items()
            if (quote := latest.get(symbol)) is not None and quote is not last
        ]
        if not news:
            return None
        self.due_at = max(self.due_at, now) + self.pace.interval_s
        return self._batch(news)

    def urgent(self, *, changed: Mapping[str, Quote], now: float) -> str | None:
        """Return the significant moves among the changed quotes, under the cap, or None."""
        fewer, others = sorted((self._sent, changed), key=len)
        moves = [
            (move, quote)
            for symbol in fewer
            if symbol in others
            and (last := self._sent[symbol]) is not None
            and (quote := changed[symbol]) is not last
            and (move := _move(quote.price, last.price)) > MOVE_MIN
        ]
        allowed = self._urgent_allowance(now) if moves else 0
        if not allowed:
            return None
        moves.sort(key=lambda pair: pair[0], reverse=True)
        news = [quote for _, quote in moves[:allowed]]
        self._urgent_left -= len(news)
        return self._batch(news)

    def _urgent_allowance(self, now: float) -> int:
        rate = self.pace.urgent_per_s_max
        refilled = self._urgent_left + (now - self._urgent_at) * rate
        self._urgent_left = min(float(rate), refilled)
        self._urgent_at = now
        return int(self._urgent_left)

    def _batch(self, news: list[Quote]) -> str:
        for quote in news:
            self._sent[quote.symbol] = quote
        self.seq += 1
        return price_batch(seq=self.seq, updates=[quote.text for quote in news])


def _move(price: float, last: float) -> float:
    """Return the relative move, rounded: exactly 0.1 % of decimal prices is not above 0.1 %."""
    if last == 0:
        return 1.0 if price else 0.0
    return round(abs(price - last) / last, 12)
