"""The search over strategies: rare, common and mixed words, with each sort and filter.

The table is filled with synthetic strategies of a skewed vocabulary in several languages; their
versions are not written, so use a spare database. SEARCH_ROWS says how many: one million.
"""

import os
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from django.utils import timezone

from identity.models import Household, User
from recommendations.models import Strategy, StrategyListing
from recommendations.queries.strategy_search import (
    Filters,
    Sort,
    search,
    search_text,
    suggestions,
)
from stores.copying import copy_rows
from stores.database import long_statements

ROWS = int(os.environ.get("SEARCH_ROWS", "1000000"))
TARGETS = {"p95_ms": 50, "suggest_p95_ms": 15}
AT_ONCE = 8
REPEATS = 40
_CHUNK = 20_000
_AUTHOR = "search@bench.ballast.example"
_WORDS = 60_000
_FLAT = 10
# The head of the vocabulary, the most frequent first; the tail is made of syllables.
_HEAD_TEXT = """
portfolio index dividend growth income fund stocks bonds global value risk market long term low
cost rebalance quarterly yield balanced momentum quality tax equity world simple steady passive
factor small cap emerging treasury inflation retirement core satellite volatility trend
aktien anleihen rendite sparplan vermögen weltweit ausschüttend altersvorsorge rücklage
actions obligations épargne rendement croissance retraite mondial équilibré patrimoine
acciones bonos ahorro rentabilidad crecimiento jubilación cartera inversión mundial prudente
azioni obbligazioni risparmio rendimento crescita pensione bilanciato
"""
_TAGS_TEXT = """
dividend growth index income global etf esg low-cost retirement momentum value bonds world
small-cap rebalancing tax-aware quality crypto lazy inflation
"""
_HEAD, _TAGS = tuple(_HEAD_TEXT.split()), tuple(_TAGS_TEXT.split())
_GIN = {"words": "words", "title": "title", "tags": "tags", "classes": "asset_classes"}
_CLASSES = ("equity", "etf", "bond", "cash", "fund", "crypto")
_PROFILES = ("conservative", "moderate", "balanced", "growth", "aggressive")

TEXTS: dict[str, tuple[str, ...]] = {
    "common": ("dividend", "growth", "index", "portfolio", "global income"),
    "mixed": ("dividend épargne", "growth jubilacion", '"low cost"', "income or azioni"),
    "rare": (),  # words of the tail, chosen by their rank
    "none": ("",),
}
FILTERS: dict[str, Filters] = {
    "no filter": Filters(),
    "class": Filters(asset_classes=("bond",)),
    "profile": Filters(risk_profile=("growth",)),
    "tag": Filters(tags=("esg",)),
    "figures": Filters(
        min_return=Decimal("0.05"), min_sharpe=Decimal("0.5"), max_drawdown=Decimal("0.3")
    ),
    "all": Filters(
        asset_classes=("etf",),
        risk_profile=("balanced", "growth"),
        tags=("dividend",),
        min_return=Decimal(0),
        min_record_days=180,
    ),
}


def run() -> dict[str, Any]:
    """Return milliseconds by kind of words, sort and filter, of suggestions and of the baseline."""
    words = _vocabulary()
    filled_s = _fill(words)
    texts = {**TEXTS, "rare": tuple(words[rank] for rank in (900, 5_000, 20_000, 40_000, 59_000))}
    figures: dict[str, Any] = {
        "targets": TARGETS,
        "strategies": ROWS,
        "filled_s": filled_s,
        "sizes_mb": _sizes(),
        "load_of_the_machine": os.getloadavg()[0],
    }
    for kind, asked in texts.items():
        calls = [
            (text, filters, sort) for text in asked for filters in FILTERS.values() for sort in Sort
        ]
        figures[f"{kind}, one at a time"] = _measured(calls, at_once=1)
        figures[f"{kind}, {AT_ONCE} at a time"] = _measured(calls, at_once=AT_ONCE)
    everything = [text for group in texts.values() for text in group]
    figures["by sort"] = {
        sort.value: _measured(
            [(text, one, sort) for text in everything for one in FILTERS.values()], at_once=1
        )
        for sort in Sort
    }
    figures["by filter"] = {
        name: _measured([(text, one, sort) for text in everything for sort in Sort], at_once=1)
        for name, one in FILTERS.items()
    }
    begun = [word[:length] for word in (*_HEAD[:20], *texts["rare"]) for length in (2, 3, 4, 6)]
    figures["suggestions"] = _timed(
        [partial(suggestions, text=search_text(text, typing=True)) for text in begun]
    )
    figures["typos"] = _timed(
        [
            partial(_asked, text, Filters(), Sort.RELEVANCE)
            for text in ("divdiend", "momentun", "rebalanse", "obligatoins")
        ]
    )
    figures["naive ts_rank"] = {
        kind: _timed([partial(_naive, text) for text in asked])
        for kind, asked in texts.items()
        if kind != "none"
    }
    figures["a new one is found at once"] = _found_at_once()
    return figures


