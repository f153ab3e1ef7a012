"""Vendors whose format changed in a random way: the answer is right where it is not refused."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.providers.alpaca import Alpaca
from marketdata.providers.alpha_vantage import AlphaVantage
from marketdata.providers.ecb import Ecb
from marketdata.providers.frankfurter import Frankfurter
from marketdata.providers.port import Fault, History, Provider, ProviderFault
from marketdata.providers.tiingo import Tiingo
from marketdata.providers.yahoo import Yahoo
from tests.effort import examples
from tests.marketdata.providers.vendors import KEY, Vendors

SINCE, UNTIL = date(2026, 11, 16), date(2026, 11, 20)
MORNING, EVENING = datetime(2026, 11, 20, 14, tzinfo=UTC), datetime(2026, 11, 20, 21, tzinfo=UTC)
BUILT: dict[str, Callable[[str], Provider]] = {
    "tiingo": lambda url: Tiingo(KEY, base_url=url),
    "alpaca": lambda url: Alpaca(KEY, KEY, base_url=url),
    "alpha_vantage": lambda url: AlphaVantage(KEY, base_url=url, pause_s=0),
    "yahoo": lambda url: Yahoo(base_url=url),
    "frankfurter": lambda url: Frankfurter(base_url=url),
}
CALLS: dict[str, Callable[[Provider], Any]] = {
    "quotes": lambda vendor: vendor.quotes(["ACME"]),
    "days": lambda vendor: vendor.days("ACME", since=SINCE, until=UNTIL),
    "minutes": lambda vendor: vendor.minutes("ACME", since=MORNING, until=EVENING),
    "rates": lambda vendor: vendor.rates(since=SINCE),
    "search": lambda vendor: vendor.search("acme"),
}
CASES = [
    *[(vendor, call) for vendor in ("tiingo", "alpha_vantage", "yahoo") for call in CALLS],
    *[("alpaca", call) for call in ("quotes", "days", "minutes")],
    ("frankfurter", "rates"),
]
CASES = [case for case in CASES if case[1] != "rates" or case[0] == "frankfurter"]
# A vendor leaves these out where there are none, so their absence is no change of its format.
OPTIONAL = {"events", "splits", "forward_splits"}
NONSENSE: Sequence[Any] = (None, "", "garbage", "NaN", True, [], {}, ["x"], {"x": "y"})
EXTREMES: Sequence[Any] = (
    *(0, -1, 10**30, 10**400, 1e308, -1e-308, "1e999999999", "-1e999999999", "9" * 5_000),
    *("0001-01-01", "9999-12-31", "2026-11-20T25:00:00Z", "\x00", "../../etc/passwd", "é" * 300),
)
NUMBER_OR_TIME = re.compile(r"[-+.\dTZ: ]+")

Path = tuple[str | int, ...]


@pytest.fixture(scope="module")
def market() -> Iterator[Vendors]:
    started = Vendors()
    for symbol in ("ACME", "BOLT"):
        started.set_price(symbol, "101.25", as_of=datetime(2026, 11, 20, 17, tzinfo=UTC))
    yield started
    started.close()


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """Yield the place of every value inside a parsed answer."""
    if here:
        yield here
    inside: Any = value.items() if isinstance(value, dict) else ()
    inside = enumerate(value) if isinstance(value, list) else inside
    for key, part in inside:
        yield from paths(part, (*here, key))


def changed(body: bytes, place: float, nonsense: Any, *, removed: bool) -> tuple[bytes, Path]:
    """Return an answer with one value removed or replaced, and where."""
    answer = json.loads(body)
    found = list(paths(answer))
    path = found[int(place * len(found))]
    holder = answer
    for key in path[:-1]:
        holder = holder[key]
    before = holder[path[-1]]
    free_text = isinstance(before, str) and not NUMBER_OR_TIME.fullmatch(before)
    if removed:
        del holder[path[-1]]
    elif free_text and isinstance(nonsense, str):
        # Another name is no change of the format.
        holder[path[-1]] = None
    else:
        holder[path[-1]] = nonsense
    return json.dumps(answer).encode(), path


def outcome(provider: Provider, call: str) -> list[Any] | Fault:
    """Return the items of an answer, or why there is none."""
    try:
        answer = CALLS[call](provider)
    except ProviderFault as error:
        return error.fault
    if isinstance(answer, History):
        return [*answer.bars, *answer.splits, *answer.dividends]
    return list(answer)


def is_right(item: Any, right: Sequence[Any]) -> bool:
    """Return whether an item is one of the right ones, or is one without a part it may lack."""
    assert is_dataclass(item)
    names = [each.name for each in fields(item)]
    return any(
        type(item) is type(other)
        and all(getattr(item, name) in (getattr(other, name), None) for name in names)
        for other in right
    )


@pytest.mark.parametrize(("vendor", "call"), CASES)
@settings(max_examples=examples(60))
@given(
    place=st.floats(0, 1, exclude_max=True),
    nonsense=st.sampled_from(NONSENSE),
    removed=st.booleans(),
)
def test_nonsense_anywhere_is_refused_or_changes_nothing_else(
    vendor: str, call: str, market: Vendors, place: float, nonsense: Any, removed: bool
) -> None:
    provider = BUILT[vendor](market.url(vendor))
    market.change_answers(vendor, lambda body: body)
    right = outcome(provider, call)
    assert isinstance(right, list)
    assert right
    touched: list[Path] = []

    def change(body: bytes) -> bytes:
        after, path = changed(body, place, nonsense, removed=removed)
        touched.append(path)
        return after

    market.change_answers(vendor, change)
    found = outcome(provider, call)
    if isinstance(found, Fault):
        assert found is Fault.FORMAT_CHANGED
        return
    left_out = removed or isinstance(nonsense, list | dict)
    if left_out and any(OPTIONAL & set(map(str, path)) for path in touched):
        return
    if any(path[-1] == "longname" for path in touched):
        return  # the short name stands in for it
    wrong = [item for item in found if not is_right(item, right)]
    assert wrong == [], touched


@pytest.mark.parametrize(("vendor", "call"), CASES)
@settings(max_examples=examples(60))
@given(place=st.floats(0, 1, exclude_max=True), extreme=st.sampled_from(EXTREMES))
def test_an_extreme_value_anywhere_is_read_or_refused_and_nothing_else(
    vendor: str, call: str, market: Vendors, place: float, extreme: Any
) -> None:
    provider = BUILT[vendor](market.url(vendor))
    market.change_answers(vendor, lambda body: changed(body, place, extreme, removed=False)[0])
    found = outcome(provider, call)
    assert isinstance(found, list) or found is Fault.FORMAT_CHANGED


@pytest.mark.parametrize(("vendor", "call"), CASES)
@settings(max_examples=examples(20))
@given(share=st.floats(0, 1, exclude_max=True))
def test_an_answer_that_ends_early_is_refused(
    vendor: str, call: str, market: Vendors, share: float
) -> None:
    provider = BUILT[vendor](market.url(vendor))
    market.change_answers(vendor, lambda body: body[: int(len(body) * share)])
    assert outcome(provider, call) is Fault.FORMAT_CHANGED


@settings(max_examples=examples(150))
@given(
    place=st.floats(0, 1, exclude_max=True),
    nonsense=st.sampled_from(["", "garbage", "NaN", "-1", "0", "1e999999999", "2026-13-01"]),
)
def test_nonsense_in_a_file_of_the_central_bank_is_refused(
    market: Vendors, place: float, nonsense: str
) -> None:
    def change(body: bytes) -> bytes:
        found = list(re.finditer(rb"(time|currency|rate)='([^']*)'", body))
        spot = found[int(place * len(found))]
        return body[: spot.start(2)] + nonsense.encode() + body[spot.end(2) :]

    market.change_answers("ecb", change)
    with pytest.raises(ProviderFault) as caught:
        Ecb(market.url("ecb")).rates(since=SINCE)
    assert caught.value.fault is Fault.FORMAT_CHANGED
