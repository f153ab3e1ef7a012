"""A household's own prices on pages: marks, forms, files; without and with a browser."""

import runpy
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from marketdata.models import Asset, OwnPrice
from stores import keys
from stores.redis import redis_client
from tests.effort import one_view
from transactions.ledger.entries import Entry
from transactions.operations import record

pytestmark = pytest.mark.django_db(transaction=True)

AUDIT = runpy.run_path(str(Path(__file__).with_name("test_accessibility.py")))["AUDIT"]
FILE = b"date,symbol,price\n2026-01-05,VTI,250\n2026-01-06,VTI,0\n2026-01-07,NOPE,1\n"


@pytest.fixture
def fund(invest: Any, owner: Any) -> Asset:
    """VTI and a bond in the account, which no source knows, 90 days ago."""
    now = timezone.now()
    for symbol, kind in (("VTI", "fund"), ("BOND30", "bond")):
        Asset.objects.create(symbol=symbol, name=f"The {symbol}", asset_class=kind, currency="USD")
    entries = [
        Entry("buy", now - timedelta(days=90), "USD", "VTI", Decimal(10), Decimal(100)),
        Entry("buy", now - timedelta(days=90), "USD", "BOND30", Decimal(1000), Decimal("0.9")),
    ]
    record(account=invest, entries=entries, user=owner, now=now)
    return Asset.objects.get(symbol="VTI")


def test_estimates_are_marked_on_the_overview_the_account_and_performance(
    fund: Asset, invest: Any, owner: Any, page_client: Callable[..., Any]
) -> None:
    client = page_client(owner)
    for address in ("/", f"/accounts/{invest.public_id}"):
        text = client.get(address).content.decode()
        assert "$1,900.00" in text, address
        assert "is estimated" in text, address
        assert 'href="/prices/of/VTI"' in text, address
    assert "Estimates:" in client.get(f"/accounts/{invest.public_id}/performance").content.decode()
    listed = client.get("/prices").content.decode()
    assert "VTI" in listed
    assert "AAA" not in listed  # a source knows it


def test_a_price_is_entered_corrected_and_deleted(
    fund: Asset, invest: Any, owner: Any, page_client: Callable[..., Any]
) -> None:
    client, page = page_client(owner), "/prices/of/VTI"
    form = {"date": "2026-01-05", "close": "250", "currency": "USD"}
    for close in ("250", "260"):
        answer = client.post(page, form | {"close": close}, follow=True)
        assert "was saved" in answer.content.decode()
        (row,) = OwnPrice.objects.all()
        assert (row.price, row.origin) == (Decimal(close), "manual")
    assert "estimate</a>" not in client.get(page).content.decode()
    answer = client.post(f"{page}/delete", {"date": "2026-01-05"}, follow=True)
    assert "was deleted" in answer.content.decode()
    assert not OwnPrice.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"close": "0"}, "close"),
        ({"close": "-1"}, "close"),
        ({"close": "NaN"}, "close"),
        ({"date": "2999-01-01"}, "date"),
        ({"date": ""}, "date"),
        ({"currency": "ZZZ"}, "currency"),
    ],
)
def test_a_wrong_price_is_refused_at_its_field(
    fund: Asset, owner: Any, page_client: Callable[..., Any], change: dict[str, str], field: str
) -> None:
    form = {"date": "2026-01-05", "close": "250", "currency": "USD"} | change
    answer = page_client(owner).post("/prices/of/VTI", form)
    assert answer.status_code == 400
    assert field in answer.context["form"].errors
    assert not OwnPrice.objects.exists()


def test_a_bond_takes_percent_of_par_and_a_fund_has_no_such_field(
    fund: Asset, owner: Any, page_client: Callable[..., Any]
) -> None:
    client = page_client(owner)
    form = {"date": "2026-01-05", "close": "98.5", "currency": "USD", "nominal": "1"}
    client.post("/prices/of/BOND30", form)
    assert OwnPrice.objects.get().price == Decimal("0.985")
    assert "Nominal" not in client.get("/prices/of/VTI").content.decode()


