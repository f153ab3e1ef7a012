"""Counting tries, from many threads and while Redis is down."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from edge import rate_limits
from edge.addresses import client_address
from edge.rate_limits import RateLimit, TooManyRequests, consume

TEN = RateLimit("test", per_address="100/minute", per_subject="10/minute")
LETTERS = RateLimit("letters", per_address="3/minute")


def _try(
    rate_limit: RateLimit,
    *,
    address: str = "10.9.9.9",
    forwarded: str | None = None,
    subject: str | None = None,
) -> int:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR=address, headers=headers)
    try:
        consume(rate_limit, request=request, subject=subject)
    except TooManyRequests:
        return 0
    return 1


def test_of_32_parallel_tries_exactly_the_limit_passes() -> None:
    with ThreadPoolExecutor(32) as pool:
        passed = sum(
            pool.map(
                lambda index: _try(TEN, address=f"10.0.0.{index}", subject="One@Ballast.Example"),
                range(32),
            )
        )
    assert passed == 10


def test_a_refusal_says_when_to_come_again() -> None:
    for _ in range(3):
        assert _try(LETTERS, address="10.0.0.1") == 1
    with pytest.raises(TooManyRequests) as refusal:
        consume(LETTERS, request=RequestFactory().get("/", REMOTE_ADDR="10.0.0.1"))
    assert (refusal.value.status, refusal.value.code) == (429, "too_many_requests")
    assert refusal.value.retry_after_s in range(50, 61)


def test_addresses_are_counted_apart() -> None:
    assert [_try(LETTERS, address="10.0.0.1") for _ in range(4)] == [1, 1, 1, 0]
    assert _try(LETTERS, address="10.0.0.2") == 1


def test_one_host_of_ipv6_cannot_wander_through_its_network() -> None:
    tries = [_try(LETTERS, address=f"2001:db8::{index}") for index in range(4)]
    assert tries == [1, 1, 1, 0]


def test_the_email_is_counted_over_all_addresses_and_spellings() -> None:
    spellings = ["a@ballast.example", "A@Ballast.Example", " a@ballast.example "]
    tries = [_try(TEN, address=f"10.0.1.{i}", subject=spellings[i % 3]) for i in range(11)]
    assert tries == [1] * 10 + [0]


def test_without_redis_the_limit_is_kept_in_the_process(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    rate_limits._shared.cache_clear()
    rate_limits._local.cache_clear()
    try:
        assert [_try(LETTERS, address="10.0.0.9") for _ in range(4)] == [1, 1, 1, 0]
    finally:
        rate_limits._shared.cache_clear()
    assert "Redis is down, rate limit letters is counted per process" in caplog.text


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [(0, "1.2.3.4", "10.9.9.9"), (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"), (1, None, "10.9.9.9")],
)
def test_only_what_our_own_proxies_wrote_is_believed(
    settings: Settings, proxies: int, forwarded: str | None, expected: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR="10.9.9.9", headers=headers)
    assert client_address(request) == expected


def test_an_address_that_is_none_is_counted_as_one_caller(settings: Settings) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert [_try(LETTERS, forwarded=f"<script>{n}") for n in range(4)] == [1, 1, 1, 0]
