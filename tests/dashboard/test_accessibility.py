"""Checks as an accessibility auditor makes them: names, headings, references, contrast, keys."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from tests.effort import one_view

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Faults of a page, each as a sentence. Names follow the rules of labels, not of guesses.
AUDIT = """() => {
  const faults = [];
  const visible = (e) => e.getClientRects().length > 0;
  const text = (e) => (e?.textContent ?? "").trim();
  const named = (e) => {
    const by = e.getAttribute("aria-labelledby");
    if (by && by.split(" ").some((id) => text(document.getElementById(id)))) return true;
    if (e.getAttribute("aria-label")?.trim()) return true;
    if (e.labels?.length) return [...e.labels].some((label) => text(label));
    return !["INPUT", "SELECT", "TEXTAREA"].includes(e.tagName) && text(e) !== "";
  };
  for (const e of document.querySelectorAll("input, select, textarea, button, a[href], summary")) {
    if (e.type !== "hidden" && visible(e) && !named(e)) faults.push(`no name: ${e.outerHTML}`);
  }
  for (const e of document.querySelectorAll("[role=img], [role=progressbar], nav, aside")) {
    if (visible(e) && !e.getAttribute("aria-label")) faults.push(`no label: <${e.tagName}>`);
  }
  for (const e of document.querySelectorAll("svg, img")) {
    const hidden = e.closest("[aria-hidden=true]") || e.getAttribute("role");
    if (!hidden && !e.getAttribute("alt")) faults.push(`picture without words: ${e.outerHTML}`);
  }
  const levels = [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].map((e) => +e.tagName[1]);
  if (levels.filter((level) => level === 1).length !== 1) faults.push(`h1: ${levels}`);
  levels.forEach((level, i) => {
    if (i && level > levels[i - 1] + 1) faults.push(`heading skipped: ${levels}`);
  });
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`twice: #${id}`);
  for (const name of ["aria-controls", "aria-labelledby", "aria-describedby"]) {
    for (const e of document.querySelectorAll(`[${name}]`)) {
      for (const id of e.getAttribute(name).split(" ")) {
        if (!document.getElementById(id)) faults.push(`${name} to nothing: ${id}`);
      }
    }
  }
  for (const table of document.querySelectorAll("table")) {
    if (table.closest("[role=img]")) continue; // the chart library's layout
    if (!text(table.caption)) faults.push("table without caption");
    for (const th of table.querySelectorAll("th")) {
      if (!th.scope) faults.push(`th without scope: ${text(th)}`);
    }
  }
  if (!document.documentElement.lang) faults.push("no language");
  if (document.querySelectorAll("main").length !== 1) faults.push("not one main");
  if (!document.title.trim()) faults.push("no title");
  for (const e of document.querySelectorAll("[style]")) {
    if (!e.closest("#chart")) faults.push(`inline style: ${e.outerHTML.slice(0, 80)}`);
  }
  return faults;
}"""

# Contrast of two colours of the design system as WCAG 2 counts it.
CONTRAST = """(pairs) => {
  const probe = document.createElement("span");
  document.body.append(probe);
  const light = (name) => {
    probe.style.color = `var(${name})`;
    const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const [r, g, b] = parts.map((part) => {
      const c = part / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = pairs.map(([one, two]) => {
    const [low, high] = [light(one), light(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  });
  probe.remove();
  return found;
}"""

TEXT_PAIRS = [
    *itertools.product(("--ink", "--ink-2", "--ink-3"), ("--paper", "--surface", "--sunken")),
    *itertools.product(("--accent", "--gain", "--loss", "--warn"), ("--paper", "--surface")),
    ("--on-accent", "--accent"),
    ("--on-accent", "--accent-hover"),
    ("--accent", "--accent-soft"),
    ("--gain", "--gain-soft"),
    ("--loss", "--loss-soft"),
    ("--warn", "--warn-soft"),
    ("--ink", "--loss-soft"),
    ("--ink", "--gain-soft"),
    ("--ink", "--warn-soft"),
]
SHAPE_PAIRS = [
    ("--line-strong", "--surface"),
    ("--line-strong", "--sunken"),
    ("--warn-mark", "--surface"),
    ("--accent", "--surface"),
]


def addresses(account: Any) -> list[str]:
    own = f"/accounts/{account.public_id}"
    return [
        "/",
        own,
        f"{own}/transactions",
        f"{own}/dividends",
        f"{own}/transactions/grid",
        f"{own}/cash-transfer",
        f"{own}/sell?symbol=AAA",
        "/calendar",
        f"{own}/imports",
        f"{own}/gains",
        f"{own}/performance",
        f"{own}/targets",
        f"{own}/harvest",
        f"{own}/recommendations",
        f"{own}/rebalance",
        "/holdings",
        "/holdings?group=class",
        "/assets/AAA",
        "/income",
        f"{own}/orders",
        "/accounts/new",
        "/welcome",
        "/welcome/data",
        "/home/value",
        "/home/to-do",
        "/home/allocation",
        "/home/movers",
        "/plan",
        "/plan/questionnaire",
        "/plan/models",
        "/tax",
        "/activity",
        "/record",
        "/goals",
        f"/households/{account.household.public_id}/report",
        "/search?q=a",
        "/keys",
        "/performance",
        "/settings",
        "/settings/taxes",
        "/strategies/mine",
        "/strategies/new",
        "/discover",
        "/notes",
        f"/notes?subject_type=account&subject_id={account.public_id}",
        "/notices",
        "/notices/preferences",
        "/strategies/compare",
        "/notices/alerts",
        "/notices/webhooks",
        "/about-data",
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", one_view(1440, 390))
def test_every_page_is_sound_and_fits(
    visit: Callable[..., Any],
    owner: Any,
    invest: Any,
    quote: Callable[..., None],
    width: int,
    theme: str,
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit(width=width, theme=theme)
    tab = visitor.tab
    for address in ("/register", "/login"):
        tab.goto(address)
        assert tab.evaluate(AUDIT) == []
        visitor.must_fit()
    visitor.log_in(owner)
    for address in addresses(invest):
        tab.goto(address)
        assert tab.evaluate(AUDIT) == [], address
        visitor.must_fit()
        name = address.strip("/").replace(str(invest.public_id), "one").replace("/", "-")
        visitor.shoot(f"{name or 'overview'}-{theme}-{width}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_read(visit: Callable[..., Any], theme: str) -> None:
    tab = visit(theme=theme).tab
    tab.goto("/login")
    for pairs, least in ((TEXT_PAIRS, 4.5), (SHAPE_PAIRS, 3.0)):
        ratios = tab.evaluate(CONTRAST, pairs)
        faint = [(pair, ratio) for pair, ratio in zip(pairs, ratios, strict=True) if ratio < least]
        assert faint == []


def test_the_portfolio_works_by_keyboard(
    visit: Callable[..., Any], owner: Any, invest: Any, quote: Callable[..., None]
) -> None:
    quote(AAA="50", BBB="20")
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    tab.goto(f"/accounts/{invest.public_id}")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to content"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    opener = tab.get_by_role("button", name="Lots of AAA")
    opener.focus()
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", name="Lots of AAA").wait_for()
    assert opener.get_attribute("aria-expanded") == "true"
    assert "Long-term" in tab.locator("#lots-1").inner_text()
    assert "Short-term" in tab.locator("#lots-1").inner_text()
    assert tab.evaluate(AUDIT) == []
    tab.keyboard.press("Enter")
    assert not tab.locator("#lots-1").is_visible()
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert tab.evaluate(outline) == "solid"


def test_a_menu_closes_by_escape_and_gives_the_focus_back(
    visit: Callable[..., Any], owner: Any
) -> None:
    visitor = visit()
    tab = visitor.tab
    visitor.log_in(owner)
    opener = tab.locator(".bar-tools [data-menu] > summary")
    opener.focus()
    tab.keyboard.press("Enter")
    assert tab.get_by_role("button", name="Log out").is_visible()
    tab.keyboard.press("Escape")
    assert not tab.get_by_role("button", name="Log out").is_visible()
    assert opener.evaluate("e => e === document.activeElement")


@pytest.mark.parametrize(
    ("width", "theme"), one_view((1440, "light"), (390, "dark"), (390, "light"))
)
def test_gains_a_lot_and_a_preview_are_sound_and_fit(
    visit: Callable[..., Any],
    owner: Any,
    sold: Any,
    quote: Callable[..., None],
    width: int,
    theme: str,
) -> None:
    from transactions.models import Lot

    quote(AAA="50", BBB="20")
    visitor = visit(width=width, theme=theme)
    tab = visitor.tab

    def is_sound(name: str) -> None:
        assert tab.evaluate(AUDIT) == []
        visitor.must_fit()
        visitor.shoot(f"{name}-{theme}-{width}")

    visitor.log_in(owner)
    own = f"/accounts/{sold.public_id}"
    tab.goto(f"{own}/gains")
    is_sound("gains")
    lot = Lot.objects.get(account=sold, replaces_loss=True).transaction
    tab.goto(f"{own}/lots/{lot.public_id}")
    is_sound("lot")

    def previewed(symbol: str, price: str) -> None:
        tab.goto(f"{own}/transactions")
        tab.get_by_label("Type").select_option("sell")
        tab.get_by_label("Symbol", exact=True).fill(symbol)
        tab.get_by_label("Quantity").fill("50")
        tab.get_by_label("Price per unit").fill(price)
        tab.get_by_role("button", name="Preview the sale").click()
        tab.get_by_role("heading", name=f"50 {symbol} sold now").wait_for()

    previewed("BBB", "")
    is_sound("sale-preview")
    previewed("AAA", "25")
    assert "permanently)" in tab.locator("#sale-preview .message").inner_text()
    is_sound("sale-preview-wash")
    tab.get_by_label("Quantity").fill("5000")
    tab.get_by_role("button", name="Preview the sale").click()
    tab.get_by_role("alert").wait_for()
    visitor.forgive_refusals()


@pytest.mark.parametrize(
    ("width", "theme"), one_view((1440, "light"), (390, "dark"), (390, "light"))
)
def test_a_compared_statement_is_sound_and_fits(
    visit: Callable[..., Any], owner: Any, sold: Any, tmp_path: Any, width: int, theme: str
) -> None:
    visitor = visit(width=width, theme=theme)
    tab = visitor.tab

    def is_sound(name: str) -> None:
        assert tab.evaluate(AUDIT) == []
        visitor.must_fit()
        visitor.shoot(f"{name}-{theme}-{width}")

    visitor.log_in(owner)
    tab.goto(f"/accounts/{sold.public_id}/reconciliations")
    is_sound("reconciliations")
    file = tmp_path / "schwab.csv"
    file.write_text(
        '"Positions for account X as of 2030/01/05"\n'
        '"Symbol","Description","Qty (Quantity)","Mkt Val (Market Value)","Cost Basis"\n'
        '"AAA","A","12345.6789","$1","--"\n"A-SECURITY-WITH-A-LONG-NAME","B","3","$1","--"\n'
        '"Cash & Cash Investments","--","--","$1,234,567.89","--"\n'
    )
    tab.get_by_label("File", exact=True).set_input_files(str(file))
    tab.get_by_role("button", name="Compare", exact=True).click()
    tab.get_by_role("heading", name="Positions that differ").wait_for()
    is_sound("reconciliation")
