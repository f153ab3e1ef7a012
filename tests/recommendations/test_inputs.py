"""What the engine is told of a household: blocks of wash sales, young lots, groups, rates, days."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from marketdata.identity_groups import connected
from marketdata.models import Asset, LatestPrice
from portfolios.operations import Rule, TargetWeight, set_restrictions, set_targets
from recommendations.engine.options import Options
from recommendations.engine.problem import RebalanceInputs, Security
from recommendations.queries import rebalance_inputs
from transactions.ledger.entries import Entry
from transactions.models import Account
from transactions.operations import open_account, record, reverse
from transactions.operations.policies import set_policy

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 31, 15, tzinfo=UTC)
Trade = Callable[..., Any]


def before(days: int, hour: int = 15) -> datetime:
    return (NOW - timedelta(days=days)).replace(hour=hour)


@pytest.fixture
def home(people: Any, assets: Any) -> dict[str, Account]:
    """A taxable account of each spouse and an IRA, all wanting half AAA and half BBB."""
    made = {}
    for name, owner, kind in [
        ("mine", people.owner, "taxable"),
        ("hers", people.spouse, "taxable"),
        ("ira", people.owner, "ira"),
    ]:
        made[name] = open_account(user=owner, name=name, type=kind, currency="USD", now=NOW)
        want(made[name], AAA="50", BBB="50")
    return made


def want(account: Account, **weights: str) -> None:
    set_targets(
        account=account,
        weights=[TargetWeight(symbol, D(share), D(5)) for symbol, share in weights.items()],
    )


@pytest.fixture
def trade(home: dict[str, Account], people: Any) -> Trade:
    def trade(
        account: str, side: str, quantity: str, price: str, at: datetime, symbol: str = "AAA"
    ) -> Any:
        entry = Entry(side, at, "USD", symbol, D(quantity), D(price))
        (row,) = record(account=home[account], entries=[entry], user=people.owner, now=NOW)
        return row

    return trade


def inputs(account: Account, now: datetime = NOW) -> RebalanceInputs:
    account.refresh_from_db()
    return rebalance_inputs(account=account, options=Options(), now=now)


def security(account: Account, symbol: str = "AAA", now: datetime = NOW) -> Security:
    return next(row for row in inputs(account, now).securities if row.symbol == symbol)


@pytest.mark.parametrize("account", ["mine", "hers", "ira"])
def test_a_loss_blocks_purchases_everywhere_until_day_thirty(
    home: dict[str, Account], trade: Trade, account: str
) -> None:
    trade("hers", "buy", "10", "60", before(200))
    trade("hers", "sell", "10", "50", before(30))
    block = security(home[account]).buy_block
    assert block is not None
    assert (block.code, block.until) == ("wash_sale_window", NOW.date())
    tomorrow = NOW + timedelta(days=1)
    assert security(home[account], now=tomorrow).buy_block is None
    assert security(home[account], "BBB").buy_block is None


def test_the_day_of_a_sale_is_its_trade_date(home: dict[str, Account], trade: Trade) -> None:
    trade("mine", "buy", "10", "60", before(200))
    new_york_evening = datetime.fromisoformat("2026-02-28T20:30:00-05:00")  # 1 March in UTC
    trade("mine", "sell", "10", "50", new_york_evening)
    row = home["mine"].disposals.get()
    assert row.closed_at.astimezone(UTC).date().isoformat() == "2026-03-01"
    assert row.closed_date.isoformat() == "2026-02-28"
    block = security(home["mine"], now=NOW - timedelta(days=1)).buy_block
    assert block is not None
    assert block.until == (NOW - timedelta(days=1)).date()  # the 30th day after 28 February
    assert security(home["mine"]).buy_block is None


def test_a_gain_blocks_nothing_and_a_loss_in_an_ira_neither(
    home: dict[str, Account], trade: Trade
) -> None:
    trade("mine", "buy", "10", "40", before(200))
    trade("mine", "sell", "10", "50", before(3))
    trade("ira", "buy", "10", "60", before(200), "BBB")
    trade("ira", "sell", "10", "50", before(3), "BBB")
    assert security(home["mine"]).buy_block is None
    assert security(home["mine"], "BBB").buy_block is None


def test_one_losing_lot_among_winners_blocks(home: dict[str, Account], trade: Trade) -> None:
    trade("mine", "buy", "10", "10", before(300))
    trade("mine", "buy", "1", "60", before(200))
    trade("mine", "sell", "11", "50", before(3))
    assert security(home["mine"]).buy_block is not None


def test_a_reversed_loss_no_longer_blocks_but_another_one_does(
    home: dict[str, Account], trade: Trade, people: Any
) -> None:
    trade("mine", "buy", "10", "60", before(200))
    first = trade("mine", "sell", "5", "50", before(20))
    second = trade("mine", "sell", "5", "50", before(10))
    reverse(original=second, user=people.owner, now=NOW)
    block = security(home["mine"]).buy_block
    assert block is not None
    assert block.until == (NOW + timedelta(days=10)).date()
    reverse(original=first, user=people.owner, now=NOW)
    assert security(home["mine"]).buy_block is None


def test_another_household_is_another_taxpayer(
    home: dict[str, Account], people: Any, assets: Any
) -> None:
    other = open_account(user=people.stranger, name="x", type="taxable", currency="USD", now=NOW)
    entries = [
        Entry("buy", before(200), "USD", "AAA", D(10), D(60)),
        Entry("sell", before(3), "USD", "AAA", D(10), D(50)),
    ]
    record(account=other, entries=entries, user=people.stranger, now=NOW)
    assert security(home["mine"]).buy_block is None


def own(home: dict[str, Account], symbol: str, like: Asset | None) -> Asset:
    asset = Asset.objects.create(
        symbol=symbol,
        name=symbol,
        asset_class="etf",
        currency="USD",
        household_id=home["mine"].household_id,
        substantially_identical_to=like,
    )
    LatestPrice.objects.create(asset=asset, price=D(10), as_of=NOW, source="own")
    return asset


@pytest.mark.parametrize("sold", ["AAA", "LIKEA", "LIKELIKEA"])
@pytest.mark.parametrize("asked", ["AAA", "LIKEA", "LIKELIKEA"])
def test_a_group_is_one_security_in_every_direction(
    home: dict[str, Account], trade: Trade, assets: Any, sold: str, asked: str
) -> None:
    like = own(home, "LIKEA", assets["AAA"])
    own(home, "LIKELIKEA", like)
    want(home["ira"], AAA="25", LIKEA="25", LIKELIKEA="25", BBB="25")
    trade("mine", "buy", "10", "60", before(200), sold)
    trade("mine", "sell", "10", "50", before(10), sold)
    assert security(home["ira"], asked).buy_block is not None
    assert security(home["ira"], "BBB").buy_block is None
    assert len({row.identity_group for row in inputs(home["ira"]).securities}) == 2


def test_groups_end_where_the_links_end_even_in_a_circle() -> None:
    assert connected(links=[(1, 2), (2, 3)]) == {1: 1, 2: 1, 3: 1}
    assert connected(links=[(7, 5), (5, 6), (6, 5)]) == {5: 5, 6: 5, 7: 5}
    assert connected(links=[(8, 8)]) == {8: 8}


def washable(account: Account) -> list[D]:
    """By lot, oldest first: shares whose loss, taken now, would be washed."""
    lots = security(account).lots
    return [lot.washable for lot in sorted(lots, key=lambda lot: (lot.opened_date, lot.order))]


def test_a_single_young_lot_may_be_sold_at_a_loss_but_not_beside_another(
    home: dict[str, Account], trade: Trade
) -> None:
    trade("mine", "buy", "10", "60", before(30))
    assert washable(home["mine"]) == [0]
    trade("mine", "buy", "1", "60", before(200))
    assert washable(home["mine"]) == [1, 0]


def test_a_lot_of_thirty_one_days_replaces_nothing(home: dict[str, Account], trade: Trade) -> None:
    trade("mine", "buy", "10", "60", before(200))
    trade("hers", "buy", "1", "60", before(31))
    assert washable(home["mine"]) == [0]
    trade("hers", "buy", "1", "60", before(30, hour=0))
    assert washable(home["mine"]) == [1]


def test_a_purchase_in_an_ira_replaces_and_one_sold_again_does_not(
    home: dict[str, Account], trade: Trade, people: Any
) -> None:
    trade("mine", "buy", "10", "60", before(200))
    bought = trade("ira", "buy", "1", "55", before(9))
    assert washable(home["mine"]) == [1]
    assert washable(home["ira"]) == [0]  # nothing is taxed there
    sale = trade("ira", "sell", "1", "56", before(3))
    assert washable(home["mine"]) == [0]
    reverse(original=sale, user=people.owner, now=NOW)
    assert washable(home["mine"]) == [1]
    reverse(original=bought, user=people.owner, now=NOW)
    assert washable(home["mine"]) == [0]


def stated(
    people: Any,
    *,
    enabled: bool = True,
    employer_plan_counts: bool = True,
    crypto_exempt: bool = True,
) -> None:
    """The household's reading of the wash-sale rules."""
    set_policy(
        user=people.owner,
        household_id=None,
        enabled=enabled,
        earlier_acquired_count=True,
        holding_period="add_days",
        employer_plan_counts=employer_plan_counts,
        crypto_exempt=crypto_exempt,
        now=NOW,
    )


