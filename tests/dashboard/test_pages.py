"""The pages without a browser: who may open them, what is written, how many queries they take."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.identifiers import uuid7
from jobs.models import Job
from notifications.models import Notice
from recommendations.engine.problem import ENGINE_VERSION
from recommendations.engine.result import Drift, RebalanceResult, Totals, result_json
from recommendations.models import Recommendation
from stores.redis import redis_client
from transactions.models import Account, Transaction

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-password"
PageClient = Callable[[Any], Client]


def own_addresses(account: Any) -> dict[str, str]:
    """Every address below an account, by name."""
    made = {"account_id": account.public_id}
    names = (
        *("transaction_id", "job_id", "recommendation_id", "lot_id", "import_id", "order_id"),
        "reconciliation_id",
    )
    more: dict[str, Any] = {name: uuid7() for name in names} | {"basket": "schwab"}
    from dashboard.urls import urlpatterns

    return {
        route.name: reverse(
            route.name,
            kwargs=made | {name: more[name] for name in more if f":{name}>" in str(route.pattern)},
        )
        for route in urlpatterns
        if "account_id" in str(route.pattern) and route.name
    }


POSTS = {
    "reverse",
    "rebalance",
    "rebalance_cancel",
    "decide",
    "sale_preview",
    "reconciliation_settle",
    "reconciliation_remove",
}
POSTS |= {"sheet_place", "sheet_undo", "orders_undo", "order_fill", "order_cancel"}
POSTS |= {"import_change", "import_commit", "import_remove", "mapping_sample", "harvest_request"}


def test_a_stranger_finds_nothing_and_changes_nothing(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    client = page_client(people.stranger)
    addresses = own_addresses(invest)
    assert len(addresses) > 10
    before = (Transaction.objects.count(), Job.objects.count())
    for name, address in addresses.items():
        answer = client.post(address) if name in POSTS else client.get(address)
        assert answer.status_code == 404, address
        assert b"Harbour" not in answer.content
        assert b"AAA" not in answer.content
    form = {"type": "deposit", "executed_on": "2026-01-05", "amount": "5"}
    assert client.post(addresses["transactions"], form).status_code == 404
    assert client.post(addresses["targets"], {"symbol": "AAA"}).status_code == 404
    assert (Transaction.objects.count(), Job.objects.count()) == before
    assert b"Harbour" not in client.get("/").content


def test_another_accounts_things_are_not_found_below_this_one(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    from transactions.operations import open_account

    other = open_account(
        user=people.owner, name="Other", type="ira", currency="USD", now=timezone.now()
    )
    row = Transaction.objects.filter(account=invest).latest("id")
    client = page_client(people.owner)
    answer = client.post(reverse("reverse", args=[other.public_id, row.public_id]))
    assert answer.status_code == 404
    assert not Transaction.objects.filter(reverses=row).exists()


def test_spouse_and_adviser_see_the_household(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    for user in (people.spouse, people.adviser):
        client = page_client(user)
        assert b"Harbour" in client.get("/").content
        assert client.get(reverse("portfolio", args=[invest.public_id])).status_code == 200


def test_nobody_is_sent_to_the_log_in_and_back(people: Any, invest: Any) -> None:
    client = Client()
    for address in (*own_addresses(invest).values(), "/", "/settings", "/notices", "/about-data"):
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer["Location"] == f"/login?next={address}"
    fragment = client.get("/", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (204, "/login")


@pytest.mark.parametrize(
    ("following", "target"),
    [
        ("/settings", "/settings"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/accounts?page=2", "/accounts?page=2"),
        ("/\\evil.example", "/"),
        ("http://testserver/settings", "/"),
        ("abc", "/"),
        ("logout", "/"),
        ("portfolio", "/"),
        ("", "/"),
    ],
)
def test_the_log_in_leads_only_to_ourselves(owner: Any, following: str, target: str) -> None:
    client = Client()
    form = {"email": "OWNER@ballast.example", "password": PASSWORD, "next": following}
    answer = client.post("/login", form)
    assert (answer.status_code, answer["Location"]) == (302, target)
    again = client.get("/login", {"next": following})  # somebody who is logged in already
    assert (again.status_code, again["Location"]) == (302, target)


def test_a_wrong_password_says_nothing_about_the_address(owner: Any) -> None:
    client = Client()
    answers = [
        client.post("/login", {"email": email, "password": "wrong-wrong-wrong"})
        for email in (owner.email, "nobody@ballast.example")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    for answer in answers:
        assert b"The e-mail address or the password is wrong" in answer.content
    assert client.get("/").status_code == 302


def test_guessing_is_slowed_down(owner: Any) -> None:
    client = Client()
    form = {"email": owner.email, "password": "wrong-wrong-wrong"}
    codes = [client.post("/login", form).status_code for _ in range(12)]
    assert codes[0] == 401
    assert codes[-1] == 429
    right = client.post("/login", {**form, "password": PASSWORD})
    assert right.status_code == 429


def test_an_address_that_leads_nowhere_is_a_page_for_people_and_a_problem_for_programs(
    people: Any, page_client: PageClient
) -> None:
    client = page_client(people.owner)
    page = client.get("/nowhere")
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "<h1>Nothing here</h1>" in page.content.decode()
    assert client.get("/api/v1/nowhere")["Content-Type"] == "application/problem+json"
    assert client.delete("/").status_code == 405


def test_an_adviser_reads_whose_account_it_is(
    people: Any, invest: Any, page_client: PageClient
) -> None:
    assert "Home · Taxable" in page_client(people.adviser).get("/").content.decode()
    assert "Home · Taxable" not in page_client(people.owner).get("/").content.decode()


def test_forms_need_their_token(owner: Any, invest: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    before = Transaction.objects.count()
    address = reverse("transactions", args=[invest.public_id])
    form = {"type": "deposit", "executed_on": "2026-01-05", "amount": "5"}
    answer = client.post(address, form)
    assert answer.status_code == 403
    assert "The form was not accepted" in answer.content.decode()
    assert client.post(reverse("rebalance", args=[invest.public_id])).status_code == 403
    assert Transaction.objects.count() == before
    assert not Job.objects.exists()


def test_registering_twice_makes_one_user(db: None) -> None:
    from identity.models import User

    form = {"full_name": "Nora New", "email": "nora@ballast.example", "password": PASSWORD}
    answers = [Client().post("/register", form) for _ in range(2)]
    assert [answer["Location"] for answer in answers] == ["/welcome", "/"]
    assert User.objects.filter(email="nora@ballast.example").count() == 1
    weak = Client().post("/register", {**form, "email": "weak@ballast.example", "password": "12"})
    assert weak.status_code == 400
    assert not User.objects.filter(email="weak@ballast.example").exists()


def test_a_page_forbids_everything_it_does_not_need(owner: Any, page_client: PageClient) -> None:
    answer = page_client(owner).get("/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "no-store" in answer["Cache-Control"]
    body = answer.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", body)
    assert not re.search(r"\s(style|on\w+)=", body)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"type": "sell", "symbol": "AAA", "quantity": "500", "price": "1"}, "500"),
        ({"type": "buy", "symbol": "AAA", "quantity": "-3", "price": "1"}, "Must be more than 0"),
        ({"type": "buy", "symbol": "AAA", "quantity": "NaN", "price": "1"}, "Enter a number"),
        ({"type": "buy", "symbol": "AAA", "quantity": "1" * 41, "price": "1"}, "40 digits"),
        ({"type": "buy", "symbol": "ZZZ", "quantity": "1", "price": "1"}, "ZZZ is not known"),
        ({"type": "buy", "symbol": "AAA", "price": "1"}, "needs the quantity"),
        ({"type": "deposit"}, "needs the amount"),
        ({"type": "deposit", "amount": "-5"}, "Must be more than 0"),
        ({"type": "deposit", "amount": "5", "executed_on": "2999-01-01"}, "future"),
        ({"type": "deposit", "amount": "5", "executed_on": "1900-01-01"}, "1950"),
        ({"type": "gift", "amount": "5"}, "not one of the available choices"),
    ],
)
def test_a_wrong_transaction_is_refused_at_its_field_and_not_written(
    owner: Any, invest: Any, page_client: PageClient, form: dict[str, str], words: str
) -> None:
    before = list(Transaction.objects.values_list("id", flat=True))
    answer = page_client(owner).post(
        reverse("transactions", args=[invest.public_id]), {"executed_on": "2026-06-01", **form}
    )
    assert 400 <= answer.status_code < 500
    assert words in answer.content.decode()
    assert b'aria-invalid="true"' in answer.content or b'role="alert"' in answer.content
    assert list(Transaction.objects.values_list("id", flat=True)) == before
    invest.refresh_from_db()
    assert invest.cash == Decimal(3300)


def test_a_form_sent_twice_is_recorded_once(
    owner: Any, invest: Any, page_client: PageClient
) -> None:
    client = page_client(owner)
    address = reverse("transactions", args=[invest.public_id])
    page = client.get(address).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key
    form = {"type": "deposit", "executed_on": "2026-06-01", "amount": "5", "key": key[1]}
    before = Transaction.objects.count()
    assert [client.post(address, form).status_code for _ in range(2)] == [302, 302]
    assert Transaction.objects.count() == before + 1
    changed = client.post(address, {**form, "amount": "6"})
    assert changed.status_code == 422
    assert Transaction.objects.count() == before + 1


def test_a_note_cannot_carry_markup(owner: Any, invest: Any, page_client: PageClient) -> None:
    client = page_client(owner)
    address = reverse("transactions", args=[invest.public_id])
    note = "<script>alert(1)</script>"
    form = {"type": "deposit", "executed_on": "2026-06-01", "amount": "5", "note": note}
    assert client.post(address, form).status_code == 302
    body = client.get(address).content.decode()
    assert note not in body
    assert "&lt;script&gt;" in body


def test_the_list_of_transactions_pages_by_key(
    owner: Any, invest: Any, page_client: PageClient
) -> None:
    from transactions.ledger.entries import Entry
    from transactions.operations import record

    now = timezone.now()
    same = [Entry(type="deposit", executed_at=now, currency="USD", amount=Decimal(1))] * 70
    record(account=invest, entries=same, user=owner, now=now)
    client = page_client(owner)
    address = reverse("transactions", args=[invest.public_id])
    seen, cursor = 0, ""
    for _ in range(3):
        body = client.get(address, {"cursor": cursor}).content.decode()
        seen += body.count('<tr class="row">')
        found = re.search(r'href="\?cursor=([^"]+)"', body)
        if not found:
            break
        cursor = found[1].replace("%3A", ":")
    assert seen == Transaction.objects.count() == 74
    assert client.get(address, {"cursor": "not-ours"}).status_code == 400


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("AAA", "60", "5"), ("CASH", "30", "5")], "sum to 90"),
        ([("AAA", "abc", "5"), ("CASH", "100", "5")], "percentages from 0 to 100"),
        ([("AAA", "-10", "5"), ("CASH", "110", "5")], "percentages from 0 to 100"),
        ([("AAA", "50", "5"), ("AAA", "50", "5")], "appear twice: AAA"),
        ([("ZZZ", "100", "5")], "These symbols are not known: ZZZ"),
        ([("AAA", "33.33333", "5"), ("CASH", "66.66667", "5")], "at most four decimals"),
    ],
)
def test_wrong_targets_leave_the_old_ones(
    owner: Any,
    invest: Any,
    page_client: PageClient,
    rows: list[tuple[str, str, str]],
    words: str,
) -> None:
    from portfolios.models import Target

    before = list(Target.objects.order_by("id").values_list("id", "target_percentage"))
    columns = dict(zip(("symbol", "target", "threshold"), zip(*rows, strict=True), strict=True))
    answer = page_client(owner).post(
        reverse("targets", args=[invest.public_id]),
        {name: list(values) for name, values in columns.items()} | {"action": "save"},
    )
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert list(Target.objects.order_by("id").values_list("id", "target_percentage")) == before


def test_an_account_without_targets_is_not_rebalanced(
    people: Any, account: Any, page_client: PageClient
) -> None:
    client = page_client(people.owner)
    answer = client.post(reverse("rebalance", args=[account.public_id]), follow=True)
    assert "The account has no targets. Set them before rebalancing." in answer.content.decode()
    assert not Job.objects.exists()


def test_pressing_rebalance_twice_makes_one_job_that_can_be_cancelled(
    owner: Any, invest: Any, page_client: PageClient
) -> None:
    client = page_client(owner)
    address = reverse("rebalance", args=[invest.public_id])
    one, two = (client.post(address)["Location"] for _ in range(2))
    assert one == two
    assert Job.objects.count() == 1
    page = client.get(one).content.decode()
    assert 'role="progressbar"' in page
    assert client.get(f"{one}/progress").status_code == 200
    assert "Canceled" in client.post(f"{one}/cancel", follow=True).content.decode()
    assert Job.objects.get().status == "cancelled"


def test_a_decision_needs_a_word_we_know(owner: Any, invest: Any, page_client: PageClient) -> None:
    from recommendations.engine.options import Options
    from recommendations.operations import request_rebalance

    job = request_rebalance(account=invest, options=Options(), user=owner, now=timezone.now())
    row = Recommendation.objects.create(
        account=invest,
        job=job,
        kind="rebalance",
        engine_version=ENGINE_VERSION,
        inputs="{}",
        result=RESULT,
        created_at=timezone.now(),
    )
    client = page_client(owner)
    address = reverse("recommendation", args=[invest.public_id, row.public_id])
    assert client.get(address).status_code == 200
    assert client.post(f"{address}/decision", {"decision": "maybe"}).status_code == 400
    row.refresh_from_db()
    assert row.status == "proposed"
    client.post(f"{address}/decision", {"decision": "rejected"})
    late = client.post(f"{address}/decision", {"decision": "approved"}, follow=True)
    assert "already rejected" in late.content.decode()
    row.refresh_from_db()
    assert row.status == "rejected"


NOTHING = Drift(Decimal("0.1"), Decimal(1), Decimal(1), Decimal(1), Decimal(1), ())
RESULT = result_json(
    result=RebalanceResult(
        engine_version=ENGINE_VERSION,
        account_id="account",
        as_of=date(2026, 11, 20),
        currency="USD",
        trades=(),
        skipped=(),
        before=NOTHING,
        after=NOTHING,
        totals=Totals(*([Decimal(0)] * 10)),
        optimality_gap_bps=Decimal("0.1"),
    )
)


def test_settings_are_rates_in_percent(owner: Any, page_client: PageClient) -> None:
    client = page_client(owner)
    form = {
        "full_name": "Olga",
        "base_currency": "EUR",
        "federal_ordinary_rate": "32.5",
        "federal_long_term_rate": "15",
        "state_rate": "0",
        "net_investment_income_rate": "3.8",
    }
    assert client.post("/settings", form).status_code == 302
    owner.refresh_from_db()
    assert (owner.federal_ordinary_rate, owner.base_currency) == (Decimal("0.325"), "EUR")
    assert 'value="32.5"' in client.get("/settings").content.decode()
    assert client.post("/settings", {**form, "state_rate": "101"}).status_code == 400
    owner.refresh_from_db()
    assert owner.state_rate == 0


def test_notices_are_ones_own_and_are_read_by_a_post(people: Any, page_client: PageClient) -> None:
    for user in (people.owner, people.stranger):
        Notice.objects.create(
            user=user,
            topic="rebalance_complete",
            title=f"For {user.email}",
            dedup_key="one",
            created_at=timezone.now(),
        )
    client = page_client(people.owner)
    body = client.get("/notices").content.decode()
    assert "For owner@" in body
    assert "For stranger@" not in body
    assert Notice.objects.filter(read_at=None).count() == 2
    client.post("/notices")
    assert list(Notice.objects.filter(read_at=None).values_list("user", flat=True)) == [
        people.stranger.pk
    ]


def _queries(client: Client, address: str) -> int:
    redis_client().flushdb()
    client.get(address)  # sessions and permissions are remembered after the first look
    redis_client().delete(*(redis_client().keys("positions:*") or ["none"]))
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_pages_ask_as_often_for_one_row_as_for_many(
    owner: Any, invest: Any, assets: Any, page_client: PageClient
) -> None:
    from marketdata.models import Asset, LatestPrice
    from transactions.ledger.entries import Entry
    from transactions.operations import open_account, record

    now = timezone.now()
    client = page_client(owner)
    own = reverse("portfolio", args=[invest.public_id])
    addresses = ["/", own, f"{own}/transactions", f"{own}/targets", f"{own}/lots?symbol=AAA"]
    addresses += [f"{own}/gains"]
    before = [_queries(client, address) for address in addresses]

    more = Asset.objects.bulk_create(
        Asset(symbol=f"M{n:03}", name=f"More {n}", asset_class="equity", currency="USD")
        for n in range(150)
    )
    LatestPrice.objects.bulk_create(
        LatestPrice(asset=asset, price=Decimal(3), as_of=now, source="test") for asset in more
    )
    accounts = [
        open_account(user=owner, name=f"A{n}", type="ira", currency="EUR", now=now)
        for n in range(20)
    ]
    for one in [invest, *accounts[:3]]:
        record(
            account=one,
            entries=[
                Entry(
                    type="buy",
                    executed_at=now,
                    currency="USD",
                    symbol=asset.symbol,
                    quantity=Decimal(1),
                    price=Decimal(3),
                )
                for asset in more
            ],
            user=owner,
            now=now,
        )
    assert Account.objects.for_user(owner).count() == 21
    after = [_queries(client, address) for address in addresses]
    # The overview meets a second currency now: one look-up of rates, however many pairs.
    assert after[0] <= before[0] + 1
    assert after[1:] == before[1:]
    body = client.get(own).content.decode()
    assert body.count('data-symbol="') == 101  # a page of 100, and cash
    assert "Page 1 of 2" in body