def test_a_file_is_previewed_and_saved(
    fund: Asset, owner: Any, page_client: Callable[..., Any]
) -> None:
    client = page_client(owner)
    upload = {"file": SimpleUploadedFile("p.csv", FILE, "text/csv")}
    preview = client.post("/prices/file", upload)
    assert (preview.context["counts"]["new"], preview.context["counts"]["refused"]) == (1, 2)
    assert not OwnPrice.objects.exists()
    kept = {"pasted": preview.context["text"], "action": "record"}
    answer = client.post("/prices/file", kept, follow=True)
    assert "1 price saved" in answer.content.decode()
    assert OwnPrice.objects.get().price == Decimal(250)
    again = client.post("/prices/file", {"pasted": kept["pasted"]})
    assert again.context["counts"]["unchanged"] == 1
    wrong = client.post("/prices/file", {"pasted": "nothing that can be read"})
    assert wrong.status_code == 400


def test_nobody_elses_prices_are_on_a_page(
    fund: Asset, people: Any, owner: Any, page_client: Callable[..., Any]
) -> None:
    form = {"date": "2026-01-05", "close": "777.25", "currency": "USD"}
    page_client(owner).post("/prices/of/VTI", form)
    for user in (people.stranger, people.adviser):
        client = page_client(user)
        assert "777.25" not in client.get("/prices/of/VTI").content.decode()
        client.post("/prices/of/VTI/delete", {"date": "2026-01-05"})
    assert "777.25" in page_client(people.spouse).get("/prices/of/VTI").content.decode()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "theme"), one_view((1440, "light"), (390, "dark")))
def test_a_price_replaces_an_estimate_on_sound_pages(
    site: Any,
    visit: Callable[..., Any],
    fund: Asset,
    invest: Any,
    owner: Any,
    quote: Callable[..., None],
    width: int,
    theme: str,
) -> None:
    redis_client().hdel(keys.QUOTES, "VTI")  # of the other width
    site.forget_prices()
    quote(AAA="50", BBB="20")
    visitor = visit(width=width, theme=theme)
    tab = visitor.tab

    def is_sound(name: str) -> None:
        assert tab.evaluate(AUDIT) == []
        visitor.must_fit()
        visitor.shoot(f"{name}-{theme}-{width}")

    visitor.log_in(owner)
    is_sound("prices-overview")
    tab.goto(f"/accounts/{invest.public_id}")
    is_sound("prices-account")
    tab.locator("tr[data-symbol=VTI]").get_by_role("link", name="estimate").click()
    tab.get_by_role("heading", name="Prices of VTI").wait_for()
    is_sound("prices-asset-estimate")
    tab.get_by_label("Price", exact=True).fill("120")
    tab.get_by_role("button", name="Save price").click()
    tab.get_by_text("was saved").wait_for()
    is_sound("prices-asset")
    tab.goto("/prices")
    is_sound("prices")
    tab.get_by_label("File", exact=True).set_input_files(
        {"name": "p.csv", "mimeType": "text/csv", "buffer": FILE}
    )
    tab.get_by_role("button", name="Preview").click()
    tab.get_by_role("heading", name="Preview of prices").wait_for()
    is_sound("prices-preview")
    tab.get_by_role("button", name="Save 1 price").click()
    tab.get_by_text("1 price saved").wait_for()
    tab.goto(f"/accounts/{invest.public_id}")
    row = tab.locator("tr[data-symbol=VTI]")
    row.get_by_role("link", name="own price").wait_for()
    assert "$1,200.00" in row.inner_text()
    # A quote of a source goes first, and the mark disappears without a reload.
    quote(VTI="130")
    row.locator("[data-cell=source]").wait_for(state="hidden")
    assert "$1,300.00" in row.inner_text()