def test_what_the_policy_exempts_blocks_nothing(
    home: dict[str, Account], trade: Trade, people: Any
) -> None:
    Asset.objects.filter(symbol="AAA").update(asset_class="crypto")
    for symbol in ("AAA", "BBB"):
        trade("mine", "buy", "10", "60", before(200), symbol)
        trade("mine", "sell", "5", "50", before(9), symbol)
        trade("ira", "buy", "1", "55", before(40), symbol)
    assert security(home["mine"]).buy_block is None  # crypto is exempt by default
    assert not security(home["mine"]).wash_sales
    assert security(home["mine"], "BBB").buy_block is not None
    stated(people, crypto_exempt=False)
    assert security(home["mine"]).buy_block is not None
    stated(people, enabled=False)
    assert security(home["mine"], "BBB").buy_block is None
    assert not security(home["mine"], "BBB").wash_sales


def test_a_loss_that_is_replaced_in_full_blocks_nothing(
    home: dict[str, Account], trade: Trade
) -> None:
    trade("mine", "buy", "10", "60", before(200))
    trade("mine", "sell", "10", "50", before(20))
    trade("hers", "buy", "4", "50", before(10))
    block = security(home["mine"]).buy_block
    assert block is not None  # six shares still wait
    assert block.until == (NOW + timedelta(days=10)).date()
    trade("hers", "buy", "6", "50", before(9))
    assert security(home["mine"]).buy_block is None


