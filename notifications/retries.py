"""When a failed delivery is tried again. Pure.

Three quick tries, each pause about four times the last, then slower ones until about a day has
passed. Half of each pause is random, so receivers that came back are not met by all at once.
"""

from datetime import timedelta

_QUICK_S = (4.0, 16.0)
_SLOW_S = (120.0, 600.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0)
# A live event is of no use to anyone later: its notice can be read. A push is short-lived too.
PAUSES_S: dict[str, tuple[float, ...]] = {
    "live": _QUICK_S,
    "push": (*_QUICK_S, *_SLOW_S[:2]),
    "email": (*_QUICK_S, *_SLOW_S),
    "digest": (*_QUICK_S, *_SLOW_S),
    "webhook": (*_QUICK_S, *_SLOW_S),
}


def pause(*, channel: str, attempts: int, share: float) -> timedelta | None:
    """Return the pause after so many failed tries; None if that was the last.

    share: a random number from 0 to 1.
    """
    assert attempts >= 1, "tries are counted from one"
    assert 0 <= share <= 1, "a share"
    pauses = PAUSES_S[channel]
    if attempts > len(pauses):
        return None
    return timedelta(seconds=pauses[attempts - 1] * (0.5 + share / 2))
