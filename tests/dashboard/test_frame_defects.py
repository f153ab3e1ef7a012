"""Small defects of the frame, the home and the performance pages that must not come back."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.presenters.performance import groups
from portfolios.performance.answer import Answer, Columns
from portfolios.performance.figures import Reason
from tests.dashboard.conftest import wait_until
from transactions.models import Account

PageClient = Callable[[Any], Client]


def answer(*, days: int) -> Answer:
    """Return a performance of so many days with every figure but the yearly chained return."""
    today = timezone.now().date()
    names = (
        *("time_weighted_return", "money_weighted_return", "money_weighted_return_annualized"),
        *("benchmark_return", "benchmark_return_annualized", "excess_return", "volatility"),
        *("max_drawdown", "sharpe_ratio", "local_return", "currency_return"),
    )
    return Answer(
        currency="USD",
        from_date=today - timedelta(days=days - 1),
        to_date=today,
        measured_from=today - timedelta(days=days),
        days=days,
        figures={name: Decimal("0.2") for name in names}
        | {"time_weighted_return_annualized": None},
        reasons={"time_weighted_return_annualized": Reason("too_short", "not above one year")},
        drawdown=None,
        risk_free_series=None,
        benchmark=None,
        reconciliation=None,
        years=(),
        contributions=(),
        series=Columns(1, (), (), (), (), None),
        warnings=(),
    )


@pytest.mark.parametrize(("days", "shown"), [(200, False), (365, True), (366, True)])
def test_yearly_rates_are_shown_together_or_not_at_all(days: int, shown: bool) -> None:
    figures = dict(groups(answer(days=days)))["Return"]
    yearly = {one.label: one.percentage for one in figures if "annualized" in one.label}
    assert set(yearly.values()) == ({Decimal(20)} if shown else {None})
    assert len(yearly) == 2


@pytest.mark.django_db
def test_a_range_stays_chosen_when_a_benchmark_is_added(
    page_client: PageClient, owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    client = page_client(owner)
    address = f"/accounts/{invest.public_id}/performance"
    body = client.get(f"{address}?range=1m").content.decode()
    stated = dict(re.findall(r'name="(range|from|to)"[^>]*value="([^"]+)"', body))
    assert stated["range"] == "1m"
    kept = client.get(address, {**stated, "benchmark": "AAA"}).content.decode()
    assert re.search(r'href="\?range=1m[^"]*" aria-current="true"', kept)
    changed = {**stated, "from": str(timezone.now().date() - timedelta(days=10))}
    other = client.get(address, changed).content.decode()
    assert not re.search(r'href="\?range=[^"]*" aria-current="true"', other)
    assert f'value="{changed["from"]}"' in other


@pytest.mark.django_db
def test_an_unknown_benchmark_leaves_the_figures_of_the_period(
    page_client: PageClient, owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    answered = page_client(owner).get("/performance?range=all&benchmark=XXX")
    body = unescape(answered.content.decode())
    assert answered.status_code == 404
    assert "XXX is not known" in body
    assert "data-chart=" in body
    assert "No figures are available" not in body
    assert 'value="XXX"' in body


@pytest.mark.django_db
def test_what_cannot_be_traded_is_not_suggested(
    page_client: PageClient, owner: Any, account: Account, assets: Any
) -> None:
    from marketdata.models import Asset

    Asset.objects.filter(symbol="BBB").update(tradable=False)
    body = page_client(owner).get(f"/accounts/{account.public_id}/transactions").content.decode()
    suggested = body.split('<datalist id="symbols">')[1].split("</datalist>")[0]
    assert 'value="AAA"' in suggested
    assert 'value="BBB"' not in suggested


@pytest.mark.django_db
def test_an_old_rate_has_its_day_beside_the_account(
    page_client: PageClient, owner: Any, invest: Account
) -> None:
    from marketdata.models import ExchangeRate
    from marketdata.queries.exchange_rates import forget_fixings
    from transactions.ledger.entries import Entry
    from transactions.operations import open_account, record

    fixed = timezone.now().date() - timedelta(days=9)
    ExchangeRate.objects.all().delete()
    ExchangeRate.objects.create(currency="USD", date=fixed, rate=Decimal("1.25"), source="test")
    forget_fixings()
    now = timezone.now()
    euro = open_account(user=owner, name="Euro", type="taxable", currency="EUR", now=now)
    entry = Entry("deposit", now - timedelta(days=2), "EUR", amount=Decimal(100))
    record(account=euro, entries=[entry], user=owner, now=now)
    body = page_client(owner).get("/").content.decode()
    assert f"at the rate of {fixed.day} {fixed:%b %Y}" in body
    assert "Old exchange rates: EUR" in body


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_confirmation_is_in_sight_where_the_page_jumps_to_its_form(
    visit: Callable[..., Any], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit(width=390)
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}/transactions#record")
    tab.get_by_label("Type").first.select_option("deposit")
    tab.locator("#record").get_by_label("Amount", exact=True).fill("25")
    tab.get_by_role("button", name="Record", exact=True).click()
    message = tab.locator(".message[role=status]")
    message.wait_for()
    wait_until(
        tab,
        "(() => { const box = document.querySelector('.message[role=status]')"
        ".getBoundingClientRect(); return box.top >= 0 && box.bottom <= innerHeight; })()",
    )


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_performance_page_fits_and_prints_without_the_frame(
    visit: Callable[..., Any], owner: Any, invest: Account, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto("/performance?range=all")
    cut = "[...document.querySelectorAll('.table-wrap')].filter(e => e.scrollWidth > e.clientWidth)"
    assert tab.evaluate(f"{cut}.length") == 0
    indent = (
        "parseFloat(getComputedStyle(document.querySelector('.heat td, .heat th')).paddingLeft)"
    )
    assert tab.evaluate(indent) >= 16
    tab.emulate_media(media="print")
    for name in (".bar", ".foot", ".button"):
        assert not tab.locator(name).first.is_visible(), name
    assert tab.get_by_role("heading", name="Performance").is_visible()
    tab.emulate_media(media="screen")
    tab.set_viewport_size({"width": 320, "height": 800})
    for address in (
        "/",
        "/performance?range=all",
        f"/accounts/{invest.public_id}/performance",
        f"/accounts/{invest.public_id}/transactions",
        "/activity",
        "/search?q=a",
    ):
        tab.goto(address)
        visitor.must_fit()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_an_account_without_value_draws_no_curve_of_noise(
    visit: Callable[..., Any], owner: Any, account: Account
) -> None:
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{account.public_id}/performance")
    tab.get_by_text("There is nothing to draw in this period.").wait_for()
