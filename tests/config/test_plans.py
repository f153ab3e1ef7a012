"""The hot queries over filled tables: none reads a large table from end to end.

The SQL is captured as the real querysets and operations send it; nothing is copied.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from bench.scale import seed
from dashboard.household_advice import marks
from identity.models import User
from identity.operations.users import end_everything
from jobs import operations as jobs
from jobs.models import Job
from marketdata.models import Asset, CorporateAction
from monitoring.checks import work
from notifications.operations import mark_all_read
from notifications.queries import unread_count
from recommendations.models import Recommendation
from recommendations.operations import run_rebalance
from stores.redis import redis_client
from tests.config import notes, notified
from tests.config.conftest import OF_VENDORS
from tests.config.fitted_models import allocations
from tests.config.notified import own_data_archive
from tests.config.plan_town import ACCOUNTS, BEFORE, FILL, HOLDINGS
from tests.config.published import hidden_strategy
from transactions.models import Account, Import, Reconciliation
from transactions.operations.verification import verified
from transactions.queries import open_pieces, wash_windows

pytestmark = pytest.mark.django_db

# Filled far enough that an index pays for every lookup below.
LARGE = {
    *notes.LARGE,
    *notified.LARGE,
    "marketdata_ownprice",
    "identity_household",
    "identity_user",
    "identity_tokenfamily",
    "identity_invitation",
    "identity_adviserlink",
    "jobs_job",
    "jobs_outbox",
    "jobs_idempotencykey",
    "marketdata_asset",
    "marketdata_latestprice",
    "marketdata_yearofcloses",
    "portfolios_target",
    "portfolios_restriction",
    "recommendations_recommendation",
    "transactions_account",
    "transactions_disposal",
    "transactions_holding",
    "transactions_lot",
    "transactions_order",
    "transactions_transaction",
    "transactions_washsale",
}


@dataclass(frozen=True)
class Town:
    """A filled database and one household in the middle of it."""

    user: User
    account: Account
    operator: User


@pytest.fixture(scope="module")
def town(django_db_setup: None, django_db_blocker: Any) -> Iterator[Town]:
    """Fill a town once for all tests of the file, outside their transactions, and empty it."""
    with django_db_blocker.unblock():
        try:
            yield _filled_town()
        finally:
            call_command("flush", interactive=False, verbosity=0)


def _filled_town() -> Town:
    with connection.cursor() as cursor:
        # No audit trail of the filling, no foreign keys checked row by row.
        cursor.execute("SET session_replication_role = replica; SET statement_timeout = 0")
        # A busy machine may take longer than the client would wait for an answer.
        patience_s, connection.connection.answer_s_max = connection.connection.answer_s_max, None
        cursor.execute(BEFORE)
        made = seed(accounts=ACCOUNTS, holdings=HOLDINGS, tag="plans", now=timezone.now())
        cursor.execute(notified.FILL)
        cursor.execute(notes.FILL)
        cursor.execute(FILL)
        connection.connection.answer_s_max = patience_s
        cursor.execute("RESET session_replication_role; RESET statement_timeout")
    user_id, _, account_id = made.members[ACCOUNTS // 2]
    operator = User.objects.create_superuser(email="ops@ballast.example", password=None)
    user = User.objects.get(pk=user_id)
    own_data_archive(user)
    return Town(user, Account.objects.get(public_id=account_id), operator)


class Plans:
    """The large tables that the plans of captured statements read from end to end."""

    def __init__(self) -> None:
        self.statements = 0
        self.sizes = _sizes()
        self.walks: dict[str, list[str]] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        with CaptureQueriesContext(connection) as asked:
            yield
        for query in asked.captured_queries:
            # The audit trail sets its context in front of some statements.
            sql = _CONTEXT.sub("", query["sql"].strip())
            if sql.split(None, 1)[0].upper() in {"SELECT", "UPDATE", "DELETE", "WITH"}:
                self._explain(name, sql)

    def _explain(self, name: str, sql: str) -> None:
        self.statements += 1
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (FORMAT JSON) " + sql)
            (plan,) = cursor.fetchone()
        plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
        for walk in _walks(plan, self.sizes, limited=False):
            self.walks.setdefault(name, []).append(f"{walk} BY {sql[:2000]}")


_CONTEXT = re.compile(r"^SELECT set_config\(.*?\);\s*", re.DOTALL)
# Nodes that read all rows below them before they return the first.
_GREEDY = ("Sort", "Hash", "Aggregate", "Materialize", "Unique", "ModifyTable", "SetOp")


_SCANS = ("Seq Scan", "Index Scan", "Index Only Scan")


def _walks(node: dict[str, Any], sizes: dict[str, int], *, limited: bool) -> Iterator[str]:
    """Return scans of large tables that no index condition and no partial index narrows down.

    A scan that a LIMIT stops is fine as long as at least a quarter of the rows it reads is wanted.
    """
    kind, table = node["Node Type"], node.get("Relation Name", "")
    limited = (limited or kind == "Limit") and kind not in _GREEDY
    open_scan = kind in _SCANS and "Index Cond" not in node and table in LARGE
    if open_scan and sizes.get(node.get("Index Name", ""), 0) >= 0:
        wanted = "Filter" not in node or node["Plan Rows"] * 4 >= sizes[table]
        if not (limited and wanted):
            yield f"{kind} {table} {node.get('Filter', '')}"
    for child in node.get("Plans", ()):
        yield from _walks(child, sizes, limited=limited)


def _sizes() -> dict[str, int]:
    """Return the planner's estimate of every table's rows; partial indexes count as -1."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, CASE WHEN indpred IS NULL THEN reltuples ELSE -1 END::bigint"
            "  FROM pg_class LEFT JOIN pg_index ON indexrelid = pg_class.oid"
        )
        sizes = dict(cursor.fetchall())
    assert all(sizes[table] >= 200 for table in LARGE), {name: sizes[name] for name in LARGE}
    return sizes