def test_a_plan_whose_purchases_do_not_count_may_buy(
    home: dict[str, Account], trade: Trade, people: Any
) -> None:
    plan = open_account(user=people.owner, name="plan", type="401k", currency="USD", now=NOW)
    want(plan, AAA="50", BBB="50")
    trade("mine", "buy", "10", "60", before(200))
    trade("mine", "sell", "10", "50", before(9))
    assert security(plan).buy_block is not None
    stated(people, employer_plan_counts=False)
    assert security(plan).buy_block is None
    assert security(home["mine"]).buy_block is not None


def test_fees_follow_the_market_an_asset_is_listed_in(
    home: dict[str, Account], people: Any, assets: Any
) -> None:
    Asset.objects.filter(symbol="AAA").update(exchange="XNYS")
    Asset.objects.filter(symbol="BBB").update(exchange="XPHS", currency="PHP")
    assert security(home["mine"]).fee_market == "US"
    assert security(home["mine"]).fx_rate == 1
    assert security(home["mine"], "BBB").fee_market == ""
    euro = open_account(user=people.owner, name="euro", type="taxable", currency="EUR", now=NOW)
    want(euro, AAA="50", EEE="50")
    assert security(euro).fee_market == "US"
    dollars = security(euro)
    assert dollars.fx_rate == D("0.8")  # a euro is 1.25 dollars
    assert (dollars.currency, dollars.quote, dollars.price) == ("USD", D(50), D(40))
    assert security(euro, "EEE").fee_market == ""


def test_each_spouse_is_taxed_at_her_own_rates_and_an_ira_at_none(
    home: dict[str, Account], trade: Trade, people: Any
) -> None:
    people.spouse.federal_ordinary_rate = D("0.37")
    people.spouse.state_rate = D("0.05")
    people.spouse.net_investment_income_rate = D("0.038")
    people.spouse.save()
    rates = {
        name: (found.short_term_rate, found.long_term_rate)
        for name, found in ((name, inputs(account).settings) for name, account in home.items())
    }
    assert rates == {
        "mine": (D("0.24"), D("0.15")),
        "hers": (D("0.458"), D("0.238")),
        "ira": (D(0), D(0)),
    }


def test_a_restriction_stands_until_its_day_has_passed(home: dict[str, Account]) -> None:
    set_restrictions(account=home["mine"], rules=[Rule("AAA", "no_buy", NOW.date())])
    assert security(home["mine"]).buy_block is not None
    assert security(home["mine"]).sell_block is None
    assert security(home["mine"], now=NOW + timedelta(days=1)).buy_block is None
