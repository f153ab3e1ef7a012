"""The live feed against real vendors on loopback that hang, lie and die."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import OperationalError

from marketdata.operations.feeding import COMPARE_EVERY_S, DIVISIONS_MAX, Feed
from marketdata.queries import quotes
from tests.marketdata.providers import loopback
from tests.marketdata.providers.loopback import Answer
from tests.marketdata.vendors.conftest import NOW, TIINGO

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feed(clock: Clock) -> Feed:
    return Feed(clock=clock)


@pytest.fixture
def acme(listed: Callable[..., Any]) -> Any:
    """ACME with Friday's close stored, as the vendors know it."""
    from marketdata.models import DailyPrice

    asset = listed("ACME")
    DailyPrice.objects.create(asset=asset, date=date(2026, 11, 20), close=D("100.5"))
    return asset


def price_of(asset: Any, *, now: Any = NOW) -> tuple[D, str, bool] | None:
    found = quotes(assets=[asset], now=now).get(asset.pk)
    return None if found is None else (found.price, found.source, found.stale)


def test_prices_of_the_preferred_vendor_are_recorded(pair: Any, feed: Feed, acme: Any) -> None:
    pair.set_price("ACME", "101.25")
    assert feed.tick(now=NOW) == 1
    assert price_of(acme) == (D("101.25"), "first", False)
    assert pair.calls("first") == 1


def test_an_asset_is_asked_for_again_when_its_interval_is_over(
    pair: Any, feed: Feed, clock: Clock, acme: Any
) -> None:
    pair.set_price("ACME", "101.25")
    feed.tick(now=NOW)
    clock.now += 14
    assert feed.tick(now=NOW + timedelta(seconds=14)) == 0
    clock.now += 2
    pair.set_price("ACME", "101.5", as_of=NOW + timedelta(seconds=16))
    assert feed.tick(now=NOW + timedelta(seconds=16)) == 1
    assert pair.calls("first") == 2


def test_nobody_is_asked_while_the_exchange_is_closed_and_its_close_is_known(
    pair: Any, feed: Feed, clock: Clock, acme: Any
) -> None:
    evening = NOW.replace(hour=22)  # an hour after the close
    pair.set_price("ACME", "103", as_of=NOW.replace(hour=21, minute=0))
    assert feed.tick(now=evening) == 1
    clock.now += 3600 * 14
    assert feed.tick(now=evening + timedelta(hours=14)) == 0
    clock.now += 3600 * 3  # past the open of Tuesday
    pair.set_price("ACME", "103.5", as_of=evening + timedelta(hours=17))
    assert feed.tick(now=evening + timedelta(hours=17)) == 1


@pytest.mark.parametrize(
    "behaviour", ["silent", "dead", "trickle", "500", "402", "html", "truncated", "404", "huge"]
)
def test_the_next_vendor_answers_in_the_same_round(
    pair: Any, feed: Feed, acme: Any, behaviour: str
) -> None:
    pair.set_price("ACME", "101.25")
    pair.behave("first", behaviour)
    assert feed.tick(now=NOW) == 1
    assert price_of(acme) == (D("101.25"), "second", False)


def test_when_both_are_down_the_last_price_stays_and_grows_stale(
    pair: Any, feed: Feed, clock: Clock, acme: Any
) -> None:
    pair.set_price("ACME", "101.25")
    feed.tick(now=NOW)
    pair.behave("first", "dead")
    pair.behave("second", "500")
    clock.now += 60
    later = NOW + timedelta(minutes=1)
    assert feed.tick(now=later) == 0
    assert price_of(acme, now=later) == (D("101.25"), "first", False)
    later = NOW + timedelta(minutes=16)
    assert price_of(acme, now=later) == (D("101.25"), "first", True)
    pair.behave("second", "right")
    pair.set_price("ACME", "102", as_of=later)
    clock.now += 900
    assert feed.tick(now=later) == 1
    assert price_of(acme, now=later) == (D("102"), "second", False)


def test_a_slower_vendor_does_not_bring_an_older_price_back(
    pair: Any, feed: Feed, clock: Clock, acme: Any
) -> None:
    pair.set_price("ACME", "101.25")
    feed.tick(now=NOW)
    pair.behave("first", "dead")
    clock.now += 60
    later = NOW + timedelta(minutes=1)
    pair.second.set_price("ACME", "99", as_of=NOW - timedelta(minutes=10))
    feed.tick(now=later)
    assert price_of(acme, now=later) == (D("101.25"), "first", False)
    assert feed._newest[acme.pk].price == D("101.25")


