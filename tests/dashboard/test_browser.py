"""The dashboard path in a real browser: pages, stream, worker, database, all of them real."""

import re
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from dashboard.presenters import figures
from marketdata.models import AnnouncedDividend, CorporateAction, MinuteBar
from tests.dashboard.conftest import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def wait_live(tab: Any) -> None:
    tab.locator('#feed[data-state="live"]').wait_for()


def cell(tab: Any, symbol: str, name: str) -> Any:
    return tab.locator(f'tr[data-symbol="{symbol}"] [data-cell="{name}"]').first


def has_text(locator: Any, words: str) -> None:
    from playwright.sync_api import expect

    expect(locator).to_have_text(words, timeout=60_000)


def says(locator: Any, words: str) -> None:
    from playwright.sync_api import expect

    expect(locator).to_contain_text(words, timeout=60_000)


def test_values_and_weights_move_with_the_market(
    visit: Callable[..., Any], owner: Any, invest: Any, history: None, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    has_text(tab.locator('[data-base="total"]'), "$11,300.00")
    tab.get_by_role("link", name="Harbour").click()
    wait_live(tab)
    has_text(cell(tab, "AAA", "value"), "$6,000.00")
    tab.locator("#chart canvas").first.wait_for()
    visitor.shoot("portfolio-light-1440")

    quote(AAA="51.25", BBB="19")
    # 120 * 51.25 = 6150; 100 * 19 = 1900; cash 3300; closes were 50 and 20.
    has_text(cell(tab, "AAA", "price"), "$51.25")
    has_text(cell(tab, "AAA", "value"), "$6,150.00")
    has_text(cell(tab, "BBB", "value"), "$1,900.00")
    has_text(cell(tab, "AAA", "day"), "+$150.00")
    has_text(cell(tab, "BBB", "day"), f"{figures.MINUS}$100.00")
    has_text(cell(tab, "AAA", "weight"), "54.2%")
    has_text(cell(tab, "CASH", "weight"), "29.1%")
    head = tab.locator("[data-live-head]")
    has_text(head.locator('[data-cell="total"]'), "$11,350.00")
    has_text(head.locator('[data-cell="day"]'), "+$50.00")
    has_text(head.locator('[data-cell="outside"]'), "3 outside their bands")

    # What the script shows is what the server computes.
    shown = tab.locator(".holdings tbody tr.row").all_inner_texts()
    tab.reload()
    wait_live(tab)
    assert tab.locator(".holdings tbody tr.row").all_inner_texts() == shown


def test_a_live_figure_is_written_as_the_server_writes_it(
    visit: Callable[..., Any], owner: Any
) -> None:
    visitor = visit()
    visitor.log_in(owner)
    values = ["0", "-0.004", "0.005", "1.005", "-1234567.895", "99.995", "12.3456", "1e9"]
    script = """async ([values, form]) => {
        const { money, percent, price } = await import("/static/dashboard/figures.js");
        return values.map(Number).map((v) => [money(v, form, true), percent(v), price(v, form)]);
    }"""
    for currency in ("USD", "JPY", "CHF"):
        form = {
            "prefix": figures.currency_prefix(currency),
            "decimals": figures.currency_decimals(currency),
        }
        assert visitor.tab.evaluate(script, [values, form]) == [
            [
                figures.money(value, currency, plus=True),
                figures.percent(value),
                figures.price(value, currency),
            ]
            for value in values
        ]


def test_rebalance_leads_to_trades_with_tax_and_reasons(
    visit: Callable[..., Any],
    owner: Any,
    invest: Any,
    quote: Callable[..., None],
    worker: None,
) -> None:
    from recommendations.models import Recommendation

    quote(AAA="50", BBB="20")
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}")
    tab.get_by_role("button", name="Rebalance").click()
    tab.wait_for_url(re.compile(r"/recommendations/[0-9a-f-]+$"))
    row = Recommendation.objects.get()
    trades = tab.locator("table").filter(has_text="Recommended trades")
    assert "BBB" in trades.inner_text()
    assert "band" in trades.inner_text()
    visitor.shoot("recommendation-light-1440")
    tab.get_by_role("button", name="Approve").click()
    tab.get_by_text("The recommendation was approved.").wait_for()
    row.refresh_from_db()
    assert (row.status, row.decided_by_id) == ("approved", owner.pk)
    tab.goto("/notices")
    tab.get_by_role("link", name=re.compile("recommended for Harbour")).click()
    tab.wait_for_url(f"**/recommendations/{row.public_id}")