@pytest.fixture
def plans(town: Town) -> Plans:
    redis_client().flushdb()
    cache.clear()
    return Plans()


def import_of(town: Town) -> Import:
    """Return an import without recorded rows, so that its routes have something to read."""
    found = Import.objects.filter(account=town.account).first()
    return found or Import.objects.create(
        account=town.account, created_at=timezone.now(), created_by=town.user
    )


def reconciliation_of(town: Town) -> Reconciliation:
    """Return a comparison of the household, so that its route has something to read."""
    found = Reconciliation.objects.filter(account=town.account).first()
    return found or Reconciliation.objects.create(
        account=town.account,
        created_at=timezone.now(),
        created_by=town.user,
        kind="holdings",
        format="ofx",
        from_date=timezone.now().date(),
        to_date=timezone.now().date(),
        ledger_version=0,
        result={"unreadable": []},
    )


def action_of(town: Town) -> CorporateAction:
    """Return a split of the household's own, so that its route has something to read."""
    asset = town.account.transactions.filter(asset__isnull=False).earliest("id").asset
    assert asset is not None
    return CorporateAction.objects.create(
        asset=asset,
        household_id=town.user.household_id,
        kind="split",
        ex_date=timezone.now().date(),
        ratio_new=2,
        ratio_old=1,
        currency="USD",
        source="person",
        proposed_by=town.user,
        proposed_at=timezone.now(),
    )


def routes_of(town: Town) -> Iterator[tuple[str, str]]:
    """Return every list and item the household can read, by name."""
    account, user = town.account, town.user
    job = Job.objects.filter(subject_id=account.public_id, status="completed").earliest("id")
    ids = {
        "account_id": account.public_id,
        "transaction_id": account.transactions.earliest("id").public_id,
        "job_id": job.public_id,
        "recommendation_id": account.recommendations.earliest("id").public_id,
        "webhook_id": user.webhooks.earliest("id").public_id,
        "strategy_id": hidden_strategy(user, 3).public_id,
        "note_id": user.household.notes.earliest("id").public_id,
        "notice_id": user.notices.earliest("id").public_id,
        "symbol": "SCALE0001",
        "lot_id": account.transactions.filter(type="buy").earliest("id").public_id,
        "import_id": import_of(town).public_id,
        "reconciliation_id": reconciliation_of(town).public_id,
        "action_id": action_of(town).public_id,
        "order_id": account.orders.earliest("id").public_id,
        "model_id": allocations(user, 1).public_id,
        "file_format": "ballast",
        "tax_file_format": "txf",
    }
    generator: Any = SchemaGenerator
    for path, methods in generator().get_schema(request=None, public=True)["paths"].items():
        if "get" in methods and methods["get"]["operationId"] not in OF_VENDORS:
            known = {"symbols": "SCALE0001", "base": "EUR", "quote": "USD"}
            taken = [item["name"] for item in methods["get"].get("parameters", ())]
            query = "&".join(f"{name}={known[name]}" for name in taken if name in known)
            yield methods["get"]["operationId"], f"{path.format(**ids)}?{query}"


@pytest.mark.usefixtures("compiled_engine")
def test_no_reading_route_walks_a_large_table(town: Town, plans: Plans, client_of: Any) -> None:
    client = client_of(town.user)
    for name, url in routes_of(town):
        with plans.of(name):
            answer = client.get(url)
            assert answer.status_code == 200, (name, answer.content)
        if cursor := answer.json().get("next_cursor") if "json" in answer["Content-Type"] else None:
            with plans.of(f"{name}, next page"):
                assert client.get(f"{url}&cursor={cursor}").status_code == 200
    account_id = town.account.public_id
    for name, url in {
        "transactions of an account": f"transactions?account_id={account_id}",
        "transactions of a symbol": f"transactions?account_id={account_id}&symbol=SCALE0001",
        "transactions with a word": f"transactions?account_id={account_id}&q=dividend",
        "recommendations of an account": f"recommendations?account_id={account_id}",
        "open orders of an account": f"orders?account_id={account_id}&state=placed,partly_filled",
        "unread notices": "notifications?unread=1",
        "notes with a word": "notes?q=dividend",
        "notes on an account": f"notes?subject_type=account&subject_id={account_id}",
        "lots of a symbol": f"portfolios/{account_id}/lots?symbol=SCALE0001&closed=1",
    }.items():
        with plans.of(name):
            assert client.get(f"/api/v1/{url}").status_code == 200
    assert plans.statements > 40
    assert plans.walks == {}