@pytest.mark.parametrize(
    ("lie", "codes"),
    [
        ("lie_zero", {"price_not_positive"}),
        ("lie_negative", {"price_not_positive"}),
        ("lie_hundredfold", {"price_absurd"}),
        ("lie_future_time", {"as_of_in_future"}),
        ("lie_wrong_symbol", {"symbol_not_asked"}),
    ],
)
def test_a_lie_is_refused_and_counted_and_the_last_good_price_stays(
    pair: Any,
    feed: Feed,
    clock: Clock,
    listed: Callable[..., Any],
    lie: str,
    codes: set[str],
) -> None:
    from marketdata.operations.asking import limits
    from marketdata.operations.provider_state import states

    asset = listed("ACME", "first")
    pair.set_price("ACME", "101.25")
    assert feed.tick(now=NOW) == 1
    clock.now += 60
    later = NOW + timedelta(minutes=1)
    pair.set_price("ACME", "101.5", as_of=later)
    pair.behave("first", lie)
    assert feed.tick(now=later) == 0
    assert price_of(asset, now=later) == (D("101.25"), "first", False)
    [state] = states(limits={"first": limits("first")}, now=later)
    counted = {name.removeprefix("refused:") for name in state.counts} - {"answered"}
    assert counted == codes


@pytest.mark.parametrize("lie", ["lie_zero", "lie_hundredfold", "lie_swapped", "lie_stale_close"])
def test_a_lie_of_one_vendor_is_replaced_by_the_word_of_the_other(
    pair: Any, feed: Feed, listed: Callable[..., Any], acme: Any, lie: str
) -> None:
    from marketdata.models import Disagreement

    listed("BOLT")
    for symbol, price in (("ACME", "101.25"), ("BOLT", "50.1")):
        pair.set_price(symbol, price)
    pair.behave("first", lie)
    assert feed.tick(now=NOW) == 2
    assert price_of(acme) == (D("101.25"), "second", False)
    if lie in {"lie_hundredfold", "lie_swapped"}:
        row = Disagreement.objects.filter(asset=acme).get()
        assert (row.provider, row.other_provider, row.other_price) == (
            "first",
            "second",
            D("101.25"),
        )


def test_an_answer_that_is_no_number_is_no_answer(
    pair: Any, feed: Feed, listed: Callable[..., Any]
) -> None:
    from marketdata.operations.asking import limits
    from marketdata.operations.provider_state import states

    asset = listed("ACME", "first")
    pair.set_price("ACME", "101.25")
    pair.behave("first", "lie_nan")
    assert feed.tick(now=NOW) == 0
    assert price_of(asset) is None
    [state] = states(limits={"first": limits("first")}, now=NOW)
    assert (state.counts, state.fault) == ({"format_changed": 1}, "format_changed")


def test_a_price_that_moved_by_a_third_is_believed_when_both_say_so(
    pair: Any, feed: Feed, acme: Any
) -> None:
    pair.set_price("ACME", "67")
    assert feed.tick(now=NOW) == 1
    assert price_of(acme) == (D("67"), "second", False)


def test_two_vendors_that_contradict_each_other_wildly_are_both_not_believed(
    pair: Any, feed: Feed, acme: Any
) -> None:
    from marketdata.models import Disagreement

    pair.first.set_price("ACME", "60", as_of=NOW)
    pair.second.set_price("ACME", "150", as_of=NOW)
    assert feed.tick(now=NOW) == 0
    assert price_of(acme) == (D("100.5"), "close", False)
    assert Disagreement.objects.get().apart_bp == 15_000


def test_a_price_that_moved_by_a_third_is_believed_where_nobody_else_quotes_it(
    pair: Any, feed: Feed, listed: Callable[..., Any]
) -> None:
    from marketdata.models import DailyPrice

    asset = listed("ACME", "first")
    DailyPrice.objects.create(asset=asset, date=date(2026, 11, 20), close=D("100.5"))
    pair.set_price("ACME", "67")
    assert feed.tick(now=NOW) == 1
    assert price_of(asset) == (D("67"), "first", False)


def test_a_vendor_whose_day_has_not_begun_is_refused(pair: Any, feed: Feed, acme: Any) -> None:
    pair.first.set_price("ACME", "100.5", as_of=NOW, previous_close="99")
    pair.second.behave("tiingo", "dead")
    assert feed.tick(now=NOW) == 0
    assert price_of(acme) == (D("100.5"), "close", False)


