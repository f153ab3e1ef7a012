"""Vendors of market data, prices and exchange rates."""

from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone

from marketdata.operations.asking import limits
from marketdata.operations.provider_state import states
from monitoring.findings import Finding, age_text, fine, problem, warning
from stores.rows import rows_of

SILENT_S_MAX = 6 * 3600.0
FIXING_DAYS_MAX, CLOSE_DAYS_MAX = 4, 5

_NEWEST = """
SELECT (SELECT max(date) FROM marketdata_exchangerate),
       (SELECT max(date) FROM marketdata_dailyprice)
"""


def providers() -> Iterator[Finding]:
    """The breaker, the last answer and the quota of each vendor."""
    known = {name: limits(name) for name in settings.PROVIDERS}
    if not known:
        text = "The demo replays recorded prices." if settings.DEMO else "No vendor is set up."
        say = fine(text)
        yield say if not settings.PRODUCTION else warning(text, "Name vendors in PROVIDERS.")
        return
    now = timezone.now()
    for state in states(limits=known, now=now):
        check = f"manage.py check_provider {state.name} shows what it answers."
        if state.stage != "closed":
            yield problem(
                f"The breaker of {state.name} is {state.stage.replace('_', '-')} after "
                f"{state.failures} failures ({state.fault or state.held}).",
                check,
            )
        elif any(tokens < 1 for tokens in state.tokens):
            yield warning(
                f"{state.name} has no calls left.",
                "Wait for its window, name another vendor, or set the quota of a larger plan.",
            )
        elif state.answered_at is None:
            yield warning(f"{state.name} has not answered yet.", check)
        elif (age_s := (now - state.answered_at).total_seconds()) > SILENT_S_MAX:
            yield warning(f"{state.name} answered {age_text(age_s)} ago.", check)
        else:
            yield fine(f"{state.name} answered {age_text(age_s)} ago.")


def prices() -> Iterator[Finding]:
    """The newest exchange rate and the newest close."""
    [(fixing, close)] = rows_of(_NEWEST, {})
    today = timezone.now().date()
    for what, day, days_max, mend in (
        ("exchange rate", fixing, FIXING_DAYS_MAX, "manage.py check_provider ecb"),
        ("close", close, CLOSE_DAYS_MAX, "the workers of the queue nightly, and the vendors"),
    ):
        if day is None:
            yield warning(f"There is no {what} yet.", f"Check {mend}.")
        elif (today - day).days > days_max and not settings.DEMO:  # the demo's are recorded
            yield warning(f"The newest {what} is of {day}.", f"Check {mend}.")
        else:
            yield fine(f"The newest {what} is of {day}.")
