"""Figures as people read them, and weights as they are drawn."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from dashboard.presenters import figures
from dashboard.presenters.holdings import Aim, portfolio
from dashboard.presenters.lots import lots_by_purchase
from dashboard.presenters.results import before_and_after, in_order, turnover
from dashboard.presenters.weights import bar, ring, scale_end
from marketdata.fx import Rate
from portfolios.holdings.lots import LotValue
from portfolios.holdings.valuation import Position, valuation
from portfolios.prices.rule import Quote
from recommendations.engine.problem import ENGINE_VERSION
from recommendations.engine.result import (
    Drift,
    RebalanceResult,
    SecurityDrift,
    Skipped,
    Totals,
    Trade,
    result_json,
    stored_result,
)

D = Decimal
MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "currency", "words"),
    [
        ("1234.5", "USD", "$1,234.50"),
        ("-3", "EUR", f"{MINUS}€3.00"),
        ("9", "CHF", "CHF\N{NO-BREAK SPACE}9.00"),
        ("1999.5", "JPY", "¥2,000"),
        ("0.005", "USD", "$0.01"),
        ("-0.004", "USD", "$0.00"),
        ("1000000000000", "USD", "$1,000,000,000,000.00"),
        (None, "USD", "–"),
        ("NaN", "USD", "–"),
        ("", "USD", "–"),
    ],
)
def test_money_has_its_currency_and_a_true_minus(
    value: str | None, currency: str, words: str
) -> None:
    assert figures.money(value, currency) == words


@pytest.mark.parametrize(
    ("value", "words"), [("12", "+$12.00"), ("0", "$0.00"), ("-0.5", f"{MINUS}$0.50")]
)
def test_a_change_says_its_direction_in_words_too(value: str, words: str) -> None:
    assert figures.money(value, "USD", plus=True) == words


def test_prices_below_one_keep_four_decimals() -> None:
    assert figures.price("0.1234", "USD") == "$0.1234"
    assert figures.price("189.98", "USD") == "$189.98"


def test_quantities_lose_their_trailing_zeros_only() -> None:
    assert figures.quantity("12.5000") == "12.5"
    assert figures.quantity("1234567.1234567") == "1,234,567.123457"
    assert figures.quantity("300") == "300"


def test_rates_have_six_significant_digits() -> None:
    assert figures.rate(D("0.922764602768292885")) == "0.922765"
    assert figures.rate("161.3300") == "161.33"
    assert figures.rate("0.0000118400118400") == "0.00001184"
    assert figures.rate("25012.8713") == "25,012.9"
    assert figures.rate(None) == "–"


def test_tones_follow_the_sign() -> None:
    assert [figures.tone(value) for value in ("1", "-1", "0", None)] == ["gain", "loss", "", ""]


def test_a_bar_ends_at_a_multiple_of_five_above_everything() -> None:
    assert scale_end(weights=[D("31"), D("4")], bands=[(D(30), D(5))]) == 35
    assert scale_end(weights=[], bands=[]) == 5


def test_a_bar_shows_weight_target_and_band_on_one_scale() -> None:
    drawn = bar(weight=D(20), target=D(25), threshold=D(3), end=D(50))
    assert (drawn.fill, drawn.aim, drawn.band_from) == ("40.000", "50.000", "44.000")
    assert (drawn.band_width, drawn.out, drawn.side) == ("12.000", True, "under")


def test_a_weight_on_the_edge_of_its_band_is_inside() -> None:
    assert not bar(weight=D(28), target=D(25), threshold=D(3), end=D(50)).out
    assert bar(weight=D("28.0001"), target=D(25), threshold=D(3), end=D(50)).out


def test_negative_cash_draws_nothing() -> None:
    assert bar(weight=D(-4), target=None, threshold=None, end=D(50)).fill == "0.000"
    assert ring(parts=[("A", "A", D(104))], cash=D(-4))[1].share == "0.000"


def test_the_ring_closes_and_gathers_what_is_small() -> None:
    parts = [(f"S{n:02}", f"S{n:02}", D(8)) for n in range(12)]
    slices = ring(parts=parts, cash=D(4))
    assert [item.key for item in slices][-3:] == ["S07", "other", "cash"]
    assert slices[-2].label == "4 others"
    assert sum(D(item.share) for item in slices) == 100
    assert D(slices[-1].offset) == -96


def _valued() -> object:
    def position(number: int, symbol: str) -> Position:
        return Position(number, symbol, symbol, "equity", "USD", D(10), D(400), None, None)

    def quote(price: str, close: str | None) -> Quote:
        from datetime import UTC, datetime

        at = datetime(2026, 11, 20, 20, tzinfo=UTC)
        return Quote(D(price), at, False, D(close) if close else None)

    return valuation(
        currency="USD",
        cash=D(100),
        positions=[position(1, "AAA"), position(2, "BBB"), position(3, "CCC")],
        quotes={1: quote("60", "50"), 2: quote("30", None)},
        rates={"USD": Rate("USD", "USD", D(1), date(2026, 11, 20), stale=False)},
    )


def test_a_portfolio_counts_only_what_has_a_price() -> None:
    page = portfolio(
        value=_valued(),  # type: ignore[arg-type]
        aims={"AAA": Aim(D(50), D(5)), "CASH": Aim(D(10), D(1)), "ZZZ": Aim(D(40), D(5))},
    )
    assert (page.total, page.gain, page.unpriced) == (D(1000), D(100), ("CCC",))
    assert page.gain_percentage == D("12.5")
    assert [row.symbol for row in page.rows] == ["AAA", "BBB", "CCC"]
    first, _, last = page.rows
    assert (first.weight, first.bar.out, first.day_percentage) == (D(60), True, D(20))
    assert (last.value, last.weight, last.gain) == (None, None, None)
    assert page.not_held == (("ZZZ", Aim(D(40), D(5))),)
    assert page.outside == 1


def _rebalanced() -> RebalanceResult:
    none = D(0)

    def drift(weight: str, cash: str) -> Drift:
        row = SecurityDrift("AAA", D(weight), D("0.6"), D(weight) - D("0.6"))
        return Drift(none, none, none, D(cash), D("0.4"), (row,))

    def trade(symbol: str, side: str, value: str) -> Trade:
        return Trade(
            *(symbol, symbol, side, D(1), D(value), "USD", D(1), D(value), none),
            *(D(value), (), none, none, none, none),
            *("over_target", "It is over its target."),
        )

    return RebalanceResult(
        engine_version=ENGINE_VERSION,
        account_id="account",
        as_of=date(2026, 11, 20),
        currency="USD",
        trades=(trade("B", "buy", "90"), trade("S", "sell", "10.50"), trade("T", "sell", "20")),
        skipped=(Skipped("C", "wash_sale", "It was bought lately.", date(2026, 12, 1)),),
        before=drift("0.8", "0.2"),
        after=drift("0.65", "0.35"),
        totals=Totals(*([none] * 10)),
        optimality_gap_bps=D("0.25"),
    )


def test_a_result_is_shown_sales_first_and_with_what_drift_is_left() -> None:
    result = _rebalanced()
    assert [trade.symbol for trade in in_order(result)] == ["T", "S", "B"]
    assert turnover(result) == D("120.50")
    first, cash = before_and_after(result)
    assert (first.before, first.after, first.left) == (D(80), D(65), D(5))
    assert (cash.symbol, cash.left) == ("Cash", D(-5))


def test_a_stored_result_is_read_back_as_the_values_it_was_written_from() -> None:
    result = _rebalanced()
    assert stored_result(result_json(result=result)) == result


def test_pieces_of_a_lot_stand_below_their_purchase_and_sum_to_it() -> None:
    first, second = UUID(int=1), UUID(int=2)

    def row(lot_id: UUID, quantity: str, basis: str, moved: str, term: str, held: str) -> LotValue:
        return LotValue(
            lot_id=lot_id,
            piece=0,
            symbol="AAA",
            quantity=D(quantity),
            cost_basis=D(basis),
            wash_sale_adjustment=D(moved),
            unrealized_gain=D("1.50"),
            long_term=term == "long",
            opened_date=date(2026, 5, 1),
            holding_period_date=date.fromisoformat(held),
        )

    rows = [
        row(first, "30", "330.00", "30.00", "long", "2025-01-05"),
        row(first, "70", "700.00", "0.00", "short", "2026-05-01"),
        row(second, "10", "100.00", "0.00", "short", "2026-05-01"),
    ]
    divided, single = lots_by_purchase(rows)
    assert (divided.quantity, divided.cost_basis, divided.term) == (D(100), D(1030), "both")
    assert (divided.wash_sale_adjustment, divided.adjusted) == (D(30), True)
    assert (divided.unit_cost, divided.unrealized_gain) == (D("10.3"), D(3))
    assert [piece.unit_cost for piece in divided.pieces] == [D(11), D(10)]
    assert [piece.adjusted for piece in divided.pieces] == [True, False]
    assert (single.pieces, single.adjusted) == ((), False)
    unpriced = [replace(one, unrealized_gain=None) for one in rows[:2]]
    assert lots_by_purchase(unpriced)[0].unrealized_gain is None
