"""Every kind of corporate action with figures from published examples, or worked by hand here.

Pub. 550    IRS Publication 550, Investment Income and Expenses
Pub. 17     IRS Publication 17, chapter on dividends: its example of nondividend distributions
8937        terms that an issuer stated on Form 8937
"""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from typing import Any

import pytest
from django.utils import timezone

from marketdata.models import Asset
from marketdata.operations import confirm_for_everyone
from tests.transactions.actions.conftest import follow
from transactions.models import Disposal

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(ledgers: Any, people: Any) -> Any:
    return ledgers.account(people.owner)


@pytest.fixture(autouse=True)
def _right(ledgers: Any) -> Any:
    """After each test, every derived row follows from the transactions."""
    yield
    ledgers.ensure_right()


def gains(account: Any) -> list[tuple[D, D, D, bool]]:
    """Units, proceeds, basis and term of every disposal, in order."""
    rows = Disposal.objects.filter(account=account).order_by("transaction_id", "part")
    return [
        (row.quantity.normalize() + 0, row.proceeds, row.cost_basis, row.long_term) for row in rows
    ]


def test_pub_550_a_stock_dividend_divides_the_basis_of_each_lot(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """Two shares, for 30 and 45 dollars; two new ones for each held: three at 10, three at 15."""
    ledgers.trade(account, "buy", "2019-03-01", "1", "30")
    ledgers.trade(account, "buy", "2021-03-01", "1", "45")
    confirmed("stock_dividend", "2024-06-10", "2:1")
    assert ledgers.lots(account) == [("2019-03-01", D(3), D(30)), ("2021-03-01", D(3), D(45))]


def test_pub_550_rights_take_the_part_of_the_basis_that_is_elected(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """100 shares at 22 dollars, 10 rights worth 3 dollars, shares at 30: 30/3,030 of 2,200."""
    ledgers.trade(account, "buy", "2023-03-01", "100", "2200")
    share = (D(30) * 100 / D(3030)).quantize(D("0.00000001"))
    confirmed("rights_issue", "2024-06-10", "1:10", new_symbol="BBB", basis_percentage=share)
    assert ledgers.lots(account) == [("2023-03-01", D(100), D("2178.22"))]
    assert ledgers.lots(account, "BBB") == [("2023-03-01", D(10), D("21.78"))]


def test_rights_have_no_basis_without_an_election(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """Worth less than 15 % of the shares, they have none (IRC 307(b)(1))."""
    ledgers.trade(account, "buy", "2023-03-01", "100", "2200")
    confirmed("rights_issue", "2024-06-10", "1:10", new_symbol="BBB")
    assert ledgers.lots(account) == [("2023-03-01", D(100), D(2200))]
    assert ledgers.lots(account, "BBB") == [("2023-03-01", D(10), D(0))]


def test_pub_17_a_return_of_capital_beyond_the_basis_is_gain(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """Bought for 100; 80 come back, then 30: 20 more of basis and a long-term gain of 10."""
    ledgers.trade(account, "buy", "2014-03-03", "10", "100")
    confirmed("return_of_capital", "2017-06-12", cash_per_share=D(8))
    assert ledgers.lots(account) == [("2014-03-03", D(10), D(20))]
    assert gains(account) == []
    confirmed("return_of_capital", "2024-06-10", cash_per_share=D(3))
    assert ledgers.lots(account) == [("2014-03-03", D(10), D(0))]
    assert gains(account) == [(D(0), D(10), D(0), True)]
    account.refresh_from_db()
    assert account.cash == D(-100) + D(80) + D(30)


def test_capital_that_comes_back_after_the_sale_is_gain_of_the_year_of_payment(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """Held at the ex-day, sold, paid in January: 60.00 on basis 0 (IRC 301(c)(3))."""
    ledgers.trade(account, "buy", "2023-03-01", "100", "2000")
    ledgers.trade(account, "sell", "2023-12-20", "100", "1900")
    confirmed(
        "return_of_capital",
        "2023-12-15",
        cash_per_share=D("0.60"),
        payment_date=date(2024, 1, 10),
    )
    assert gains(account) == [(D(100), D(1900), D(2000), False), (D(0), D(60), D(0), False)]
    assert [str(row.closed_date) for row in Disposal.objects.order_by("id")] == [
        "2023-12-20",
        "2024-01-10",
    ]


def test_8937_a_spin_off_moves_its_part_of_the_basis_and_pays_the_fraction(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """0.241917 of the child for each share and 23.48 % of the basis (AT&T, April 2022).

    100 shares for 3,000.00: 24.1917 of the child with 704.40. The fraction 0.1917 has a basis of
    704.40 * 0.1917 / 24.1917 = 5.58 and brings 0.1917 * 24.43 = 4.68.
    """
    ledgers.trade(account, "buy", "2021-03-01", "100", "3000")
    confirmed(
        "spin_off",
        "2022-04-11",
        "0.241917",
        new_symbol="BBB",
        basis_percentage=D("23.48"),
        cash_in_lieu_price=D("24.43"),
    )
    assert ledgers.lots(account) == [("2021-03-01", D(100), D("2295.60"))]
    assert ledgers.lots(account, "BBB") == [("2021-03-01", D(24), D("698.82"))]
    assert gains(account) == [(D("0.1917"), D("4.68"), D("5.58"), True)]


def test_the_fraction_is_one_of_the_shares_received_not_of_those_held_before(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """2.5 of the child with 100.00 of basis come to 10.5 bought long before: 0.5 of those are paid.

    The half has 100.00 / 5 = 20.00 of basis and the parent's dates; what was held stays.
    """
    ledgers.trade(account, "buy", "2019-03-01", "10.5", "2100", symbol="BBB")
    ledgers.trade(account, "buy", "2024-01-02", "10", "1000")
    confirmed(
        "spin_off",
        "2024-06-10",
        "1:4",
        new_symbol="BBB",
        basis_percentage=D(10),
        cash_in_lieu_price=D(70),
    )
    assert gains(account) == [(D("0.5"), D(35), D(20), False)]
    assert ledgers.lots(account, "BBB") == [
        ("2019-03-01", D("10.5"), D(2100)),
        ("2024-01-02", D(2), D(80)),
    ]


def test_events_of_one_day_follow_each_other(ledgers: Any, account: Any, confirmed: Any) -> None:
    """100 shares become 10 in the morning; one of the child for each 4 are 2.5, the half paid."""
    ledgers.trade(account, "buy", "2022-03-01", "100", "1000")
    confirmed("split", "2024-06-10", "1:10")
    confirmed(
        "spin_off",
        "2024-06-10",
        "1:4",
        new_symbol="BBB",
        basis_percentage=D(20),
        cash_in_lieu_price=D(70),
    )
    assert ledgers.lots(account) == [("2022-03-01", D(10), D(800))]
    assert ledgers.lots(account, "BBB") == [("2022-03-01", D(2), D(160))]
    assert gains(account) == [(D("0.5"), D(35), D(40), True)]


def test_a_merger_for_shares_keeps_basis_and_dates_and_pays_the_fraction(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """577 shares at 1:4 are 144.25; the quarter has 0.25 / 144.25 of 5,770.00: 10.00."""
    ledgers.trade(account, "buy", "2022-03-01", "577", "5770")
    confirmed("merger", "2024-06-10", "1:4", new_symbol="BBB", cash_in_lieu_price=D(50))
    assert ledgers.lots(account) == []
    assert ledgers.lots(account, "BBB") == [("2022-03-01", D(144), D(5760))]
    assert gains(account) == [(D("0.25"), D("12.50"), D(10), True)]


def test_a_merger_for_cash_is_a_sale(ledgers: Any, account: Any, confirmed: Any) -> None:
    ledgers.trade(account, "buy", "2022-03-01", "100", "5000")
    ledgers.trade(account, "buy", "2024-03-01", "50", "3000")
    confirmed("merger", "2024-06-10", cash_per_share=D("54.20"))
    assert gains(account) == [(D(100), D(5420), D(5000), True), (D(50), D(2710), D(3000), False)]
    assert ledgers.lots(account) == []


def test_8937_cash_beside_shares_is_gain_lot_by_lot_up_to_the_cash(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """0.131292 shares worth 979.50 and 68.26 in cash for each share (VMware, November 2023).

    Each 100 shares receive 6,826.00 and 13.1292 shares worth 12,860.05, together 19,686.05:

        basis  9,000   gain 10,686.05, recognized 6,826.00, basis of the new shares  9,000.00
        basis 15,000   gain  4,686.05, recognized 4,686.05, new 15,000 - 6,826 + 4,686.05
        basis 25,000   loss 5,313.95, not recognized,       new 25,000 - 6,826
    """
    for year, basis in (("2020", "9000"), ("2021", "15000"), ("2023", "25000")):
        ledgers.trade(account, "buy", f"{year}-03-01", "100", basis)
    confirmed(
        "merger",
        "2023-11-22",
        "0.131292",
        new_symbol="BBB",
        cash_per_share=D("68.26"),
        new_share_value=D("979.50"),
    )
    assert gains(account) == [
        (D(0), D(6826), D(0), True),
        (D(0), D(6826), D("2139.95"), True),
        (D(0), D(6826), D(6826), False),
    ]
    assert ledgers.lots(account, "BBB") == [
        ("2020-03-01", D("13.1292"), D(9000)),
        ("2021-03-01", D("13.1292"), D("12860.05")),
        ("2023-03-01", D("13.1292"), D(18174)),
    ]


def test_the_fraction_beside_cash_and_shares_is_sold_with_its_own_basis(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """10 shares of 1,000.00 at 0.25: 2.5 new ones of 200.00 and 10.00 cash for each share.

    600.00 is received, a loss of 400.00: nothing is recognized, and 900.00 of basis is left. Half a
    share has 900 / 5 = 180.00 of it and is paid 100.00.
    """
    ledgers.trade(account, "buy", "2022-03-01", "10", "1000")
    confirmed(
        "merger",
        "2024-06-10",
        "0.25",
        new_symbol="BBB",
        cash_per_share=D(10),
        new_share_value=D(200),
        cash_in_lieu_price=D(200),
    )
    assert gains(account) == [(D(0), D(100), D(100), True), (D("0.5"), D(100), D(180), True)]
    assert ledgers.lots(account, "BBB") == [("2022-03-01", D(2), D(720))]


def test_the_fraction_beside_cash_and_shares_is_not_one_of_shares_held_before(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """Ten of 1,000.00 become 2.5 with 900.00, three of 600.00 become 0.75 with 570.00: no gain.

    Of the 3.25 received a quarter is paid 50.00, from the older lot: 900 / 10 = 90.00 of basis. The
    five bought before stay.
    """
    ledgers.trade(account, "buy", "2019-03-01", "5", "500", symbol="BBB")
    ledgers.trade(account, "buy", "2022-03-01", "10", "1000")
    ledgers.trade(account, "buy", "2023-03-01", "3", "600")
    confirmed(
        "merger",
        "2024-06-10",
        "0.25",
        new_symbol="BBB",
        cash_per_share=D(10),
        new_share_value=D(200),
        cash_in_lieu_price=D(200),
    )
    assert gains(account)[-1] == (D("0.25"), D(50), D(90), True)
    assert ledgers.lots(account, "BBB") == [
        ("2019-03-01", D(5), D(500)),
        ("2022-03-01", D("2.25"), D(810)),
        ("2023-03-01", D("0.75"), D(570)),
    ]


def test_a_liquidation_recovers_the_basis_first_and_ends_with_a_gain_or_a_loss(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """Two blocks of 100 shares, for 500.00 and 2,000.00; 6.00 a share, then 3.00 as the last.

    The first block recovers 500.00 and gains 100.00, then 300.00. The second recovers 600.00; the
    last payment leaves a loss of 2,000 - 600 - 300 = 1,100.00 (IRC 331, Pub. 550).
    """
    ledgers.trade(account, "buy", "2020-03-02", "100", "500")
    ledgers.trade(account, "buy", "2021-03-01", "100", "2000")
    confirmed("liquidation", "2023-06-12", cash_per_share=D(6))
    assert gains(account) == [(D(0), D(100), D(0), True)]
    assert ledgers.lots(account) == [("2020-03-02", D(100), D(0)), ("2021-03-01", D(100), D(1400))]
    confirmed("liquidation", "2024-06-10", cash_per_share=D(3), final=True)
    assert gains(account)[1:] == [(D(100), D(300), D(0), True), (D(100), D(300), D(1400), True)]
    assert ledgers.lots(account) == []


def test_a_worthless_share_is_lost_on_the_last_day_of_the_year(
    ledgers: Any, account: Any, announce: Any, people: Any
) -> None:
    """Bought in July, worthless in March: on December 31 it is long-term (IRC 165(g))."""
    ledgers.trade(account, "buy", "2023-07-03", "100", "700")
    action = announce("delisting", "2024-03-15")
    confirm_for_everyone(action=action, user=people.operator, now=timezone.now())
    assert follow(action, now=datetime(2024, 6, 1, tzinfo=UTC)) == []  # the year is not over
    assert gains(account) == []
    assert follow(action) == [True]
    assert gains(account) == [(D(100), D(0), D(700), True)]
    assert [str(row.closed_date) for row in Disposal.objects.all()] == ["2024-12-31"]
    assert ledgers.lots(account) == []


def test_cash_in_lieu_that_comes_later_sells_the_fraction_that_an_event_left(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    """33 shares of 3,300.00 became 49.5; the half is paid 40.00 and has a basis of 33.33."""
    ledgers.trade(account, "buy", "2023-03-01", "33", "3300")
    confirmed("split", "2024-06-10", "3:2")
    confirmed(
        "cash_in_lieu", "2024-06-10", cash_in_lieu_price=D(80), payment_date=date(2024, 6, 28)
    )
    assert gains(account) == [(D("0.5"), D(40), D("33.33"), True)]
    assert ledgers.lots(account) == [("2023-03-01", D(49), D("3266.67"))]


def test_a_symbol_change_moves_lots_and_dates(ledgers: Any, account: Any, confirmed: Any) -> None:
    ledgers.trade(account, "buy", "2023-03-01", "33", "3300")
    confirmed("symbol_change", "2024-06-10", new_symbol="BBB")
    assert ledgers.lots(account) == []
    assert ledgers.lots(account, "BBB") == [("2023-03-01", D(33), D(3300))]


def test_cash_is_converted_at_the_rate_of_the_day_and_the_account_s_currency(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    """A dollar payment into a euro account: 100 * 1.00 dollars at 1.25 are 80.00 euro."""
    from transactions.ledger.entries import Entry

    account = ledgers.account(people.owner, "Euro", currency="EUR")
    bought = Entry(
        "buy",
        datetime(2023, 3, 1, 15, tzinfo=UTC),
        "USD",
        "AAA",
        D(100),
        amount=D(1000),
    )
    ledgers.write(account, bought)
    confirmed("return_of_capital", "2024-06-10", cash_per_share=D(1))
    account.refresh_from_db()
    assert account.cash == D(-800) + D(80)
    assert ledgers.lots(account) == [("2023-03-01", D(100), D(720))]


def test_accounts_that_choose_lots_by_name_take_part(
    ledgers: Any, people: Any, confirmed: Any
) -> None:
    account = ledgers.account(people.owner, "Named", lot_method="specific")
    ledgers.trade(account, "buy", "2023-03-01", "33", "3300")
    confirmed("split", "2024-06-10", "3:2")
    confirmed("cash_in_lieu", "2024-06-10", cash_in_lieu_price=D(80))
    assert ledgers.lots(account) == [("2023-03-01", D(49), D("3266.67"))]
    confirmed("delisting", "2024-08-01")
    assert ledgers.lots(account) == []


def test_an_inactive_security_still_has_its_events(
    ledgers: Any, account: Any, confirmed: Any
) -> None:
    ledgers.trade(account, "buy", "2023-03-01", "10", "100")
    Asset.objects.filter(symbol="AAA").update(is_active=False)
    confirmed("liquidation", "2024-06-10", cash_per_share=D(3), final=True)
    assert gains(account) == [(D(10), D(30), D(100), True)]
