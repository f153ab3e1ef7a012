"""The hot queries over filled tables: no sequential scan of a large one."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from marketdata.models import Asset
from marketdata.operations.quotes import _known
from marketdata.partitions import DAILY
from marketdata.queries import (
    assets,
    assets_by_symbol,
    closing_prices,
    exchange_rates_on,
    last_closes,
    quotes,
)
from marketdata.queries.price_tiers import _ROWS, NUMERIC_COLUMNS
from stores.rows import rows_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_quotes")]

FILL = """
INSERT INTO marketdata_asset (public_id, symbol, name, asset_class, currency, isin, exchange,
    fractional, tradable, half_spread_bp, shifted_days, is_active, created_at,
    price_adjustment)
SELECT gen_random_uuid(), 'S' || to_char(n, 'FM000000'), md5(n::text) || ' ' || md5((n*7)::text),
       'equity', 'USD', CASE WHEN n % 2 = 0 THEN 'US' || to_char(n, 'FM0000000000') ELSE '' END,
       'XNYS', true, true, 2, 0, true, now(), 'none'
  FROM generate_series(1, 40000) n;
INSERT INTO marketdata_latestprice (asset_id, price, as_of, source)
SELECT id, 10, now(), 'acme' FROM marketdata_asset;
INSERT INTO marketdata_dailyprice (asset_id, date, close)
SELECT asset.id, day, 10 FROM (SELECT id FROM marketdata_asset ORDER BY id LIMIT 100) asset,
       generate_series('2024-01-01'::date, '2026-11-20', '1 day') day;
INSERT INTO marketdata_exchangerate (currency, date, rate, source)
SELECT 'C' || to_char(n, 'FM00'), day, 1.5, 'test' FROM generate_series(1, 40) n,
       generate_series('2018-01-01'::date, '2026-11-20', '1 day') day;
SELECT gin_clean_pending_list('asset_name_trigram');
ANALYZE marketdata_asset; ANALYZE marketdata_latestprice; ANALYZE marketdata_dailyprice;
ANALYZE marketdata_exchangerate;
"""


@pytest.fixture
def filled(people: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(FILL)
    return people


def scans_of(ask: Callable[[], object]) -> list[str]:
    """The large tables that the plans of what `ask` runs read from end to end."""
    with CaptureQueriesContext(connection) as asked:
        found = ask()
        if isinstance(found, QuerySet):
            list(found)
    assert len(asked) == 1, "one query answers"
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + asked.captured_queries[0]["sql"])
        (plan,) = cursor.fetchone()
    return _scans((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])


def _scans(node: dict[str, Any]) -> list[str]:
    found = [node["Relation Name"]] if node["Node Type"] == "Seq Scan" else []
    for child in node.get("Plans", []):
        found += _scans(child)
    return [name for name in found if name.startswith("marketdata_") and name != SMALL]


SMALL = "marketdata_source"


def test_no_hot_query_reads_a_large_table_from_end_to_end(filled: Any) -> None:
    user, last = filled.owner, date(2026, 11, 20)
    some = list(Asset.objects.order_by("id")[:100])
    symbols, ids = [asset.symbol for asset in some], [asset.pk for asset in some[:20]]
    since, now = date(2025, 11, 20), some[0].created_at
    wanted = [(f"C{n:02}", "C40", date(2026, 11, n)) for n in range(1, 20)]
    hot: dict[str, Callable[[], object]] = {
        "search by symbol": lambda: assets(user=user, q="S0123")[:100],
        "search by ISIN": lambda: assets(user=user, q="US0000000200")[:100],
        "search by name": lambda: assets(user=user, q="c4ca4238a0b923820dcc")[:100],
        "the first page": lambda: assets(user=user)[:100],
        "by symbol": lambda: assets_by_symbol(household_id=user.household_id, symbols=symbols),
        "history": lambda: rows_of(
            _ROWS.format(columns=NUMERIC_COLUMNS, table=DAILY, column="date", limit=""),
            {"ids": ids[:1], "first": since, "end": last},
        ),
        "closes": lambda: closing_prices(asset_ids=ids, from_date=since, to_date=last),
        "last closes": lambda: last_closes(asset_ids=ids, as_of=last),
        "quotes": lambda: quotes(assets=some, now=now),
        "known prices": lambda: _known(symbols),
        "rates": lambda: exchange_rates_on(wanted=wanted),
    }
    found = {name: scans_of(ask) for name, ask in hot.items()}
    assert found == dict.fromkeys(hot, [])
