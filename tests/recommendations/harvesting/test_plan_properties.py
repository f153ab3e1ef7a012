"""What holds for every harvest: money is conserved, nothing is both sold and bought, replays."""

from dataclasses import replace
from decimal import Decimal as D

from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.harvesting.options import HarvestOptions
from recommendations.harvesting.plan import harvest
from recommendations.harvesting.problem import HarvestInputs, inputs_from_json, inputs_json
from recommendations.harvesting.result import result_json
from recommendations.harvesting.tax_value import Loss, tax_value
from tests.effort import examples
from tests.recommendations.harvesting.conftest import POSITION, _inputs

LOT = st.tuples(st.integers(1, 300), st.integers(1, 40_000), st.booleans(), st.integers(0, 50))


@st.composite
def accounts(draw: st.DrawFn) -> HarvestInputs:
    """Up to five securities in up to three groups; some lots are washable in part."""
    count = draw(st.integers(1, 5))
    lines, number = ["REST price 10 spread 3"], 0
    for n in range(count):
        price, group = draw(st.integers(1, 150)), draw(st.integers(0, 2))
        lines.append(f"S{n} price {price} spread {draw(st.integers(0, 30))} group g{group}")
        for quantity, basis, old, washable in draw(st.lists(LOT, max_size=3)):
            day = "2024-01-05" if old else "2026-01-05"
            washed = f" washable {min(washable, quantity)}" if washable else ""
            lines.append(f"l{number} {quantity} for {basis} on {day}{washed}")
            number += 1
    names = [f"S{n}" for n in range(count)]
    gain = draw(st.integers(-8000, 8000))
    return _inputs(
        "\n".join(lines),
        alike={
            name: [*draw(st.permutations([one for one in names if one != name])), "REST"]
            for name in names
        },
        position=replace(POSITION, short_term=D(gain), long_term=D(draw(st.integers(0, 5000)))),
        options=HarvestOptions(
            minimum_benefit=D(draw(st.integers(0, 200))),
            minimum_benefit_percentage=D(draw(st.integers(0, 12))),
            brokerage_fee=D(draw(st.integers(0, 9))),
        ),
    )


@settings(max_examples=examples(80))
@given(inputs=accounts())
def test_every_harvest_keeps_its_word(inputs: HarvestInputs) -> None:
    result = harvest(inputs=inputs)
    options, group = (
        inputs.options,
        {row.symbol: row.identity_group for row in inputs.account.securities},
    )
    sold = {group[row.symbol] for row in result.trades if row.side == "sell"}
    bought = {group[row.symbol] for row in result.trades if row.side == "buy"}
    assert not sold & bought
    assert len(sold) == len(result.offers)
    # Every purchase is paid from its own sale: no trade needs other cash.
    assert result.totals.cash_after >= result.totals.cash_before
    # Each holding has one answer.
    held = {row.symbol for row in inputs.account.securities if row.lots}
    assert sorted(held) == sorted(
        [row.symbol for row in result.offers] + [row.symbol for row in result.refused]
    )
    for offer in result.offers:
        assert offer.net_benefit == (
            offer.tax_now + offer.tax_carried - offer.tax_later - offer.costs
        )
        assert offer.net_benefit > options.minimum_benefit
        assert offer.net_benefit * 100 > options.minimum_benefit_percentage * offer.value
        assert offer.loss == sum(-(lot.gain + lot.disallowed_loss) for lot in offer.lots)
        assert sum(lot.quantity for lot in offer.lots) == offer.quantity


@settings(max_examples=examples(60))
@given(inputs=accounts())
def test_the_offers_add_up_to_the_tax_of_all_of_them(inputs: HarvestInputs) -> None:
    result = harvest(inputs=inputs)
    assert inputs.taxes is not None
    together = tax_value(
        position=inputs.taxes,
        loss=Loss(result.totals.loss_short, result.totals.loss_long),
        options=inputs.options,
        currency="USD",
    )
    assert result.totals.tax_now == together.now
    cents = D("0.01") * (len(result.offers) + 1)
    assert abs(result.totals.tax_carried - together.carried) <= cents
    assert abs(result.totals.tax_later - together.later) <= cents


@settings(max_examples=examples(40))
@given(inputs=accounts())
def test_a_replay_of_any_order_gives_the_same_bytes(inputs: HarvestInputs) -> None:
    text = result_json(result=harvest(inputs=inputs))
    reversed_account = replace(
        inputs.account, securities=tuple(reversed(inputs.account.securities))
    )
    shuffled = replace(
        inputs, account=reversed_account, replacements=tuple(reversed(inputs.replacements))
    )
    stored = inputs_json(inputs=shuffled)
    assert stored == inputs_json(inputs=inputs)
    assert result_json(result=harvest(inputs=inputs_from_json(text=stored))) == text