def test_a_lost_stream_is_said_and_comes_back(
    visit: Callable[..., Any], owner: Any, invest: Any, quote: Callable[..., None], site: Any
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}")
    wait_live(tab)
    site.stream.kill()
    has_text(tab.locator("#feed-text"), "Reconnecting")
    site.stream.start()
    wait_live(tab)
    quote(AAA="50.50")
    has_text(cell(tab, "AAA", "value"), "$6,060.00")
    # The broken connection is worth a line in the console, and nothing else is.
    assert all("WebSocket" in line for line in visitor.complaints)
    visitor.complaints.clear()


def test_a_stream_that_accepts_and_never_answers_is_tried_again(
    visit: Callable[..., Any], owner: Any, invest: Any, settings: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        settings.STREAM_URL = f"ws://127.0.0.1:{silent.getsockname()[1]}/ws/v1/stream"
        visitor = visit()
        tab = visitor.tab
        tab.clock.install()
        visitor.log_in(owner)
        tab.goto(f"/accounts/{invest.public_id}")
        kept = [silent.accept(), silent.accept()]  # of the page after the log-in, and of this one
        has_text(tab.locator("#feed-text"), "Connecting")
        tab.clock.fast_forward(15_000)
        tab.clock.fast_forward(4_000)
        kept.append(silent.accept())
        for accepted, _ in kept:
            accepted.close()
    tab.close()
    visitor.complaints.clear()


def test_prices_nobody_vouches_for_are_called_stale(
    visit: Callable[..., Any], owner: Any, invest: Any, quote: Callable[..., None], site: Any
) -> None:
    from marketdata.models import LatestPrice

    LatestPrice.objects.update(as_of=timezone.now() - timedelta(days=10))
    site.forget_prices()
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}")
    has_text(tab.locator("#feed-text"), "Prices stale")
    assert cell(tab, "AAA", "stale").is_visible()
    quote(AAA="50.50")
    has_text(tab.locator("#feed-text"), "Live")
    cell(tab, "AAA", "stale").wait_for(state="hidden")
    assert cell(tab, "BBB", "stale").is_visible()


def test_a_transaction_is_recorded_shown_and_reversed(
    visit: Callable[..., Any], owner: Any, invest: Any
) -> None:
    from transactions.models import Transaction

    before = Transaction.objects.count()
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}/transactions")
    tab.get_by_label("Type").select_option("buy")
    tab.get_by_label("Symbol", exact=True).fill("zzz")
    tab.get_by_label("Quantity").fill("2")
    tab.get_by_label("Price per unit").fill("50.5")
    tab.get_by_role("button", name="Record", exact=True).click()
    field = tab.get_by_label("Symbol", exact=True)
    tab.get_by_text("The symbol ZZZ is not known").wait_for()
    assert field.get_attribute("aria-invalid") == "true"
    assert "error" in (field.get_attribute("aria-describedby") or "")
    assert Transaction.objects.count() == before
    visitor.shoot("transaction-error-light-1440")

    field.fill("aaa")
    tab.get_by_role("button", name="Record", exact=True).click()
    tab.get_by_text("Recorded the buy.").wait_for()
    assert Transaction.objects.count() == before + 1
    row = tab.locator("#transaction-rows tr").first
    assert f"{figures.MINUS}$101.00" in row.inner_text()
    tab.on("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name=re.compile("Reverse")).click()
    tab.get_by_text(
        "The transaction was reversed. Neither it nor its reversal counts any more."
    ).wait_for()
    invest.refresh_from_db()
    assert invest.cash == Decimal("3300")
    visitor.forgive_refusals()


def test_fields_appear_with_the_type_they_belong_to(
    visit: Callable[..., Any], owner: Any, invest: Any
) -> None:
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}/transactions")
    shown = {"buy": ("Quantity", "Amount"), "deposit": ("Amount", "Quantity")}
    for kind, (visible, hidden) in shown.items():
        tab.get_by_label("Type").select_option(kind)
        assert tab.get_by_label(visible, exact=True).is_visible()
        assert not tab.get_by_label(hidden, exact=True).is_visible()


