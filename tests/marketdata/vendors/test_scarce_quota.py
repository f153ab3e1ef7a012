"""Quotas that are not enough for everything: whose turn it is, and what is left to the feed."""

from collections.abc import Callable
from typing import Any

import pytest
import redis

from marketdata.operations import asking, provider_state
from marketdata.operations.feeding import Feed
from marketdata.operations.provider_state import admitted
from marketdata.providers.port import Fault, ProviderFault
from marketdata.providers.quota import limits_of
from stores.redis import redis_client
from tests.marketdata.vendors.conftest import NOW, TIINGO

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1/market"


@pytest.fixture
def scarce(pair: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let both vendors allow this quota."""

    def make(quota: str) -> None:
        for name in ("FIRST", "SECOND"):
            monkeypatch.setenv(f"{name}_QUOTA", quota)
        asking.limits.cache_clear()

    return make


def refill() -> None:
    redis_client().delete("provider:first")


def test_assets_beyond_the_quota_keep_their_turn(
    pair: Any, scarce: Callable[[str], None], listed: Callable[..., Any]
) -> None:
    """Six assets at a vendor that answers three: nobody waits for ever."""
    from datetime import timedelta

    from tests.marketdata.providers.market import ACME

    scarce("3/hour")
    symbols = [f"ACME{n}" for n in range(6)]
    for symbol in symbols:
        listed(symbol, "first")
        fields = {name: getattr(ACME, name) for name in ACME.__dataclass_fields__}
        pair.first.market.securities[symbol] = type(ACME)(
            **{**fields, "symbol": symbol, "as_of": NOW}
        )
    object.__setattr__(asking.providers()["first"], "quotes_per_call", 1)
    moment, now = 1000.0, NOW
    feed = Feed(clock=lambda: moment)
    assert feed.tick(now=now) == 3
    for _ in range(3):
        refill()
        moment, now = moment + 1300, now + timedelta(seconds=1300)
        feed.tick(now=now)
    asked = [request.query["tickers"] for request in pair.first.requests(TIINGO)]
    assert sorted(asked[:6]) == symbols


def test_nobody_who_searches_uses_the_calls_of_the_feed_up(
    pair: Any,
    scarce: Callable[[str], None],
    listed: Callable[..., Any],
    people: Any,
    client_of: Callable[[Any], Any],
) -> None:
    scarce("10/hour")
    listed("ACME", "first")
    pair.set_price("ACME", "101.25")
    owner = client_of(people.owner)
    answers = [owner.get(f"{API}/vendor-assets?q=acme{n}") for n in range(14)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [503] * 4
    assert answers[-1].json()["code"] == "vendor_quota_used"
    assert Feed().tick(now=NOW) == 1


@pytest.mark.parametrize("away", [False, True], ids=["redis", "no redis"])
def test_a_share_of_every_limit_is_spared(monkeypatch: pytest.MonkeyPatch, away: bool) -> None:
    name = "spared"
    redis_client().delete(f"provider:{name}")

    def gone() -> Any:
        raise redis.ConnectionError("away")

    if away:
        monkeypatch.setattr(provider_state, "redis_client", gone)
    limits = limits_of("10/hour,1000/day")
    for _ in range(5):
        admitted(name=name, limits=limits, spared=0.5)
    with pytest.raises(ProviderFault) as refusal:
        admitted(name=name, limits=limits, spared=0.5)
    assert refusal.value.fault is Fault.QUOTA_USED
    assert refusal.value.retry_after_s == pytest.approx(360, abs=5)
    for _ in range(5):
        admitted(name=name, limits=limits)
    with pytest.raises(ProviderFault):
        admitted(name=name, limits=limits)
    monkeypatch.undo()
    redis_client().delete(f"provider:{name}")
    provider_state._local.forget(name)


def test_a_limit_of_one_call_has_nothing_to_spare() -> None:
    redis_client().delete("provider:single")
    assert admitted(name="single", limits=limits_of("1/second"), spared=0.5) is False
    redis_client().delete("provider:single")


@pytest.mark.parametrize("status", ["400", "422"])
def test_texts_that_a_vendor_refuses_do_not_open_its_breaker(
    pair: Any, people: Any, client_of: Callable[[Any], Any], status: str
) -> None:
    from marketdata.operations.provider_state import states

    pair.behave("first", status)
    owner = client_of(people.owner)
    for n in range(12):
        owner.get(f"{API}/vendor-assets?q=nonsense{n}")
    [state] = states(limits={"first": asking.limits("first")}, now=NOW)
    assert (state.stage, state.failures) == ("closed", 0)


def test_a_clock_that_was_set_back_closes_no_vendor_for_long() -> None:
    """Redis's clock was a year ahead when the breaker opened and the quota was used up."""
    import time

    from marketdata.providers import breaker, quota
    from marketdata.providers.breaker import Breaker, Leave
    from marketdata.providers.quota import Bucket

    name, limits = "early", limits_of("10/hour")
    ahead = int(time.time() * 1000) + 365 * 86_400_000
    client, key = redis_client(), f"provider:{name}"
    client.hset(key, mapping={"failures": 10, "opened": ahead, "probed": ahead})
    client.hset(key, mapping={"tokens5": 1, "at5": ahead})
    assert admitted(name=name, limits=limits) is True
    client.delete(key)
    assert breaker.asked(Breaker(10, ahead, ahead), now_ms=1)[1] is Leave.PROBE
    _, went = quota.taken([Bucket(1.0, ahead)], limits, now_ms=1)
    assert went
