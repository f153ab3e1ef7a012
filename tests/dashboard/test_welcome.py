"""The first steps: a sign-up that logs in, a file before its account, samples that go again."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from identity.models import User
from portfolios.models import Target
from portfolios.operations import samples
from portfolios.samples.plans import AccountPlan, Sale, Wish
from transactions.models import Account, Import, Transaction, WashSalePolicy

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-password"
PageClient = Callable[[Any], Client]
FORM = {"full_name": "Nora New", "email": "nora@ballast.example", "password": PASSWORD}
SCHWAB = (
    '"Date","Action","Symbol","Description","Quantity","Price","Fees & Comm","Amount"\n'
    '"06/03/2024","MoneyLink Transfer","","Tfr","","","","$5000.00"\n'
    '"06/04/2024","Buy","AAA","AAA INC","10","$50.00","","-$500.00"\n'
)


def newcomer() -> tuple[Client, User]:
    client = Client()
    assert client.post("/register", FORM)["Location"] == "/welcome"
    return client, User.objects.get(email=FORM["email"])


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch, assets: Any, history: None) -> None:
    """A sample of the one security that has closes here."""
    plan = AccountPlan(
        "", "Sample", "taxable", "USD", ((600, 9000),), (Wish("AAA", "60", 60),),
        (Sale(90, "AAA", "0.5"),),
    )  # fmt: skip
    monkeypatch.setattr(samples, "SAMPLES", (plan,))
    monkeypatch.setattr(samples, "_PRICED_MIN", 1)


def test_a_sign_up_logs_in_and_leads_through_three_screens(assets: Any) -> None:
    client, user = newcomer()
    assert client.get("/welcome").status_code == 200
    sent = {"base_currency": "EUR", "taxed_in": "us"}
    assert client.post("/welcome", sent)["Location"] == "/welcome/data"
    file = SimpleUploadedFile("Roth IRA.csv", SCHWAB.encode())
    answer = client.post("/welcome/data", {"file": file, "format": "", "pasted": ""})
    account, batch = Account.objects.get(owner=user), Import.objects.get()
    own = f"/accounts/{account.public_id}/imports/{batch.public_id}"
    assert (answer.status_code, answer["Location"]) == (302, f"{own}/account")
    # The file says the type and the currency, whatever the totals are counted in.
    assert (account.type, account.currency, batch.ready_count) == ("roth_ira", "USD", 2)
    assert b'value="roth_ira" selected' in client.get(f"{own}/account").content
    stated = {"name": "Mine", "type": "taxable", "currency": "USD"}
    assert client.post(f"{own}/account", stated)["Location"] == own
    account.refresh_from_db()
    assert (account.name, account.type) == ("Mine", "taxable")
    client.post(f"{own}/commit")
    assert Transaction.objects.filter(account=account).count() == 2
    refused = client.post(f"{own}/account", {**stated, "currency": "EUR"})
    account.refresh_from_db()
    assert (refused.status_code, account.currency) == (409, "USD")
    assert "has transactions" in refused.content.decode()


def test_a_file_that_is_refused_opens_no_account(db: None) -> None:
    client, _ = newcomer()
    file = SimpleUploadedFile("a.csv", b"  ")
    answer = client.post("/welcome/data", {"file": file, "format": "", "pasted": ""})
    assert answer.status_code == 400
    assert not Account.objects.exists()
    assert not Import.objects.exists()


def test_somebody_elses_address_is_not_entered_and_nothing_changes(owner: Any) -> None:
    client = Client()
    form = {**FORM, "email": owner.email, "password": "another-good-password"}
    assert client.post("/register", form)["Location"] == "/login"
    assert client.get("/")["Location"].startswith("/login")
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_a_known_address_with_a_second_factor_still_asks_for_it(
    owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.pages.access.has_second_factor", lambda user: True)
    client = Client()
    answer = client.post("/register", {**FORM, "email": owner.email})
    assert answer["Location"] == "/login/second"
    assert client.get("/")["Location"].startswith("/login")


def test_taxed_elsewhere_means_no_wash_sales_and_no_rates(db: None) -> None:
    client, user = newcomer()
    client.post("/welcome", {"base_currency": "EUR", "taxed_in": "elsewhere"})
    user.refresh_from_db()
    assert (user.base_currency, user.federal_ordinary_rate) == ("EUR", Decimal(0))
    assert WashSalePolicy.objects.get(household=user.household).enabled is False


def test_a_sample_comes_and_goes_and_never_stands_beside_own_accounts(sample: None) -> None:
    client, user = newcomer()
    assert client.post("/sample/load")["Location"] == "/"
    (account,) = Account.objects.filter(household=user.household)
    assert account.is_sample
    assert Transaction.objects.filter(account=account, type="sell").exists()
    assert "This is sample data" in client.get("/").content.decode()
    form = {"name": "Own", "type": "taxable", "currency": "USD", "lot_method": "fifo"}
    refused = client.post("/accounts/new", form)
    assert (refused.status_code, Account.objects.count()) == (409, 1)
    assert "Remove it first" in refused.content.decode()
    assert client.post("/sample/load").status_code == 409
    assert client.post("/sample/remove")["Location"] == "/welcome/data"
    assert not Account.objects.filter(household=user.household).exists()
    assert not Target.objects.filter(account=account).exists()
    assert client.get(f"/accounts/{account.public_id}").status_code == 404
    assert client.post("/accounts/new", form).status_code == 302
    assert client.post("/sample/load").status_code == 409
    assert client.post("/sample/remove").status_code == 404
    assert Account.objects.filter(household=user.household).count() == 1


def test_a_sample_of_others_is_not_removed(
    sample: None, people: Any, page_client: PageClient
) -> None:
    page_client(people.owner).post("/sample/load")
    for person in (people.stranger, people.adviser):
        assert page_client(person).post("/sample/remove").status_code == 404
    assert Account.objects.filter(household=people.owner.household, is_sample=True).count() == 1


def test_without_prices_there_is_no_sample(assets: Any) -> None:
    client, _ = newcomer()
    assert b"does not have yet" in client.get("/welcome/data").content
    assert client.post("/sample/load").status_code == 409
    assert not Account.objects.exists()


def test_the_first_steps_stay_until_each_is_done(
    people: Any, assets: Any, account: Any, page_client: PageClient, quote: Callable[..., None]
) -> None:
    from portfolios.operations import TargetWeight, set_targets
    from transactions.ledger.entries import Entry
    from transactions.operations import record

    client, now = page_client(people.owner), timezone.now()
    quote(AAA="50")

    def count() -> str:
        page = client.get("/").content.decode()
        return page.partition('small quiet">')[2][:6] if "First steps" in page else "gone"

    bought = Entry("buy", now - timedelta(days=9), "USD", "AAA", Decimal(2), Decimal(40))
    paid = Entry("deposit", now - timedelta(days=10), "USD", amount=Decimal(500))
    record(account=account, entries=[paid, bought], user=people.owner, now=now)
    assert count() == "3 of 5"
    set_targets(account=account, weights=[TargetWeight("AAA", Decimal(100), Decimal(2))])
    assert count() == "4 of 5"
    rates = ("federal_ordinary_rate", "federal_long_term_rate", "state_rate")
    sent = {"full_name": "O", "base_currency": "USD", "net_investment_income_rate": "0"}
    client.post("/settings", sent | dict.fromkeys(rates, "20"))
    assert count() == "gone"


def test_the_first_steps_can_be_put_away(
    people: Any, account: Any, page_client: PageClient
) -> None:
    client = page_client(people.owner)
    assert "First steps" in client.get("/").content.decode()
    client.post("/welcome/steps/close")
    assert "First steps" not in client.get("/").content.decode()
    assert "First steps" in page_client(people.spouse).get("/").content.decode()
