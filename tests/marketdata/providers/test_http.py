"""Requests against a vendor that misbehaves: each ends within its bound, with the right fault."""

import logging
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from marketdata.providers.http import (
    CONNECTIONS_MAX,
    CONNECTIONS_PER_HOST_MAX,
    TOTAL_S_MAX,
    Get,
    fetched,
)
from marketdata.providers.port import Fault, ProviderFault
from marketdata.providers.tiingo import Tiingo
from tests.marketdata.providers.loopback import RETRY_AFTER_S
from tests.marketdata.providers.vendors import KEY, Vendors

# Far beyond the bound of a request: a machine may be busy, a request that hangs never ends.
PATIENCE_S = TOTAL_S_MAX * 12
FAULTS = {
    "silent": Fault.TIMEOUT,
    "trickle": Fault.TIMEOUT,
    "huge": Fault.TOO_LARGE,
    "gzip_bomb": Fault.TOO_LARGE,
    "redirect_other": Fault.REDIRECTED,
    "redirect_endless": Fault.REDIRECTED,
    "truncated": Fault.BROKEN_OFF,
    "reset": Fault.BROKEN_OFF,
    "dead": Fault.UNREACHABLE,
    "401": Fault.KEY_REFUSED,
    "402": Fault.PAYMENT_REQUIRED,
    "403": Fault.KEY_REFUSED,
    "400": Fault.NOT_FOUND,
    "404": Fault.NOT_FOUND,
    "422": Fault.NOT_FOUND,
    "429": Fault.QUOTA_USED,
    "500": Fault.SERVER_ERROR,
    "503": Fault.SERVER_ERROR,
    "other_json": Fault.FORMAT_CHANGED,
    "html": Fault.FORMAT_CHANGED,
    "lie_nan": Fault.FORMAT_CHANGED,
}
# One more try is safe where nothing of an answer arrived.
TRIED_TWICE = {"truncated", "reset", "503"}


def tiingo(vendors: Vendors) -> Tiingo:
    return Tiingo(KEY, base_url=vendors.url("tiingo"))


def at_once(count: int, vendors: Vendors, names: list[str], *, total_s_max: float) -> list[Fault]:
    """Ask vendors in turn from `count` threads; return the faults."""

    def ask(index: int) -> Fault | None:
        request = Get(
            "tiingo",
            vendors.url(names[index % len(names)]),
            "/iex/",
            {"tickers": "ACME"},
            {"Authorization": f"Token {KEY}"},
            total_s_max=total_s_max,
        )
        try:
            fetched(request)
        except ProviderFault as error:
            return error.fault
        return None

    with ThreadPoolExecutor(count) as threads:
        return [fault for fault in threads.map(ask, range(count)) if fault is not None]


