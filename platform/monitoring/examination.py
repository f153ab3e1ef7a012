"""Run checks side by side, each for a bounded time.

A check runs in a daemon thread of its own. One that does not return in time is reported and left
behind; it ends with the process, so the doctor always answers. Checks that need others run after
them, and are skipped where one of those cannot be passed.
"""

import threading
from collections.abc import Callable, Sequence
from time import monotonic

from monitoring.findings import Check, Finding, Level, problem

LOOK_S_MAX = 8.0
Found = dict[str, list[Finding]]


def examine(
    checks: Sequence[Check],
    *,
    look_s_max: float = LOOK_S_MAX,
    when_done: Callable[[], None] = lambda: None,
) -> Found:
    """Return the findings of each check, in the order of the checks.

    `when_done` runs at the end of each check in its thread: it closes what the check has opened.
    """
    found: Found = {}
    waiting = list(checks)
    while waiting:
        due = [check for check in waiting if not _names(waiting) & set(check.needs)]
        assert due, "no check needs itself, not even by others"
        broken = {name for name, findings in found.items() if any(x.blocks for x in findings)}
        able = [check for check in due if not broken & set(check.needs)]
        found |= _side_by_side(able, look_s_max=look_s_max, when_done=when_done)
        for check in due:
            missing = sorted(broken & set(check.needs))
            if missing:
                text = f"Not examined, because this needs: {', '.join(missing)}."
                found[check.name] = [Finding(Level.SKIPPED, text, blocks=True)]
        waiting = [check for check in waiting if check not in due]
    return {check.name: found[check.name] for check in checks}


def worst(found: Found) -> Level:
    """Return the worst level of all findings."""
    return _level([finding for findings in found.values() for finding in findings])


def _level(findings: Sequence[Finding]) -> Level:
    order = list(Level)
    return max((x.level for x in findings), key=order.index, default=Level.OK)


def _names(checks: Sequence[Check]) -> set[str]:
    return {check.name for check in checks}


def _side_by_side(
    checks: Sequence[Check], *, look_s_max: float, when_done: Callable[[], None]
) -> Found:
    answers: Found = {}

    def run(check: Check) -> None:
        try:
            answers[check.name] = list(check.look())
        except Exception as fault:
            # The text of a fault may hold an address with its password; its type never does.
            answers[check.name] = [
                problem(
                    f"The check failed: {type(fault).__name__}.",
                    "See the log for the whole fault, or run with --verbosity 2.",
                    blocks=True,
                )
            ]
            faults[check.name] = fault
        finally:
            when_done()

    threads = {
        check.name: threading.Thread(target=run, args=(check,), daemon=True) for check in checks
    }
    for thread in threads.values():
        thread.start()
    deadline = monotonic() + look_s_max
    for name, thread in threads.items():
        thread.join(max(0.0, deadline - monotonic()))
        if thread.is_alive():
            answers[name] = [
                problem(
                    f"No answer within {look_s_max:g} s.",
                    "Something hangs rather than fails: look at the load and the network of the "
                    "server that this check asks, then run the doctor again.",
                    blocks=True,
                )
            ]
    return dict(answers)


# The whole faults of the last examination, for operators who ask for them.
faults: dict[str, Exception] = {}
