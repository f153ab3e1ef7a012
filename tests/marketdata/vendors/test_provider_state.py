"""The breaker and the quota of a vendor: the script in Redis against the pure rules."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketdata.operations import provider_state
from marketdata.operations.provider_state import admitted, hold, states, tell
from marketdata.providers import breaker, quota
from marketdata.providers.breaker import Breaker, Held, Leave
from marketdata.providers.port import Fault, ProviderFault
from marketdata.providers.quota import limits_of
from stores.redis import redis_client
from tests.effort import examples

NAME = "acme"
FREE = limits_of("100000/minute")
TODAY = datetime.now(UTC).date()
BROKEN = ProviderFault(Fault.TIMEOUT, "silence")


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


def forget() -> None:
    redis_client().delete(f"provider:{NAME}", f"provider:{NAME}:{TODAY.isoformat()}")
    provider_state._local.forget(NAME)


def call(*, fault: ProviderFault | None) -> str:
    """Call the vendor once; return what came of it."""
    try:
        probe = admitted(name=NAME, limits=FREE)
    except ProviderFault as refusal:
        return refusal.fault
    tell(name=NAME, limits=FREE, probe=probe, fault=fault, day=TODAY)
    return "probe" if probe else "call"


def stage() -> str:
    return states(limits={NAME: FREE}, now=datetime.now(UTC))[0].stage


def test_ten_failures_in_a_row_open_it_and_nine_do_not() -> None:
    for _ in range(9):
        assert call(fault=BROKEN) == "call"
    assert call(fault=None) == "call"
    for _ in range(10):
        assert call(fault=BROKEN) == "call"
    assert call(fault=None) == "breaker_open"
    assert stage() == "open"


@pytest.mark.parametrize("fault", [Fault.NOT_FOUND, Fault.QUOTA_USED])
def test_an_answer_that_says_no_is_no_failure(fault: Fault) -> None:
    for _ in range(12):
        redis_client().hdel(f"provider:{NAME}", "at5", "tokens5")
        assert call(fault=ProviderFault(fault, "no")) == "call"
    assert stage() == "closed"


def test_after_its_time_one_caller_probes_and_its_answer_decides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(breaker, "OPEN_MS", 300)
    for _ in range(10):
        call(fault=BROKEN)
    assert call(fault=None) == "breaker_open"
    time.sleep(0.35)
    assert admitted(name=NAME, limits=FREE) is True
    for _ in range(5):
        assert call(fault=None) == "breaker_open"
    tell(name=NAME, limits=FREE, probe=True, fault=BROKEN, day=TODAY)
    assert call(fault=None) == "breaker_open"
    time.sleep(0.35)
    assert call(fault=None) == "probe"
    assert [call(fault=None) for _ in range(3)] == ["call"] * 3


def test_the_probe_of_a_killed_process_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "OPEN_MS", 300)
    for _ in range(10):
        call(fault=BROKEN)
    time.sleep(0.35)
    assert admitted(name=NAME, limits=FREE) is True  # and never tells
    assert call(fault=None) == "breaker_open"
    time.sleep(0.35)
    assert call(fault=None) == "probe"


def test_an_operator_holds_it_open_or_closed() -> None:
    hold(name=NAME, held=Held.OPEN)
    assert call(fault=None) == "breaker_open"
    hold(name=NAME, held=Held.CLOSED)
    assert {call(fault=BROKEN) for _ in range(15)} == {"call"}
    hold(name=NAME, held=Held.NOT)
    assert call(fault=None) == "call"
    assert stage() == "closed"


def test_a_quota_is_never_exceeded_and_refills() -> None:
    limits = limits_of("5/second,8/minute")
    admissions: list[float] = []
    refusals: list[ProviderFault] = []
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        try:
            admitted(name=NAME, limits=limits)
        except ProviderFault as refusal:
            refusals.append(refusal)
            time.sleep(0.02)
        else:
            admissions.append(time.monotonic())
    assert len(admissions) == 8
    # Five at once, and one more every fifth of a second.
    for place, at in enumerate(admissions):
        assert place <= 5 + 5 * (at - admissions[0])
    assert {refusal.fault for refusal in refusals} == {Fault.QUOTA_USED}
    assert all((refusal.retry_after_s or 0) > 0 for refusal in refusals)


def test_a_call_of_several_requests_takes_several_tokens_and_may_owe_some() -> None:
    limits = limits_of("2/second,9/day")
    assert admitted(name=NAME, limits=limits, requests=4) is False  # 2 of them are owed
    with pytest.raises(ProviderFault) as refusal:
        admitted(name=NAME, limits=limits)
    assert refusal.value.retry_after_s == pytest.approx(1.5, abs=0.2)
    time.sleep(2.1)
    assert admitted(name=NAME, limits=limits, requests=4) is False
    with pytest.raises(ProviderFault) as refusal:
        admitted(name=NAME, limits=limits, requests=4)
    assert (refusal.value.retry_after_s or 0) > 3600  # one call is left of the day


def test_a_vendor_that_had_enough_is_left_alone_until_it_says() -> None:
    admitted(name=NAME, limits=FREE)
    fault = ProviderFault(Fault.QUOTA_USED, "429", retry_after_s=0.5)
    tell(name=NAME, limits=FREE, probe=False, fault=fault, day=TODAY)
    assert call(fault=None) == "quota_used"
    time.sleep(0.55)
    assert call(fault=None) == "call"


def test_a_probe_is_not_spent_on_a_quota_that_is_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "OPEN_MS", 200)
    limits = limits_of("10/minute")
    for _ in range(10):
        probe = admitted(name=NAME, limits=limits)
        tell(name=NAME, limits=limits, probe=probe, fault=BROKEN, day=TODAY)
    time.sleep(0.25)
    with pytest.raises(ProviderFault) as refusal:
        admitted(name=NAME, limits=limits)
    assert refusal.value.fault is Fault.QUOTA_USED
    assert admitted(name=NAME, limits=FREE) is True


def test_without_redis_each_process_keeps_the_same_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(provider_state, "redis_client", away)
    for _ in range(10):
        assert call(fault=BROKEN) == "call"
    assert call(fault=None) == "breaker_open"
    monkeypatch.undo()
    assert call(fault=None) == "call"  # Redis is back, and what all processes know counts
    monkeypatch.setattr(provider_state, "redis_client", away)
    assert call(fault=None) == "call"


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(["ok", "fail", "late_ok", "late_fail", "open", "close", "free"])))
def test_the_script_in_redis_keeps_the_pure_rules(events: list[str]) -> None:
    forget()
    known = Breaker()
    for event in events:
        if event in {"open", "close", "free"}:
            held = {"open": Held.OPEN, "close": Held.CLOSED, "free": Held.NOT}[event]
            hold(name=NAME, held=held)
            known = Breaker(held=held)
            continue
        late = event.startswith("late")
        fault = BROKEN if event.endswith("fail") else None
        if not late:  # the answer of a call that was admitted now; else of an earlier one
            known, leave = breaker.asked(known, now_ms=1)
            try:
                probe = admitted(name=NAME, limits=FREE)
            except ProviderFault:
                assert leave is Leave.REFUSED
                continue
            assert leave is (Leave.PROBE if probe else Leave.CALL)
        tell(name=NAME, limits=FREE, probe=False, fault=fault, day=TODAY)
        known = (
            breaker.failed(known, probe=False, now_ms=1)
            if fault
            else breaker.succeeded(known, probe=False)
        )
        [state] = states(limits={NAME: FREE}, now=datetime.now(UTC))
        assert (state.failures, state.held) == (known.failures, known.held)
        assert (state.stage in {"open", "half_open"}) == (known.stage(1) in {"open", "half_open"})


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.booleans()), max_size=40),
    st.sampled_from(["3/second", "2/second,10/minute", "7/minute"]),
)
def test_a_bucket_never_gives_more_than_its_limit(steps: list[tuple[int, bool]], text: str) -> None:
    limits = limits_of(text)
    buckets: Any = [None] * len(limits)
    now_ms, went_at = 0, []
    for wait, _ in steps:
        now_ms += wait
        buckets, went = quota.taken(buckets, limits, now_ms=now_ms)
        if went:
            went_at.append(now_ms)
        else:
            assert quota.wait_ms(buckets, limits, now_ms=now_ms) > 0
    for limit in limits:
        for start in went_at:
            inside = [at for at in went_at if start <= at < start + limit.window_ms]
            assert len(inside) <= 2 * limit.calls  # a full bucket and one refill


CALLER = """
import django, sys, time
django.setup()
from marketdata.operations.provider_state import admitted, tell
from marketdata.providers import breaker
from marketdata.providers.http import Get, fetched
from marketdata.providers.port import ProviderFault
from marketdata.providers.quota import limits_of
from datetime import date
breaker.OPEN_MS = 1500
limits, until = limits_of("100000/minute"), time.time() + float(sys.argv[2])
print("ready", flush=True); sys.stdin.readline()
while time.time() < until:
    try:
        probe = admitted(name="acme", limits=limits)
    except ProviderFault:
        time.sleep(0.01); continue
    fault = None
    try:
        fetched(Get("acme", sys.argv[1], "/iex/"))
    except ProviderFault as error:
        fault = error
    tell(name="acme", limits=limits, probe=probe, fault=fault, day=date.today())
"""


def test_three_processes_send_a_broken_vendor_one_probe_at_a_time(vendors: Any) -> None:
    vendors.behave("tiingo", "500")
    seconds = 20
    callers = [
        subprocess.Popen(
            [sys.executable, "-c", CALLER, vendors.url("tiingo"), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for caller in callers:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "ready\n"
    started = time.monotonic()
    for caller in callers:
        caller.communicate("go\n")
        assert caller.returncode == 0
    took_s = time.monotonic() - started
    # Ten failures open it; calls that were under way then may still arrive. Then one each 1.5 s.
    calls = vendors.calls("tiingo")
    assert 10 + 2 <= calls <= 12 + 1 + took_s / 1.5
