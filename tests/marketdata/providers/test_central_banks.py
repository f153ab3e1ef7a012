from datetime import date, timedelta
from decimal import Decimal

import pytest

from marketdata.providers.ecb import Ecb
from marketdata.providers.frankfurter import Frankfurter
from marketdata.providers.port import Fault, ProviderFault, VendorRate
from tests.marketdata.providers.vendors import Vendors

NEWEST = date(2026, 11, 20)
RIGHT = [
    VendorRate("GBP", date(2026, 11, 19), Decimal("0.8801")),
    VendorRate("JPY", date(2026, 11, 19), Decimal("181.3")),
    VendorRate("USD", date(2026, 11, 19), Decimal("1.1576")),
    VendorRate("GBP", NEWEST, Decimal("0.88055")),
    VendorRate("JPY", NEWEST, Decimal("181.01")),
    VendorRate("USD", NEWEST, Decimal("1.152")),
]


def files(vendors: Vendors) -> list[str]:
    return [request.path.rsplit("/", 1)[1] for request in vendors.requests("ecb")]


def test_the_newest_day_is_one_small_file(vendors: Vendors) -> None:
    assert Ecb(vendors.url("ecb")).rates(since=NEWEST) == RIGHT[3:]
    assert files(vendors) == ["eurofxref-daily.xml"]


def test_a_day_after_the_newest_has_no_rates_yet(vendors: Vendors) -> None:
    assert Ecb(vendors.url("ecb")).rates(since=NEWEST + timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("days_back", "file"),
    [(1, "eurofxref-hist-90d.xml"), (88, "eurofxref-hist-90d.xml"), (89, "eurofxref-hist.xml")],
)
def test_how_far_back_it_goes_chooses_the_file(days_back: int, file: str, vendors: Vendors) -> None:
    since = NEWEST - timedelta(days=days_back)
    vendors.market.rates[since] = {"USD": Decimal("1.5")}
    vendors.market.rates[since - timedelta(days=1)] = {"USD": Decimal("1.6")}
    found = Ecb(vendors.url("ecb")).rates(since=since)
    assert found[0] == VendorRate("USD", since, Decimal("1.5"))
    assert found[-6:][-3:] == RIGHT[3:]
    assert files(vendors) == ["eurofxref-daily.xml", file]


def test_frankfurter_leaves_out_the_day_before_a_day_without_rates(vendors: Vendors) -> None:
    del vendors.market.rates[date(2026, 11, 18)]
    vendors.market.rates[date(2026, 11, 17)] = {"USD": Decimal("1.5")}
    assert Frankfurter(vendors.url("frankfurter")).rates(since=date(2026, 11, 18)) == RIGHT


@pytest.mark.parametrize(
    "body",
    [
        # A billion laughs, an outside file, and files that are cut off or of another kind.
        b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><Cube time="2026-11-20">&c;</Cube>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        b'<Cube><Cube time="2026-11-20"><Cube currency="USD" rate="1.1"/>',
        b"<Cube/>",
        b'<Cube><Cube currency="USD" rate="1.1"/></Cube>',
        b'<Cube><Cube time="2026-11-20"><Cube currency="USD" rate="0"/></Cube></Cube>',
        b'<Cube><Cube time="2026-11-20"><Cube currency="USD" rate="NaN"/></Cube></Cube>',
        b'<Cube><Cube time="2026-11-20"><Cube currency="usd" rate="1.1"/></Cube></Cube>',
        b'<Cube><Cube time="2026-11-20"><Cube currency="USD"/></Cube></Cube>',
    ],
)
def test_a_file_of_another_form_is_refused_whole(body: bytes, vendors: Vendors) -> None:
    ecb = Ecb(vendors.url("ecb"))
    vendors.answer_with("ecb", body)
    with pytest.raises(ProviderFault) as caught:
        ecb.rates(since=NEWEST)
    assert caught.value.fault is Fault.FORMAT_CHANGED