def test_small_disagreements_are_noticed_once_an_hour(
    pair: Any, feed: Feed, clock: Clock, acme: Any
) -> None:
    from marketdata.models import Disagreement

    pair.first.set_price("ACME", "101", as_of=NOW)
    pair.second.set_price("ACME", "104", as_of=NOW)
    feed.tick(now=NOW)
    row = Disagreement.objects.get()
    assert (row.provider, row.price, row.other_price, row.apart_bp) == (
        "first",
        D(101),
        D(104),
        297,
    )
    assert price_of(acme) == (D(101), "first", False)
    clock.now += 60
    feed.tick(now=NOW + timedelta(minutes=1))
    assert Disagreement.objects.count() == 1
    clock.now += COMPARE_EVERY_S
    later = NOW + timedelta(hours=1)
    pair.first.set_price("ACME", "101", as_of=later)
    pair.second.set_price("ACME", "104", as_of=later)
    feed.tick(now=later)
    assert Disagreement.objects.count() == 2


def test_quotes_in_pence_are_recorded_in_pounds(
    pair: Any, feed: Feed, listed: Callable[..., Any]
) -> None:
    from marketdata.models import Listing
    from marketdata.providers.port import VendorQuote
    from marketdata.vendor_quotes import Listed, judged

    asset = listed("PLUM", "first", currency="GBP", exchange="XLON")
    Listing.objects.filter(asset=asset).update(provider_symbol="PLUM.L")
    one = Listed(asset.pk, "PLUM", "GBP", "XLON", (("first", "PLUM.L"),))
    told = judged(
        [VendorQuote("PLUM.L", D("812.5"), NOW, "GBp", D(810))],
        asked=[one],
        provider="first",
        closes={},
    )
    assert told.believed[asset.pk].price == D("8.125")
    assert told.believed[asset.pk].previous_close == D("8.1")
    wrong = judged(
        [VendorQuote("PLUM.L", D("812.5"), NOW, "JPY")], asked=[one], provider="first", closes={}
    )
    assert wrong.refused == [("PLUM", "currency_wrong")]


def test_a_new_listing_is_quoted_within_a_minute(
    pair: Any, feed: Feed, clock: Clock, listed: Callable[..., Any]
) -> None:
    assert feed.tick(now=NOW) == 0
    asset = listed("ACME")
    pair.set_price("ACME", "101.25")
    clock.now += 31
    assert feed.tick(now=NOW) == 1
    assert price_of(asset) == (D("101.25"), "first", False)


def test_many_assets_are_asked_for_in_few_calls_and_queries(
    pair: Any, feed: Feed, listed: Callable[..., Any], django_assert_max_num_queries: Any
) -> None:
    listed("ACME")
    listed("BOLT")
    pair.set_price("ACME", "101.25")
    pair.set_price("BOLT", "50.1")
    with django_assert_max_num_queries(8):
        assert feed.tick(now=NOW) == 2
    assert pair.calls("first") == 1


@pytest.mark.parametrize("lie", ["0.0000001", "0.000000001", "1e20", "1e29"])
def test_no_figure_of_one_vendor_stops_the_feed(pair: Any, feed: Feed, acme: Any, lie: str) -> None:
    from marketdata.models import Disagreement

    pair.first.set_price("ACME", lie, as_of=NOW)
    pair.second.set_price("ACME", "101.25", as_of=NOW)
    assert feed.tick(now=NOW) == 1
    assert price_of(acme) == (D("101.25"), "second", False)
    assert all(row.apart_bp <= 2**31 - 1 for row in Disagreement.objects.all())


@pytest.mark.parametrize("seconds", ["9" * 400, "31536000"])
def test_a_vendor_cannot_ask_to_be_left_alone_for_longer_than_a_day(
    pair: Any,
    feed: Feed,
    listed: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    seconds: str,
) -> None:
    from marketdata.operations.asking import limits
    from marketdata.operations.provider_state import admitted
    from marketdata.providers.port import ProviderFault

    listed("ACME", "first")
    monkeypatch.setattr(loopback, "RETRY_AFTER_S", seconds)
    pair.behave("first", "429")
    assert feed.tick(now=NOW) == 0
    with pytest.raises(ProviderFault) as refusal:
        admitted(name="first", limits=limits("first"))
    assert 0 < (refusal.value.retry_after_s or 0) <= 86_400


def test_an_evening_in_new_york_is_no_later_day(pair: Any, feed: Feed, acme: Any) -> None:
    """The price of half past seven in the evening is Friday's close, and is not yesterday's."""
    evening = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
    pair.set_price("ACME", "100.5", as_of=evening, previous_close="99")
    assert feed.tick(now=evening) == 1
    assert price_of(acme, now=evening) == (D("100.5"), "first", False)


