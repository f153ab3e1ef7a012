"""The rules of the breaker, whatever callers do in whatever order."""

from hypothesis import given
from hypothesis import strategies as st

from marketdata.providers.breaker import (
    FAILURES_MAX,
    OPEN_MS,
    Breaker,
    Held,
    Leave,
    asked,
    failed,
    succeeded,
)

# What happens next: time passes, a call begins, or one of the calls under way ends.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([1, 500, OPEN_MS - 1, OPEN_MS, 3 * OPEN_MS])),
        st.tuples(st.just("begin"), st.just(0)),
        st.tuples(st.just("fail"), st.integers(0, 50)),
        st.tuples(st.just("succeed"), st.integers(0, 50)),
    ),
    min_size=20,
    max_size=150,
)


@given(steps=STEPS)
def test_two_probes_are_never_nearer_than_the_time_it_stays_open(
    steps: list[tuple[str, int]],
) -> None:
    breaker, now_ms = Breaker(), 1_000_000
    under_way: list[bool] = []
    probes: list[int] = []
    # So that the breaker opens in every example.
    for _ in range(FAILURES_MAX):
        breaker = failed(breaker, probe=False, now_ms=now_ms)
    for what, number in steps:
        if what == "wait":
            now_ms += number
        elif what == "begin":
            breaker, leave = asked(breaker, now_ms=now_ms)
            if leave is not Leave.REFUSED:
                under_way.append(leave is Leave.PROBE)
            if leave is Leave.PROBE:
                probes.append(now_ms)
        elif under_way:
            probe = under_way.pop(number % len(under_way))
            if what == "fail":
                breaker = failed(breaker, probe=probe, now_ms=now_ms)
            else:
                breaker = succeeded(breaker, probe=probe)
    gaps = [later - earlier for earlier, later in zip(probes, probes[1:], strict=False)]
    assert all(gap >= OPEN_MS for gap in gaps)


@given(answers=st.lists(st.booleans(), max_size=60))
def test_it_opens_at_exactly_ten_failures_in_a_row(answers: list[bool]) -> None:
    breaker, in_a_row = Breaker(), 0
    for number, right in enumerate(answers):
        breaker, leave = asked(breaker, now_ms=1_000 + number)
        assert leave is (Leave.CALL if in_a_row < FAILURES_MAX else Leave.REFUSED)
        if leave is Leave.REFUSED:
            continue
        if right:
            breaker, in_a_row = succeeded(breaker, probe=False), 0
        else:
            breaker = failed(breaker, probe=False, now_ms=1_000 + number)
            in_a_row += 1
        expected = "closed" if in_a_row < FAILURES_MAX else "open"
        assert breaker.stage(1_000 + number) == expected


def _open(at_ms: int) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_MAX):
        breaker = failed(breaker, probe=False, now_ms=at_ms)
    return breaker


def test_only_the_answer_of_the_probe_closes_it() -> None:
    breaker, leave = asked(_open(1_000), now_ms=1_000 + OPEN_MS)
    assert leave is Leave.PROBE
    assert breaker.stage(1_000 + OPEN_MS) == "half_open"
    assert succeeded(breaker, probe=False) == breaker
    assert failed(breaker, probe=False, now_ms=1_000 + OPEN_MS + 5) == breaker
    assert succeeded(breaker, probe=True) == Breaker()


def test_a_failed_probe_opens_it_for_the_whole_time_again() -> None:
    breaker, _ = asked(_open(1_000), now_ms=1_000 + OPEN_MS)
    breaker = failed(breaker, probe=True, now_ms=1_000 + OPEN_MS + 4_000)
    assert asked(breaker, now_ms=1_000 + 2 * OPEN_MS + 3_999)[1] is Leave.REFUSED
    assert asked(breaker, now_ms=1_000 + 2 * OPEN_MS + 4_000)[1] is Leave.PROBE


def test_a_probe_that_never_ends_is_replaced_after_a_while() -> None:
    breaker, _ = asked(_open(1_000), now_ms=1_000 + OPEN_MS)
    assert asked(breaker, now_ms=999 + 2 * OPEN_MS)[1] is Leave.REFUSED
    assert asked(breaker, now_ms=1_000 + 2 * OPEN_MS)[1] is Leave.PROBE


@given(steps=STEPS)
def test_an_operator_outranks_every_answer(steps: list[tuple[str, int]]) -> None:
    for held, leave in ((Held.OPEN, Leave.REFUSED), (Held.CLOSED, Leave.CALL)):
        breaker, now_ms = Breaker(held=held), 1_000
        for what, number in steps:
            now_ms += number if what == "wait" else 0
            breaker, given_leave = asked(breaker, now_ms=now_ms)
            assert given_leave is leave
            if what == "fail":
                breaker = failed(breaker, probe=False, now_ms=now_ms)
