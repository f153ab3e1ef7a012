"""A circuit breaker: when a vendor that fails is left alone, and who tries it again. Pure.

    closed      calls go through; `FAILURES_MAX` failures in a row open it
    open        no call for `OPEN_MS`; then one caller may probe
    half-open   one probe is out. Its success closes the breaker, its failure opens it again for
                `OPEN_MS`. A probe whose process died is given up after `OPEN_MS`.
    held        an operator opened or closed it by hand; nothing but an operator changes that

The answer of a call that began before the breaker opened changes nothing while it is open. Times
are milliseconds of one clock: that of Redis, which all processes share, or of this process while
Redis is away. `stores` keeps no second copy of these rules: the script in
`marketdata.operations.provider_state` repeats them, and a test compares the two.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

FAILURES_MAX = 10
OPEN_MS = 60_000


class Held(StrEnum):
    NOT = ""
    OPEN = "open"
    CLOSED = "closed"


class Leave(StrEnum):
    """The answer to a caller that wants to call."""

    CALL = "call"
    PROBE = "probe"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state. `opened_ms` and `probed_ms` are 0 while it is closed or no probe is out."""

    failures: int = 0
    opened_ms: int = 0
    probed_ms: int = 0
    held: Held = Held.NOT

    def stage(self, now_ms: int) -> str:
        """Return "closed", "open" or "half_open"."""
        if self.held is not Held.NOT:
            return self.held.value
        if not self.opened_ms:
            return "closed"
        return "open" if _is_recent(self.opened_ms, now_ms) else "half_open"


def asked(breaker: Breaker, *, now_ms: int) -> tuple[Breaker, Leave]:
    """Return whether a caller may call now, and the state after it was told."""
    if breaker.held is Held.OPEN:
        return breaker, Leave.REFUSED
    if breaker.held is Held.CLOSED or not breaker.opened_ms:
        return breaker, Leave.CALL
    if _is_recent(breaker.opened_ms, now_ms) or _is_recent(breaker.probed_ms, now_ms):
        return breaker, Leave.REFUSED
    return replace(breaker, probed_ms=now_ms), Leave.PROBE


def _is_recent(at_ms: int, now_ms: int) -> bool:
    """Return whether a moment is less than OPEN_MS ago; one ahead is of a clock set back since."""
    return bool(at_ms) and 0 <= now_ms - at_ms < OPEN_MS


def succeeded(breaker: Breaker, *, probe: bool) -> Breaker:
    """Return the state after a call that was answered."""
    if breaker.opened_ms and not probe:
        return breaker
    return replace(breaker, failures=0, opened_ms=0, probed_ms=0)


def failed(breaker: Breaker, *, probe: bool, now_ms: int) -> Breaker:
    """Return the state after a call that was not answered."""
    if breaker.opened_ms:
        return replace(breaker, opened_ms=now_ms, probed_ms=0) if probe else breaker
    failures = breaker.failures + 1
    return replace(breaker, failures=failures, opened_ms=now_ms if failures >= FAILURES_MAX else 0)
