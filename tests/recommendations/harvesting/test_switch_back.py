"""The way back from a replacement: not before day 31, not after a large gain."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal as D

import pytest

from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.plan import harvest
from recommendations.harvesting.problem import HarvestInputs, Switch

Harvested = Callable[..., HarvestInputs]

# Sold on 1 May: a purchase on 31 May is on day 30, the first clean day is 1 June.
AFTER = """
NEW price {price} spread 5 {flags}
  n 40 for 4000 on 2026-05-01
OLD price 40 spread 5
"""


def switched(
    to_harvest: Harvested,
    *,
    price: str = "101",
    sold: date = date(2026, 5, 1),
    flags: str = "",
    options: HarvestOptions | None = None,
) -> HarvestInputs:
    return to_harvest(
        AFTER.format(price=price, flags=flags),
        options=options,
        switches=(Switch("r", "old", "new", sold, ("n",)),),
    )


def test_on_day_31_the_original_is_bought_back(to_harvest: Harvested) -> None:
    result = harvest(inputs=switched(to_harvest))
    (back,) = result.switch_backs
    # 40 x 101 = 4,040.00 less spread 2.02, SEC fee 0.08 and TAF 0.01.
    assert (back.state, back.gain, back.value) == ("offered", D("37.89"), D("4040.00"))
    assert back.first_safe_date == date(2026, 6, 1)
    sale, purchase = result.trades
    assert (sale.side, sale.symbol, sale.quantity) == ("sell", "NEW", D(40))
    # 4,037.89 buys 100.89680 at 40.02.
    assert (purchase.side, purchase.symbol) == ("buy", "OLD")
    assert purchase.quantity == D("100.896801")
    assert sale.cash_effect + purchase.cash_effect >= 0


def test_on_day_30_it_is_too_early(to_harvest: Harvested) -> None:
    result = harvest(inputs=switched(to_harvest, sold=date(2026, 5, 2)))
    assert [row.state for row in result.switch_backs] == ["too_early"]
    assert result.switch_backs[0].first_safe_date == date(2026, 6, 2)
    assert result.trades == ()


@pytest.mark.parametrize(("price", "state"), [("102.09", "offered"), ("102.10", "large_gain")])
def test_a_large_gain_keeps_the_replacement(to_harvest: Harvested, price: str, state: str) -> None:
    # 2 % of 4,083.60 is 81.67; the gain after costs is 83.60 - 2.13 = 81.47. Of 4,084.00 it is
    # 81.68 and 81.87.
    result = harvest(inputs=switched(to_harvest, price=price))
    assert [row.state for row in result.switch_backs] == [state]


@pytest.mark.parametrize(
    ("flags", "state"), [("no-sell because price_stale", "sale_blocked"), ("", "offered")]
)
def test_a_replacement_that_cannot_be_sold_stays(
    to_harvest: Harvested, flags: str, state: str
) -> None:
    result = harvest(inputs=switched(to_harvest, flags=flags))
    assert [row.state for row in result.switch_backs] == [state]
    assert len(result.trades) == (2 if state == "offered" else 0)


def test_the_original_must_be_free_to_buy(to_harvest: Harvested) -> None:
    table = AFTER.format(price="101", flags="").replace("OLD price 40", "OLD price 40 no-buy")
    inputs = to_harvest(table, switches=(Switch("r", "old", "new", date(2026, 5, 1), ("n",)),))
    assert [row.state for row in harvest(inputs=inputs).switch_backs] == ["purchase_blocked"]


def test_lots_are_switched_back_once(to_harvest: Harvested) -> None:
    switches = tuple(
        Switch(name, "old", "new", date(2026, 5, 1), ("n",)) for name in ("first", "second")
    )
    inputs = to_harvest(AFTER.format(price="101", flags=""), switches=switches)
    result = harvest(inputs=inputs)
    assert [row.recommendation_id for row in result.switch_backs] == ["first"]
    assert [row.quantity for row in result.trades if row.side == "sell"] == [D(40)]


def test_a_replacement_that_is_harvested_itself_is_not_switched_back(
    to_harvest: Harvested,
) -> None:
    table = AFTER.format(price="50", flags="") + "THIRD price 10\n"
    inputs = to_harvest(
        table,
        alike={"NEW": ["THIRD"]},
        switches=(Switch("r", "old", "new", date(2026, 5, 1), ("n",)),),
    )
    result = harvest(inputs=inputs)
    assert [row.symbol for row in result.offers] == ["NEW"]
    assert [row.state for row in result.switch_backs] == ["traded_in_plan"]
    assert [row.quantity for row in result.trades if row.side == "sell"] == [D(40)]