def _asked(text: str, filters: Filters, sort: Sort) -> None:
    search(text=search_text(text), filters=filters, sort=sort, size=20)


def _naive(text: str) -> None:
    """Rank every match by its whole vector, as a first version would."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT strategy_id FROM recommendations_strategylisting, "
            "websearch_to_tsquery('strategy_search', %s) q WHERE words @@ q "
            "ORDER BY ts_rank(words, q) DESC LIMIT 20",
            [text],
        )
        cursor.fetchall()


def _found_at_once() -> bool:
    """Return whether a change of a name, and the end of a publication, show in the next search."""
    row = Strategy.objects.filter(listing__isnull=False).latest("id")
    changed = Strategy.objects.filter(pk=row.pk)
    changed.update(name="Quokkafund of the harbour")
    asked, filters = search_text("quokkafund"), Filters()
    found = search(text=asked, filters=filters, sort=Sort.RELEVANCE, size=20)
    changed.update(state="draft", published_at=None, current_version=None)
    gone = search(text=asked, filters=filters, sort=Sort.RELEVANCE, size=20)
    return [hit.strategy.pk for hit in found.hits] == [row.pk] and not gone.hits


def _measured(calls: list[tuple[str, Filters, Sort]], *, at_once: int) -> dict[str, float]:
    return _timed([partial(_asked, *call) for call in calls], at_once=at_once)


def _timed(calls: list[Callable[[], object]], *, at_once: int = 1) -> dict[str, float]:
    """Return percentiles in milliseconds, and the processor time of a call, server included."""
    for call in calls:
        call()
    repeats = max(1, REPEATS // len(calls))

    def once(call: Callable[[], object]) -> float:
        begin = time.perf_counter()
        call()
        return (time.perf_counter() - begin) * 1000

    if at_once > 1:
        with ThreadPoolExecutor(at_once) as pool:
            taken = list(pool.map(once, calls * repeats))
            list(pool.map(lambda _: connection.close(), range(at_once * 4)))
        return _percentiles(taken)
    before = _cpu_s()
    taken = [once(call) for call in calls * repeats]
    return {**_percentiles(taken), "cpu_ms": round((_cpu_s() - before) * 1000 / len(taken), 2)}


def _percentiles(taken: list[float]) -> dict[str, float]:
    found = np.percentile(taken, [50, 95, 99])
    return {
        name: round(float(one), 2) for name, one in zip(("p50", "p95", "p99"), found, strict=True)
    }


def _cpu_s() -> float:
    """Return the processor seconds of this process and of its server process."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ((pid,),) = cursor.fetchall()
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():  # the server is on another machine
        return own.ru_utime + own.ru_stime
    ticks = stat.read_text().rsplit(")", 1)[1].split()[11:13]
    return own.ru_utime + own.ru_stime + sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _vocabulary() -> list[str]:
    random, words = Random(7), dict.fromkeys(_HEAD)
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in "aeiou"]
    while len(words) < _WORDS:
        words["".join(random.choices(syllables, k=random.randint(2, 5)))] = None
    return list(words)