def test_targets_are_summed_as_one_types_and_refused_when_wrong(
    visit: Callable[..., Any], owner: Any, invest: Any
) -> None:
    from portfolios.models import Target

    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}/targets")
    has_text(tab.locator("[data-sum]"), "100.00%")
    tab.get_by_label("Target of AAA").fill("33.3333")
    has_text(tab.locator("[data-sum]"), "83.33%")
    has_text(tab.locator("[data-sum-state]"), "must be 100%")
    tab.get_by_role("button", name="Save targets").click()
    tab.get_by_text("The targets sum to 83.3333 percent. They must sum to 100.").wait_for()
    assert Target.objects.get(asset__symbol="AAA").target_percentage == 50

    tab.get_by_label("Add a holding").select_option("EEE")
    tab.get_by_role("button", name="Add", exact=True).click()
    tab.get_by_label("Target of EEE").fill("16.6667")
    has_text(tab.locator("[data-sum-state]"), "adds up")
    tab.get_by_role("button", name="Save targets").click()
    tab.get_by_text("Targets saved.").wait_for()
    assert Target.objects.get(asset__symbol="EEE").target_percentage == Decimal("16.6667")
    visitor.forgive_refusals()


def test_the_chart_tells_its_range_in_words(
    visit: Callable[..., Any], owner: Any, invest: Any, history: None
) -> None:
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    asked: list[str] = []
    tab.on("request", lambda r: asked.append(r.url) if "/history/" in r.url else None)
    tab.goto(f"/accounts/{invest.public_id}")
    chart = tab.locator("#chart")
    tab.locator('#chart[aria-label^="AAA from"]').wait_for()
    year = chart.get_attribute("aria-label")
    assert len(asked) == 1
    tab.get_by_role("button", name="5 years", exact=True).click()
    wait_until(tab, "label => document.querySelector('#chart').ariaLabel !== label", arg=year)
    assert len(asked) > 5
    two_years = chart.get_attribute("aria-label")
    tab.get_by_role("button", name="All prices", exact=True).click()
    tab.locator('#chart[aria-busy="false"]').wait_for()
    assert chart.get_attribute("aria-label") == two_years
    # Without minutes a week is shown by its closes, and a day cannot be.
    tab.get_by_role("button", name="1 week", exact=True).click()
    wait_until(tab, "label => document.querySelector('#chart').ariaLabel !== label", arg=two_years)
    assert (chart.get_attribute("aria-label") or "").startswith("AAA from")
    tab.get_by_role("button", name="1 day", exact=True).click()
    tab.get_by_text("No prices by the minute are known.").wait_for()
    tab.get_by_role("button", name="1 year", exact=True).click()
    tab.get_by_role("button", name="BBB, BBB Inc: show in the chart").click()
    tab.get_by_text("No prices in this range.").wait_for()


def test_the_chart_shows_minutes_hours_and_splits(
    visit: Callable[..., Any], owner: Any, invest: Any, history: None, assets: Any
) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    noon = (now - timedelta(days=1)).replace(hour=12, minute=0)
    MinuteBar.objects.bulk_create(
        MinuteBar(
            asset=assets["AAA"],
            at=noon + timedelta(minutes=n),
            **dict.fromkeys(("open", "high", "low", "close"), (40 + n % 5) * 10**8),
            volume=n,
        )
        for n in range(90)
    )
    CorporateAction.objects.create(
        asset=assets["AAA"],
        kind="split",
        ex_date=now.date() - timedelta(days=90),
        ratio_new=2,
        ratio_old=1,
        currency="USD",
        source="vendor",
        state="confirmed",
        proposed_by=owner,
        proposed_at=now,
        confirmed_at=now,
    )
    AnnouncedDividend.objects.create(
        asset=assets["AAA"],
        ex_date=now.date() - timedelta(days=40),
        provider="vendor",
        amount=Decimal("0.25"),
        currency="USD",
    )
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}")
    said = tab.locator("#chart-said")
    says(said, "2:1 split of AAA. 1 dividend")
    tab.get_by_role("button", name="1 day", exact=True).click()
    says(said, "12:00")
    says(said, "13:29")
    says(said, "low $40.00, high $44.00")
    tab.get_by_role("button", name="1 week", exact=True).click()
    says(said, "13:00")
    MinuteBar.objects.all().delete()  # its table is not managed, so no test empties it