@pytest.mark.parametrize("behaviour", FAULTS)
def test_a_vendor_that_misbehaves_is_a_fault_within_the_bound_and_without_the_key(
    behaviour: str, vendors: Vendors, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vendor = tiingo(vendors)
    vendors.behave("tiingo", behaviour)
    began = time.monotonic()
    with pytest.raises(ProviderFault) as caught:
        vendor.quotes(["ACME"])
    assert time.monotonic() - began < PATIENCE_S
    assert caught.value.fault is FAULTS[behaviour]
    said = "".join(traceback.format_exception(caught.value)) + caught.value.detail + caplog.text
    assert KEY not in said
    if behaviour not in {"dead", "redirect_endless", "redirect_other"}:
        assert vendors.calls("tiingo") == (2 if behaviour in TRIED_TWICE else 1)
    vendors.behave("tiingo", "right")
    assert [quote.symbol for quote in vendor.quotes(["ACME"])] == ["ACME"]


def test_a_used_up_quota_says_when_it_is_there_again(vendors: Vendors) -> None:
    vendor = tiingo(vendors)
    vendors.behave("tiingo", "429")
    with pytest.raises(ProviderFault) as caught:
        vendor.quotes(["ACME"])
    assert caught.value.retry_after_s == RETRY_AFTER_S


@pytest.mark.parametrize("behaviour", ["slow", "redirect_same"])
def test_a_vendor_that_is_slow_or_redirects_within_its_host_is_right(
    behaviour: str, vendors: Vendors
) -> None:
    vendor = tiingo(vendors)
    vendors.behave("tiingo", behaviour, slow_s=0.3)
    assert [str(quote.price) for quote in vendor.quotes(["ACME"])] == ["101.25"]


def test_another_host_never_gets_the_request_that_a_redirect_sends_it(vendors: Vendors) -> None:
    vendor = tiingo(vendors)
    vendors.behave("tiingo", "redirect_other")
    with pytest.raises(ProviderFault):
        vendor.quotes(["ACME"])
    assert vendors.calls("tiingo") == 1


@pytest.mark.parametrize("behaviour", ["reset", "truncated", "503"])
def test_a_request_that_broke_off_once_succeeds_at_its_second_try(
    behaviour: str, vendors: Vendors
) -> None:
    vendor = tiingo(vendors)
    vendors.behave("tiingo", behaviour, times=1)
    assert [str(quote.price) for quote in vendor.quotes(["ACME"])] == ["101.25"]
    assert vendors.calls("tiingo") == 2


def test_no_more_connections_than_ten_go_to_one_host(vendors: Vendors) -> None:
    vendors.behave("tiingo", "slow", slow_s=0.1)
    assert at_once(30, vendors, ["tiingo"], total_s_max=PATIENCE_S) == []
    assert vendors.calls("tiingo") == 30
    assert vendors.connections_max("tiingo") == CONNECTIONS_PER_HOST_MAX


NAMES = ["tiingo", "alpaca", "alpha_vantage", "yahoo", "ecb", "frankfurter"]


def test_no_more_requests_than_fifty_are_under_way_at_once(vendors: Vendors) -> None:
    for name in NAMES:
        vendors.answer_with(name, b"[]")
        vendors.behave(name, "slow", slow_s=0.5)
    assert at_once(90, vendors, NAMES, total_s_max=PATIENCE_S) == []
    assert vendors.all_requests_max == CONNECTIONS_MAX


def test_idle_connections_count_among_the_fifty(vendors: Vendors) -> None:
    for name in NAMES:
        vendors.answer_with(name, b"[]")
        vendors.behave(name, "slow", slow_s=0.2)
        assert at_once(10, vendors, [name], total_s_max=PATIENCE_S) == []
        assert vendors.connections_max(name) == CONNECTIONS_PER_HOST_MAX
    # The server notices a closed connection a moment later.
    deadline = time.monotonic() + PATIENCE_S
    while vendors.all_connections > CONNECTIONS_MAX and time.monotonic() < deadline:
        time.sleep(0.05)
    assert vendors.all_connections <= CONNECTIONS_MAX


def test_a_key_in_the_query_is_in_no_log(
    vendors: Vendors, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    asked = Get("tiingo", vendors.url("tiingo"), "/iex/", {"tickers": "ACME", "apikey": KEY})
    with pytest.raises(ProviderFault):
        fetched(asked)
    assert [request.query["apikey"] for request in vendors.requests("tiingo")] == [KEY]
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("base_url", "parameter", "header"),
    [
        ("http://[::1", "ACME", "key"),
        ("gopher://127.0.0.1", "ACME", "key"),
        ("nowhere", "ACME", "key"),
        (None, "\ud800", "key"),
        (None, "ACME", "cl\u00e9\u20ac"),
        (None, "ACME", "key\r\nHost: elsewhere"),
    ],
)
def test_a_request_that_cannot_be_sent_is_a_fault_without_the_key(
    base_url: str | None, parameter: str, header: str, vendors: Vendors
) -> None:
    asked = Get(
        *("tiingo", base_url or vendors.url("tiingo"), "/iex/"),
        parameters={"tickers": parameter},
        headers={"Authorization": f"Token {header}"},
    )
    with pytest.raises(ProviderFault) as caught:
        fetched(asked)
    assert caught.value.fault is Fault.UNREACHABLE
    assert header not in str(caught.value)
    assert vendors.calls("tiingo") == 0


@pytest.mark.parametrize(
    ("vendor", "calls"),
    [("yahoo", ["quotes"]), ("alpha_vantage", ["quotes", "search"]), ("tiingo", ["quotes"])],
)
def test_what_people_and_the_feed_wait_for_has_the_short_bound(
    monkeypatch: pytest.MonkeyPatch, vendor: str, calls: list[str]
) -> None:
    from marketdata.providers import registry

    asked: list[Get] = []

    def refused(request: Get) -> bytes:
        asked.append(request)
        raise ProviderFault(Fault.TIMEOUT, "silence")

    monkeypatch.setattr(f"marketdata.providers.{vendor}.fetched", refused)
    keys = dict.fromkeys(registry.PROVIDERS[vendor].needs, "k")
    adapter = registry.built([vendor], keys)[vendor]
    for call in calls:
        with pytest.raises(ProviderFault):
            getattr(adapter, call)("ACME" if call == "search" else ["ACME"])
    assert [request.total_s_max for request in asked] == [TOTAL_S_MAX] * len(calls)
