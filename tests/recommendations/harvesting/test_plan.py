"""Harvests by hand: what is offered with all its costs, what is refused and why."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal as D

import pytest

from core.errors import InvalidInput
from recommendations.engine.problem import Block, Purchase
from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.plan import harvest
from recommendations.harvesting.problem import (
    HarvestInputs,
    Obstacle,
    inputs_from_json,
    inputs_json,
)
from recommendations.harvesting.result import HarvestResult, result_json, stored_harvest
from recommendations.harvesting.tax_value import TaxPosition

Harvested = Callable[..., HarvestInputs]

ONE_LOSS = """
NEW price 100 spread 5
OLD price 40 spread 5
  a 100 for 6000 on 2026-01-05
"""


def reasons(result: HarvestResult) -> dict[str, str]:
    return {row.symbol: row.reason for row in result.refused}


def test_a_loss_pays_for_both_legs_of_the_round_trip(to_harvest: Harvested) -> None:
    result = harvest(inputs=to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]}))
    (offer,) = result.offers
    # 4,000.00 less spread 2.00, SEC fee 0.08 and TAF 0.02 is 3,997.90: a loss of 2,002.10.
    assert (offer.value, offer.cost_sale, offer.loss) == (D("4000.00"), D("2.10"), D("2002.10"))
    assert (offer.loss_short, offer.loss_long, offer.disallowed_loss) == (
        D("2002.10"),
        D(0),
        D(0),
    )
    # 40 % of it now, 20 % of it in ten years.
    assert (offer.tax_now, offer.tax_carried, offer.tax_later) == (
        D("800.84"),
        D("0.00"),
        D("245.82"),
    )
    # 3,997.90 buys 39.95902 of NEW at 100.05; back: 2.00 + 0.08 + 0.01, then 2.00.
    assert offer.replacement is not None
    assert offer.replacement.quantity == D("39.959020")
    assert (offer.cost_purchase, offer.cost_back) == (D("2.00"), D("4.09"))
    assert (offer.net_benefit, offer.benefit_percentage) == (D("546.83"), D("13.67"))
    # One sigma of the 31 days: 3,995.90 x 10 % x sqrt(31 / 365).
    assert offer.replacement.risk == D("116.45")
    assert offer.first_safe_date == date(2026, 7, 2)
    assert offer.turns_long_term_date == date(2027, 1, 6)
    assert [(row.side, row.symbol, row.reason) for row in result.trades] == [
        ("sell", "OLD", "harvest_loss"),
        ("buy", "NEW", "harvest_replacement"),
    ]
    assert result.totals.net_benefit == D("546.83")
    assert result.totals.cash_after == D("0.00")


def test_the_brokerage_fee_is_paid_four_times(to_harvest: Harvested) -> None:
    free = harvest(inputs=to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]})).offers[0]
    options = HarvestOptions(brokerage_fee=D(5))
    paid = harvest(inputs=to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]}, options=options)).offers[0]
    # 9.99 less is put into the replacement, which saves a cent of its spread each way.
    assert paid.costs - free.costs == D("19.98")
    # The fee of the sale is part of the loss, so it saves tax as well: 2.00 now, 0.62 later.
    assert paid.net_benefit - free.net_benefit == D("-18.60")


def test_lots_that_dilute_the_benefit_are_kept(to_harvest: Harvested) -> None:
    table = """
    NEW price 100 no-fees
    OLD price 60 no-fees
      deep 10 for 1000 on 2026-01-05
      flat 90 for 5500 on 2026-01-05
    """
    result = harvest(inputs=to_harvest(table, alike={"OLD": ["NEW"]}))
    # deep alone: 160.00 - 49.11 = 110.89, 18.5 % of 600; both: 138.61, 2.3 % of 6,000.
    (offer,) = result.offers
    assert [lot.lot_id for lot in offer.lots] == ["deep"]
    assert (offer.net_benefit, offer.value) == (D("110.89"), D("600.00"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (HarvestOptions(minimum_benefit=D("546.83")), "below_minimum_benefit"),
        (HarvestOptions(minimum_benefit_percentage=D("13.671")), "below_minimum_percentage"),
        (HarvestOptions(minimum_loss=D("2002.11")), "below_minimum_loss"),
    ],
)
def test_a_threshold_must_be_passed(
    to_harvest: Harvested, options: HarvestOptions, reason: str
) -> None:
    result = harvest(inputs=to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]}, options=options))
    assert (result.offers, result.trades) == ((), ())
    assert reasons(result) == {"OLD": reason}
    assert result.refused[0].net_benefit == D("546.83")
    assert result.refused[0].loss == D("2000.00")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("price 40 spread 5 no-sell", "restricted"),
        ("price 40 spread 5 no-sell because price_stale", "price_stale"),
        ("price 40 spread 5 no-sell because price_estimated", "price_estimated"),
        ("spread 5", "price_missing"),
        ("price 60 spread 5", "at_gain"),
        ("price 61 spread 5", "at_gain"),
    ],
)
def test_what_must_not_be_sold_at_a_loss_is_refused(
    to_harvest: Harvested, change: str, reason: str
) -> None:
    table = ONE_LOSS.replace("price 40 spread 5", change)
    result = harvest(inputs=to_harvest(table, alike={"OLD": ["NEW"]}))
    assert (result.offers, reasons(result)) == ((), {"OLD": reason})


def test_a_retirement_account_gets_no_offer(to_harvest: Harvested) -> None:
    result = harvest(inputs=to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]}, position=None))
    assert (result.offers, reasons(result)) == ((), {"OLD": "not_taxable"})


@pytest.mark.parametrize(
    "code", ["reinvested_recently", "reinvestment_expected", "planned_purchase"]
)
def test_an_obstacle_of_the_group_is_named_with_its_last_day(
    to_harvest: Harvested, code: str
) -> None:
    until = date(2026, 6, 20)
    inputs = to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]}, obstacles=(Obstacle("OLD", code, until),))
    result = harvest(inputs=inputs)
    assert (result.offers, reasons(result)) == ((), {"OLD": code})
    assert result.refused[0].until == until
    assert result.refused[0].explanation.endswith("Until 2026-06-20.")


def bought_elsewhere(quantity: str, day: int, *, permanent: bool = False) -> Purchase:
    at = datetime(2026, 5, day, 15, tzinfo=UTC)
    return Purchase("OLD", D(quantity), at, 9, 9, permanent)


def with_purchase(inputs: HarvestInputs, purchase: Purchase) -> HarvestInputs:
    (new, old) = inputs.account.securities
    lots = tuple(replace(lot, washable=min(lot.quantity, purchase.quantity)) for lot in old.lots)
    securities = (new, replace(old, lots=lots))
    account = replace(inputs.account, securities=securities, purchases=(purchase,))
    return replace(inputs, account=account)


def test_a_loss_that_the_household_washed_already_is_not_offered(to_harvest: Harvested) -> None:
    inputs = with_purchase(
        to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]}), bought_elsewhere("100", 20)
    )
    result = harvest(inputs=inputs)
    assert (result.offers, reasons(result)) == ((), {"OLD": "washed"})
    # Bought on 20 May: its 30th day after is 19 June.
    assert result.refused[0].until == date(2026, 6, 19)


def test_of_a_loss_washed_in_part_only_the_rest_counts(to_harvest: Harvested) -> None:
    inputs = with_purchase(to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]}), bought_elsewhere("10", 20))
    (offer,) = harvest(inputs=inputs).offers
    assert (offer.disallowed_loss, offer.loss) == (D("200.21"), D("1801.89"))
    assert offer.tax_now == D("720.76")


def test_an_ira_purchase_would_lose_a_part_for_good(to_harvest: Harvested) -> None:
    inputs = with_purchase(
        to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]}),
        bought_elsewhere("1", 31, permanent=True),
    )
    assert reasons(harvest(inputs=inputs)) == {"OLD": "washed_in_retirement_account"}


def test_the_replacement_is_never_substantially_identical(to_harvest: Harvested) -> None:
    table = ONE_LOSS.replace("NEW price 100", "NEW price 100 group OLD")
    inputs = to_harvest(table, alike={"OLD": ["NEW"]})
    assert reasons(harvest(inputs=inputs)) == {"OLD": "no_replacement"}
    table += "OTHER price 25 spread 5\n"
    (offer,) = harvest(inputs=to_harvest(table, alike={"OLD": ["NEW", "OTHER"]})).offers
    assert offer.replacement is not None
    assert offer.replacement.symbol == "OTHER"
    assert [(row.symbol, row.reason) for row in offer.passed_over] == [
        ("NEW", "substantially_identical")
    ]


def test_a_blocked_candidate_is_passed_over_with_its_reason(to_harvest: Harvested) -> None:
    table = ONE_LOSS.replace("NEW price 100", "NEW price 100 no-buy because wash_sale_window")
    inputs = to_harvest(table + "OTHER price 25\n", alike={"OLD": ["NEW", "OTHER"]})
    (offer,) = harvest(inputs=inputs).offers
    assert [(row.symbol, row.reason) for row in offer.passed_over] == [("NEW", "wash_sale_window")]


def test_without_a_replacement_cash_may_wait_if_asked_for(to_harvest: Harvested) -> None:
    assert reasons(harvest(inputs=to_harvest(ONE_LOSS))) == {"OLD": "not_screened"}
    options = HarvestOptions(without_replacement=True)
    result = harvest(inputs=to_harvest(ONE_LOSS, options=options))
    assert result.offers[0].replacement is None
    assert [row.side for row in result.trades] == ["sell"]


def test_two_losses_do_not_replace_each_other(to_harvest: Harvested) -> None:
    table = """
    ONE price 40 spread 5
      a 100 for 6000 on 2026-01-05
    TWO price 50 spread 5
      b 100 for 9000 on 2026-01-05
    """
    inputs = to_harvest(table, alike={"ONE": ["TWO"], "TWO": ["ONE"]})
    result = harvest(inputs=inputs)
    # TWO brings more, so it is sold and ONE bought for it.
    assert [(row.side, row.symbol) for row in result.trades] == [("sell", "TWO"), ("buy", "ONE")]
    assert reasons(result) == {"ONE": "bought_as_replacement"}


def test_the_second_loss_is_worth_less_after_the_first(
    to_harvest: Harvested, position: TaxPosition
) -> None:
    table = """
    NEW price 100
    ONE price 40 no-fees
      a 100 for 6000 on 2026-01-05
    TWO price 50 no-fees
      b 100 for 7500 on 2026-01-05
    """
    inputs = to_harvest(table, alike={"ONE": ["NEW"], "TWO": ["NEW"]})
    result = harvest(inputs=inputs)
    # 2,500 of TWO first; of the 2,000 of ONE only 500 is left below the limit of 3,000, and the
    # other 1,500 is used next year.
    assert [(row.symbol, row.tax_now, row.tax_carried) for row in result.offers] == [
        ("TWO", D("1000.00"), D("0.00")),
        ("ONE", D("200.00"), D("571.43")),
    ]
    assert result.totals.tax_now == D("1200.00")


def test_one_of_two_identical_securities_is_enough(to_harvest: Harvested) -> None:
    table = """
    NEW price 100
    ONE price 40 group same
      a 100 for 6000 on 2026-01-05
    TWO price 50 group same
      b 100 for 9000 on 2026-01-05
    """
    result = harvest(inputs=to_harvest(table, alike={"ONE": ["NEW"], "TWO": ["NEW"]}))
    assert [row.symbol for row in result.offers] == ["TWO"]
    assert reasons(result) == {"ONE": "group_in_plan"}


def test_whole_shares_are_sold_and_bought_whole(to_harvest: Harvested) -> None:
    table = """
    NEW price 700 whole
    OLD price 40 whole
      a 100.5 for 6030 on 2026-01-05
    """
    result = harvest(inputs=to_harvest(table, alike={"OLD": ["NEW"]}))
    assert [row.quantity for row in result.trades] == [100, 5]
    dear = table.replace("700", "5000")
    refused = harvest(inputs=to_harvest(dear, alike={"OLD": ["NEW"]}))
    assert reasons(refused) == {"OLD": "no_replacement"}


def test_the_stored_texts_give_the_same_answer_to_the_byte(to_harvest: Harvested) -> None:
    inputs = to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]})
    text = result_json(result=harvest(inputs=inputs))
    again = inputs_from_json(text=inputs_json(inputs=inputs))
    assert result_json(result=harvest(inputs=again)) == text
    shuffled = replace(
        inputs,
        account=replace(inputs.account, securities=tuple(reversed(inputs.account.securities))),
    )
    assert result_json(result=harvest(inputs=shuffled)) == text
    assert result_json(result=stored_harvest(text)) == text


@pytest.mark.parametrize(
    "options",
    [
        HarvestOptions(minimum_benefit=D(-1)),
        HarvestOptions(minimum_benefit_percentage=D(101)),
        HarvestOptions(horizon_years=51),
        HarvestOptions(brokerage_fee=D("NaN")),
    ],
)
def test_options_out_of_range_are_refused(to_harvest: Harvested, options: HarvestOptions) -> None:
    with pytest.raises(InvalidInput) as refused:
        harvest(inputs=to_harvest(ONE_LOSS, options=options))
    assert refused.value.code == "setting_out_of_range"


def test_a_blocked_purchase_of_the_original_is_no_obstacle_to_its_sale(
    to_harvest: Harvested,
) -> None:
    inputs = to_harvest(ONE_LOSS, alike={"OLD": ["NEW"]})
    new, old = inputs.account.securities
    blocked = replace(old, buy_block=Block("wash_sale_window", date(2026, 6, 10)))
    account = replace(inputs.account, securities=(new, blocked))
    assert len(harvest(inputs=replace(inputs, account=account)).offers) == 1