def test_the_theme_follows_the_system_and_can_be_chosen(
    visit: Callable[..., Any], owner: Any, invest: Any, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit(theme="dark")
    tab = visitor.tab
    visitor.log_in(owner)
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = tab.evaluate(paper)
    tab.goto(f"/accounts/{invest.public_id}")
    wait_live(tab)
    visitor.shoot("portfolio-dark-1440")
    tab.get_by_role("button", name="Color theme: system").click()
    light = tab.evaluate(paper)
    assert light != dark
    tab.reload()
    assert tab.evaluate(paper) == light
    tab.get_by_role("button", name="Color theme: light").click()
    assert tab.evaluate(paper) == dark


def test_nothing_moves_for_those_who_asked_for_stillness(
    visit: Callable[..., Any], owner: Any, invest: Any, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit(reduced_motion="reduce")
    visitor.log_in(owner)
    visitor.tab.goto(f"/accounts/{invest.public_id}")
    transition = "getComputedStyle(document.querySelector('.tick')).transitionDuration"
    assert visitor.tab.evaluate(transition) == "0s"


def test_a_session_that_ended_leads_to_the_log_in(
    visit: Callable[..., Any], owner: Any, invest: Any
) -> None:
    visitor = visit()
    visitor.log_in(owner)
    visitor.tab.locator(".bar-tools [data-menu] > summary").click()
    visitor.tab.get_by_role("button", name="Log out").click()
    visitor.tab.wait_for_url("**/login")
    visitor.tab.goto(f"/accounts/{invest.public_id}")
    visitor.tab.wait_for_url(f"**/login?next=/accounts/{invest.public_id}")
    time.sleep(0.2)  # a script that went on without a session would complain here


def test_the_performance_chart_shows_value_and_return_beside_a_benchmark(
    visit: Callable[..., Any], owner: Any, invest: Any, history: None
) -> None:
    from marketdata.models import Asset, DailyPrice

    aaa, bbb = (Asset.objects.get(symbol=symbol) for symbol in ("AAA", "BBB"))
    DailyPrice.objects.bulk_create(
        DailyPrice(asset=bbb, date=row.date, close=row.close - 7)
        for row in DailyPrice.objects.filter(asset=aaa).order_by("date")
    )
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}")
    tab.get_by_role("link", name="Performance").click()
    chart = tab.locator("#chart")
    tab.locator('#chart[aria-label^="Value $"]').wait_for()
    assert "Paid in" in (chart.get_attribute("aria-label") or "")
    tab.get_by_label("Benchmark").fill("bbb")
    tab.get_by_role("button", name="Show").click()
    tab.get_by_role("button", name="Return", exact=True).click()
    tab.locator('#chart[aria-label^="Return 0.00%"]').wait_for()
    assert "BBB" in (chart.get_attribute("aria-label") or "")
    assert "Above the benchmark" in tab.locator("main").inner_text()
    visitor.shoot("performance-return-light-1440")
    tab.get_by_role("link", name="3 years").click()
    tab.wait_for_url("**/performance?range=3y&benchmark=BBB")
    tab.locator('#chart[aria-label^="Value $"]').wait_for()
    visitor.shoot("performance-3y-light-1440")
    tab.get_by_role("button", name="Color theme: system").click()
    visitor.shoot("performance-3y-dark-1440")
    tab.set_viewport_size({"width": 390, "height": 900})
    visitor.must_fit()
    visitor.shoot("performance-3y-dark-390")