def test_two_assets_with_one_name_at_a_vendor_are_both_quoted(
    pair: Any, feed: Feed, acme: Any, listed: Callable[..., Any]
) -> None:
    from marketdata.models import Listing

    twin = listed("ACME-W", "first")
    Listing.objects.filter(asset=twin).update(provider_symbol="ACME")
    pair.set_price("ACME", "101.25")
    assert feed.tick(now=NOW) == 2
    assert price_of(acme) == price_of(twin) == (D("101.25"), "first", False)
    [request] = pair.first.requests(TIINGO)
    assert request.query["tickers"] == "ACME"


def test_after_the_machine_slept_over_the_weekend_everything_is_due(
    pair: Any, feed: Feed, clock: Clock, acme: Any
) -> None:
    """The monotonic clock of a process stands still while its machine sleeps."""
    evening = datetime(2026, 11, 20, 22, tzinfo=UTC)
    pair.set_price("ACME", "100.5", as_of=evening.replace(hour=21), previous_close="100")
    assert feed.tick(now=evening) == 1
    clock.now += 10
    pair.set_price("ACME", "101.25", as_of=NOW)
    assert feed.tick(now=NOW) == 1
    assert price_of(acme) == (D("101.25"), "first", False)


def test_vendors_that_contradict_each_other_all_day_are_recorded_once_an_hour(
    pair: Any, feed: Feed, clock: Clock, acme: Any
) -> None:
    from marketdata.models import Disagreement

    pair.first.set_price("ACME", "60", as_of=NOW)
    pair.second.set_price("ACME", "150", as_of=NOW)
    for minutes in range(10):
        feed.tick(now=NOW + timedelta(minutes=minutes))
        clock.now += 60
    assert Disagreement.objects.count() == 1
    clock.now += COMPARE_EVERY_S
    feed.tick(now=NOW + timedelta(minutes=70))
    assert Disagreement.objects.count() == 2


def test_while_the_database_is_away_vendors_are_not_asked_every_second(
    pair: Any, feed: Feed, clock: Clock, acme: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a minute without PostgreSQL would cost the quota of an hour."""

    def away(**options: Any) -> Any:
        raise OperationalError("the server closed the connection")

    pair.set_price("ACME", "101.25")
    with monkeypatch.context() as outage:
        outage.setattr("marketdata.operations.feeding.record_quotes", away)
        with pytest.raises(OperationalError):
            feed.tick(now=NOW)
        for second in range(1, 10):
            clock.now += 1
            assert feed.tick(now=NOW + timedelta(seconds=second)) == 0
    assert pair.calls("first") == 1
    clock.now += 10
    assert feed.tick(now=NOW + timedelta(seconds=20)) == 1


def test_one_wrong_listing_does_not_stop_the_assets_that_are_asked_for_with_it(
    pair: Any, feed: Feed, clock: Clock, acme: Any, listed: Callable[..., Any]
) -> None:
    """Some vendors refuse a whole call for one symbol they do not know."""
    bolt = listed("BOLT", "first")
    for symbol in ("WRONG", "FINE1", "FINE2", "FINE3", "FINE4"):
        listed(symbol, "first")
    for symbol, price in (("ACME", "101.25"), ("BOLT", "50.1")):
        pair.set_price(symbol, price)
    server = pair.first._server(TIINGO)
    right = server.answered

    def refusing(request: Any) -> Any:
        return Answer(400, b"{}") if "WRONG" in request.query["tickers"] else right(request)

    server.answered = refusing
    pair.behave("second", "dead")
    assert feed.tick(now=NOW) == 2
    assert price_of(acme) == (D("101.25"), "first", False)
    assert price_of(bolt) == (D("50.1"), "first", False)
    server.answered = lambda request: Answer(404, b"{}")  # it has moved: no call for each symbol
    before = pair.calls("first")
    clock.now += 60
    feed.tick(now=NOW + timedelta(seconds=60))
    assert pair.calls("first") - before <= 1 + 2 * DIVISIONS_MAX


def test_old_disagreements_are_deleted(make_asset: Callable[..., Any]) -> None:
    from marketdata.models import Disagreement
    from marketdata.operations.disagreements import KEPT_DAYS, forget_old_disagreements

    asset = make_asset("ACME")
    for days in (0, KEPT_DAYS - 1, KEPT_DAYS + 1, 400):
        Disagreement.objects.create(
            asset=asset,
            provider="first",
            price=1,
            other_provider="second",
            other_price=2,
            apart_bp=10_000,
            seen_at=NOW - timedelta(days=days),
        )
    assert forget_old_disagreements(now=NOW) == 2
    assert Disagreement.objects.filter(seen_at__gte=NOW - timedelta(days=KEPT_DAYS)).count() == 2
