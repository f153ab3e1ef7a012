"""What a loss is worth, by hand: netting, the limit, losses carried, the tax that comes back."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.tax_value import Loss, TaxPosition, TaxValue, tax_value

# 1.05^-10 = 0.613913254; the long-term rate is 20 %, so 122.78 of every 1,000 comes back.


def value(
    position: TaxPosition, short: str, long: str = "0", options: HarvestOptions | None = None
) -> TaxValue:
    return tax_value(
        position=position,
        loss=Loss(D(short), D(long)),
        options=options or HarvestOptions(),
        currency="USD",
    )


def test_without_gains_a_loss_saves_tax_on_income(position: TaxPosition) -> None:
    found = value(position, "1000")
    assert found == TaxValue(D("400.00"), D("0.00"), D("122.78"))
    assert found.net == D("277.22")


def test_a_short_term_loss_offsets_a_short_term_gain_first(position: TaxPosition) -> None:
    position = replace(position, short_term=D(600), long_term=D(5000))
    # 600 at 40 % and the other 400 against the long side at 20 %.
    assert value(position, "1000").now == D("320.00")


def test_a_loss_that_only_offsets_long_term_gains_keeps_the_time_value(
    position: TaxPosition,
) -> None:
    found = value(replace(position, long_term=D(5000)), "1000")
    assert (found.now, found.net) == (D("200.00"), D("77.22"))


def test_a_long_term_loss_offsets_long_term_gains_before_short_term_ones(
    position: TaxPosition,
) -> None:
    position = replace(position, short_term=D(2000), long_term=D(700))
    # 700 at 20 %, then 300 of the short side at 40 %.
    assert value(position, "0", "1000").now == D("260.00")


def test_above_the_limit_a_loss_is_carried_and_used_year_by_year(position: TaxPosition) -> None:
    found = value(position, "10000")
    # 3,000 now; 3,000, 3,000 and 1,000 in the next years at 40 %, each a year further away:
    # 1,142.857 + 1,088.435 + 345.535.
    assert found == TaxValue(D("1200.00"), D("2576.83"), D("1227.83"))


def test_losses_carried_in_are_used_before_this_one(position: TaxPosition) -> None:
    found = value(replace(position, carried_short=D(9000)), "3000")
    # The limit of this year and the next two belong to the 9,000: this one is used in year three.
    assert found.now == D("0.00")
    assert found.carried == D("1036.61")  # 1,200 / 1.05^3


def test_what_the_horizon_does_not_reach_counts_as_nothing(position: TaxPosition) -> None:
    found = value(position, "10000", options=HarvestOptions(horizon_years=1))
    assert found.carried == D("1142.86")
    assert found.later == D("1904.76")  # 2,000 / 1.05


def test_a_return_in_another_currency_has_its_limit_in_that(position: TaxPosition) -> None:
    position = replace(position, currency="EUR", fx_rate=D("0.5"), loss_limit=D(1000))
    # 4,000 dollars are 2,000 euro: 1,000 now, worth 400 euro or 800 dollars.
    found = value(position, "4000")
    assert (found.now, found.carried) == (D("800.00"), D("761.90"))


@pytest.mark.parametrize("short", ["0", "1", "2999.99", "50000"])
def test_two_losses_are_worth_what_both_are_together(position: TaxPosition, short: str) -> None:
    position = replace(position, short_term=D(1500), long_term=D(800), carried_long=D(200))
    first, second = Loss(D(short), D(400)), Loss(D(700), D(3000))
    options = HarvestOptions()
    one = tax_value(position=position, loss=first, options=options, currency="USD")
    then = tax_value(position=position.after(first), loss=second, options=options, currency="USD")
    both = tax_value(
        position=position,
        loss=Loss(first.short_term + second.short_term, first.long_term + second.long_term),
        options=options,
        currency="USD",
    )
    assert one.now + then.now == both.now
    assert abs(one.net + then.net - both.net) <= D("0.02")
