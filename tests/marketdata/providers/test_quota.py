import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.providers.quota import (
    Bucket,
    Limit,
    emptied,
    limits_of,
    refilled,
    taken,
    wait_ms,
)

LIMITS = st.lists(
    st.builds(Limit, st.integers(1, 30), st.sampled_from([1_000, 60_000, 3_600_000])),
    min_size=1,
    max_size=3,
)
PAUSES = st.lists(st.integers(0, 40_000), min_size=1, max_size=80)


def test_a_text_names_calls_and_windows() -> None:
    assert limits_of("50/hour, 1000/day") == (Limit(50, 3_600_000), Limit(1000, 86_400_000))


@pytest.mark.parametrize("text", ["", "50", "50/week", "0/hour", "-1/hour", "x/hour", "5/hour,"])
def test_a_text_that_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no limit; write one such as 50/hour"):
        limits_of(text)


def test_fifty_calls_go_at_once_and_the_next_after_72_seconds() -> None:
    limits = limits_of("50/hour")
    buckets: tuple[Bucket | None, ...] = (None,)
    for _ in range(50):
        buckets, went = taken(buckets, limits, now_ms=1_000)
        assert went
    assert not taken(buckets, limits, now_ms=1_000 + 71_999)[1]
    assert taken(buckets, limits, now_ms=1_000 + 72_000)[1]


@given(limits=LIMITS, pauses=PAUSES)
def test_no_stretch_of_time_has_more_calls_than_the_buckets_hold_and_gain(
    limits: list[Limit], pauses: list[int]
) -> None:
    buckets: tuple[Bucket | None, ...] = (None,) * len(limits)
    now_ms, went_at = 1_000, list[int]()
    for pause in pauses:
        now_ms += pause
        buckets, went = taken(buckets, limits, now_ms=now_ms)
        if went:
            went_at.append(now_ms)
    for first, began in enumerate(went_at):
        for last in range(first, len(went_at)):
            for limit in limits:
                gained = (went_at[last] - began) * limit.calls / limit.window_ms
                assert last - first + 1 <= limit.calls + gained + 1e-6


@given(limits=LIMITS, pauses=PAUSES)
def test_a_call_takes_one_token_of_every_bucket_or_none(
    limits: list[Limit], pauses: list[int]
) -> None:
    buckets: tuple[Bucket | None, ...] = (None,) * len(limits)
    now_ms = 1_000
    for pause in pauses:
        now_ms += pause
        full = [
            refilled(bucket, limit, now_ms=now_ms)
            for bucket, limit in zip(buckets, limits, strict=True)
        ]
        after, went = taken(buckets, limits, now_ms=now_ms)
        assert went == all(bucket.tokens >= 1 for bucket in full)
        assert [bucket.tokens for bucket in after] == [bucket.tokens - went for bucket in full]
        buckets = after


@given(limits=LIMITS, pauses=PAUSES)
def test_a_call_goes_after_the_wait_and_not_before(limits: list[Limit], pauses: list[int]) -> None:
    buckets: tuple[Bucket, ...] = tuple(refilled(None, limit, now_ms=1_000) for limit in limits)
    now_ms = 1_000
    for pause in pauses:
        now_ms += pause
        buckets, went = taken(buckets, limits, now_ms=now_ms)
        wait = wait_ms(buckets, limits, now_ms=now_ms)
        assert wait >= 0
        assert taken(buckets, limits, now_ms=now_ms + int(wait) + 1)[1]
        if wait > 2:
            assert not taken(buckets, limits, now_ms=now_ms + int(wait) - 1)[1]


@given(limits=LIMITS, early_ms=st.integers(1, 10_000))
def test_a_vendor_that_had_enough_is_left_alone_until_it_said(
    limits: list[Limit], early_ms: int
) -> None:
    buckets = emptied(limits, until_ms=50_000)
    assert not taken(buckets, limits, now_ms=50_000 - early_ms)[1]
    after, went = taken(buckets, limits, now_ms=50_000)
    assert went
    assert not taken(after, limits, now_ms=50_000)[1]