def test_no_page_of_holdings_walks_a_large_table(town: Town, plans: Plans) -> None:
    pages = Client()
    pages.force_login(town.user)
    held = town.account.holdings.select_related("asset").earliest("asset_id").asset.symbol
    for address in ("/holdings?sort=-income&group=class", f"/assets/{held}", "/income"):
        with plans.of(address):
            assert pages.get(address).status_code == 200
    assert plans.statements > 20
    assert plans.walks == {}


def test_no_write_walks_a_large_table(town: Town, plans: Plans, client_of: Any) -> None:
    client, account = client_of(town.user), town.account
    held = account.holdings.select_related("asset").earliest("asset_id").asset.symbol
    base = f"/api/v1/portfolios/{account.public_id}"
    sale = {
        "account_id": str(account.public_id),
        "type": "sell",
        "symbol": held,
        "quantity": "1",
        "price": "20",
        "executed_at": "2025-02-03T15:00:00Z",
    }
    body = {"name": "New", "type": "ira", "currency": "USD"}
    cash = [{"symbol": "CASH", "target_percentage": "100"}]
    rule = [{"symbol": held, "kind": "no_buy"}]
    key = {"Idempotency-Key": "plans"}
    with plans.of("open an account"):
        assert client.post("/api/v1/accounts", body, headers=key).status_code == 201
    with plans.of("record a sale"):
        made = client.post("/api/v1/transactions", sale)
        assert made.status_code == 201, made.content
    with plans.of("record a sale before another"):
        back = sale | {"executed_at": "2025-01-03T15:00:00Z"}
        assert client.post("/api/v1/transactions", back).status_code == 201
    with plans.of("reverse"):
        reverse = client.post(f"/api/v1/transactions/{made.json()['id']}/reverse", {})
        assert reverse.status_code == 201
    with plans.of("restrictions"):
        assert client.put(f"{base}/restrictions", rule).status_code == 200
    with plans.of("ask for a rebalance"):
        job_id = client.post(f"{base}/rebalance", {}).json()["job_id"]
    job = Job.objects.get(public_id=job_id)
    with plans.of("claim"):
        assert (held_job := jobs.claim(job_id=job.pk)) is not None
    with plans.of("progress"):
        jobs.report_progress(claim=held_job, percent=10)
    with plans.of("rebalance"):
        run_rebalance(claim=held_job, now=timezone.now())
    with plans.of("approve"):
        decided = Recommendation.objects.get(job=job)
        client.post(f"/api/v1/recommendations/{decided.public_id}/approve")
    notified.deliver_some(plans, town.user)
    with plans.of("mark all read"):
        mark_all_read(user=town.user, now=timezone.now())
    with plans.of("targets"):
        assert client.put(f"{base}/targets", cash).status_code == 200
    assert plans.walks == {}


def test_no_upkeep_walks_a_large_table(town: Town, plans: Plans) -> None:
    now = timezone.now()
    with plans.of("unread"):
        assert unread_count(user=town.user) == 3
    with plans.of("sweep"):
        woken, _ = jobs.sweep(now=now)
        assert woken > 0
    with plans.of("forget"):
        jobs.forget_old_keys(now=now)
    with plans.of("wash windows"):
        wash_windows(household_ids=[town.account.household_id], as_of=now.date())
    with plans.of("open lots"):
        open_pieces(accounts={town.account.pk: town.account})
    with plans.of("disposals of a year"):
        year = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
        list(town.account.disposals.filter(closed_at__range=year).order_by("closed_at", "id"))
    with plans.of("token families"):
        end_everything(user_id=town.user.pk, now=now)
    with plans.of("marks of the advice"):
        assert marks(household=town.account.household, now=now)
    with plans.of("doctor"):
        for look in (work.queues, work.dead_letters, work.nightly, work.ledger):
            assert list(look())
    with plans.of("verify"):
        next(verified(after_household_id=town.account.household_id, batch=5))
    assert plans.walks == {}


TERMS = {"uuid": str(uuid4()), "e-mail": "neighbour77@ballast.example", "word": "SCALE0001"}


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model.__name__)
def test_no_list_or_search_of_an_operator_walks_a_large_table(
    town: Town, plans: Plans, client: Any, model: Any
) -> None:
    client.force_login(town.operator)
    url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    with plans.of("list"):
        assert client.get(url).status_code == 200
    if model is not Asset:  # marketdata's own test searches assets, over names worth a search
        for name, term in TERMS.items():
            with plans.of(f"search by {name}"):
                assert client.get(url, {"q": term}).status_code == 200
    page = client.get(url).context["cl"]
    for spec in page.filter_specs:
        for choice in spec.choices(page):
            query = choice["query_string"]
            with plans.of(f"filter {query}"):
                assert client.get(url + query).status_code == 200
    assert plans.statements
    assert plans.walks == {}
