"""The problem's JSON and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.errors import InvalidInput
from recommendations.engine.problem import (
    Purchase,
    RebalanceInputs,
    ensure_valid,
    inputs_from_json,
    inputs_json,
)

AccountTable = Callable[..., RebalanceInputs]

TABLE = """
cash 1000.50 target 10 band 1
A target 90 band 5 price 100 spread 2 group us no-buy until 2026-06-30
  a 40 for 2000 on 2020-01-01
"""


def test_the_canonical_json_is_this_text(account: AccountTable) -> None:
    bought = Purchase("us", Decimal("1.50"), datetime(2026, 5, 20, 15, tzinfo=UTC), 3, 2, False)
    assert inputs_json(inputs=replace(account(TABLE), purchases=(bought,))) == (
        '{"account_id":"account","as_of":"2026-06-01","cash":"1000.5","cash_floor":"0",'
        '"cash_target_weight":"0.1","cash_threshold":"0.01","currency":"USD",'
        '"earlier_acquired_count":true,"engine_version":"rebalance-5","left_out":[],"purchases":[{"group":"us",'
        '"opened_at":"2026-05-20T15:00:00+00:00","order":3,"permanent":false,"purchase":2,'
        '"quantity":"1.5"}],"securities":[{"asset_id":"a","buy_block":{"code":"restricted",'
        '"until":"2026-06-30"},"currency":null,"fee_market":"US","fractional":true,"fx_rate":"1",'
        '"half_spread_bp":"2","identity_group":"us","lots":[{"bought":false,"cost_basis":"2000",'
        '"holding_period_date":"2020-01-01","lot_id":"a","opened_at":null,'
        '"opened_date":"2020-01-01","order":0,"piece":0,"purchase":-1,"quantity":"40",'
        '"replaces_loss":false,"washable":"0"}],"price":"100","price_source":"live","quote":null,"sell_block":null,"symbol":"A",'
        '"target_weight":"0.9","threshold":"0.05","wash_sales":true}],"settings":{'
        '"brokerage_fee":"0","drift_penalty":"0.1","long_term_rate":"0.2","loss_harvesting":true,'
        '"minimum_trade":"0","short_term_rate":"0.4","whole_shares":false}}'
    )


def test_trailing_zeros_do_not_change_the_text(account: AccountTable) -> None:
    longer = account(TABLE.replace("1000.50", "1000.5000").replace("price 100", "price 100.00"))
    assert inputs_json(inputs=longer) == inputs_json(inputs=account(TABLE))


def test_an_unknown_field_is_refused(account: AccountTable) -> None:
    text = inputs_json(inputs=account(TABLE))
    with pytest.raises(TypeError):
        inputs_from_json(text=text.replace('"currency"', '"colour":"red","currency"'))
    with pytest.raises(TypeError):
        inputs_from_json(text=text.replace('"quantity"', '"amount"'))
    with pytest.raises(KeyError):
        inputs_from_json(text=text.replace('"buy_block"', '"block"'))


REFUSALS: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "targets that do not make a whole": (
        "targets_not_whole",
        {"cash_target_weight": Decimal("0.2")},
        {},
        {},
    ),
    "a target above one": ("weight_out_of_range", {}, {"target_weight": Decimal("1.1")}, {}),
    "a band below zero": ("weight_out_of_range", {}, {"threshold": Decimal("-0.01")}, {}),
    "a holding without a price": ("price_missing", {}, {"price": None}, {}),
    "a price of zero": ("price_missing", {}, {"price": Decimal(0)}, {}),
    "a price that is no number": ("price_missing", {}, {"price": Decimal("Infinity")}, {}),
    "a spread of half the price": (
        "setting_out_of_range",
        {},
        {"half_spread_bp": Decimal(5000)},
        {},
    ),
    "a negative floor": ("setting_out_of_range", {"cash_floor": Decimal(-1)}, {}, {}),
    "cash that is no number": ("setting_out_of_range", {"cash": Decimal("Infinity")}, {}, {}),
    "a rate above one": ("setting_out_of_range", {}, {}, {"short_term_rate": Decimal(2)}),
    "a negative minimum": ("setting_out_of_range", {}, {}, {"minimum_trade": Decimal(-1)}),
}


@pytest.mark.parametrize(
    ("code", "account_change", "security_change", "setting_change"),
    REFUSALS.values(),
    ids=REFUSALS.keys(),
)
def test_a_problem_without_a_right_answer_is_refused_by_its_code(
    code: str,
    account_change: dict[str, Any],
    security_change: dict[str, Any],
    setting_change: dict[str, Any],
    account: AccountTable,
) -> None:
    inputs = account(TABLE)
    ensure_valid(inputs=inputs)
    changed = replace(
        inputs,
        securities=(replace(inputs.securities[0], **security_change),),
        settings=replace(inputs.settings, **setting_change),
        **account_change,
    )
    with pytest.raises(InvalidInput) as refusal:
        ensure_valid(inputs=changed)
    assert refusal.value.code == code


def test_a_security_listed_twice_is_refused(account: AccountTable) -> None:
    inputs = account(TABLE)
    with pytest.raises(InvalidInput) as refusal:
        ensure_valid(inputs=replace(inputs, securities=inputs.securities * 2))
    assert refusal.value.code == "duplicate_security"


@pytest.mark.parametrize(
    "change", [{"quantity": Decimal(0)}, {"quantity": Decimal(-1)}, {"cost_basis": Decimal(-1)}]
)
def test_an_empty_or_negative_lot_is_refused(change: dict[str, Any], account: AccountTable) -> None:
    inputs = account(TABLE)
    security = inputs.securities[0]
    lots = (replace(security.lots[0], **change),)
    with pytest.raises(InvalidInput) as refusal:
        ensure_valid(inputs=replace(inputs, securities=(replace(security, lots=lots),)))
    assert refusal.value.code == "lot_not_positive"