def _fill(words: list[str]) -> float:
    """Fill the table if it has not as many rows; return the seconds it took."""
    if StrategyListing.objects.count() >= ROWS - 1:
        return 0.0
    begin = time.perf_counter()
    user = User.objects.filter(email=_AUTHOR).first() or User.objects.create_user(
        email=_AUTHOR, password=None, household=Household.objects.create(name="Bench")
    )
    with long_statements(seconds=7200), connection.cursor() as cursor:
        # Neither the audit trail nor the trigger row by row; the listings follow in one statement.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in _GIN:
            cursor.execute(f"DROP INDEX listing_{name}")
        first = Strategy.objects.order_by("-id").values_list("id", flat=True).first() or 0
        for start in range(0, ROWS, _CHUNK):
            rows = list(_rows(words, user.pk, start, min(_CHUNK, ROWS - start)))
            copy_rows(table="recommendations_strategy", columns=_COLUMNS, rows=rows)
        cursor.execute(
            "SELECT recommendations_list_strategies(%s, %s)", [first, 9_223_372_036_854_775_807]
        )
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        for name, column in _GIN.items():
            on = f"recommendations_strategylisting USING gin ({column})"
            cursor.execute(f"CREATE INDEX listing_{name} ON {on}")
    connection.close()
    with long_statements(seconds=3600), connection.cursor() as cursor:
        for table in ("recommendations_strategylisting", "recommendations_strategy"):
            cursor.execute(f"ANALYZE {table}")
        cursor.execute("ANALYZE recommendations_strategyword")
    return round(time.perf_counter() - begin, 1)


_COLUMNS = (
    *("public_id", "author_id", "author_name", "name", "summary", "description", "asset_classes"),
    *("risk_profile", "tags", "state", "draft_weights", "draft_rules", "target_set_id"),
    *("current_version_id", "published_at", "followers", "return_1y", "sharpe", "max_drawdown"),
    *("record_days", "created_at", "updated_at"),
)


def _rows(words: list[str], author_id: int, start: int, count: int) -> Iterator[tuple[Any, ...]]:
    draw = np.random.default_rng(start)
    now = timezone.now()
    # A word of rank r is drawn in proportion to 1 / (r + _FLAT): the first is in a third of texts.
    spread = np.log(len(words) / _FLAT + 1)
    ranks = np.floor(_FLAT * np.expm1(draw.random((count, 41)) * spread)).astype(int)
    followers = np.floor(np.exp(np.maximum(0, draw.normal(-2, 3, count)))).astype(int) - 1
    figures = draw.normal((0.06, 0.6, -0.2), (0.1, 0.5, 0.1), (count, 3))
    days = draw.integers(0, 1500, count)
    picks = draw.random((count, 12))
    for n in range(count):
        text = [words[rank] for rank in ranks[n]]
        number, pick = start + n + 1, picks[n]
        tags = {_TAGS[int(len(_TAGS) ** pick[k] - 1 + 1e-9)] for k in range(int(pick[3] * 4))}
        classes = [one for k, one in enumerate(_CLASSES) if pick[4 + k] < 0.3] or ["equity"]
        published = now - timedelta(days=int(days[n]), seconds=number % 86_400)
        yield (
            UUID(int=number),
            author_id,
            f"{text[0]} {number % 5000}",
            " ".join(text[1:5]),
            " ".join(text[5:16]),
            " ".join(text[16:]),
            classes,
            _PROFILES[int(pick[10] * 5)],
            sorted(tags),
            "published",
            "[]",
            "{}",
            number,
            number,
            published,
            int(followers[n]),
            *(round(Decimal(float(one)), 8) for one in figures[n]),
            int(days[n]),
            published,
            published,
        )


def _sizes() -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) FROM pg_class "
            "WHERE starts_with(relname, 'listing_') OR relname = 'strategy_word_trigram' "
            "OR relname IN ('recommendations_strategylisting', 'recommendations_strategy')"
        )
        return {name: round(size / 1e6, 1) for name, size in sorted(cursor.fetchall())}
