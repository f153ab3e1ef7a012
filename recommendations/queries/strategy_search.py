"""Searching the listed strategies: filters, ranking, counts, suggestions and corrections.

How a search stays fast however common its words are:

    1. at most CANDIDATES_MAX matches are read, the most followed first. PostgreSQL walks down the
       index of followers for a common word and reads the index of words for a rare one; it knows
       the frequency of both
    2. if there were more, the newest FRESH_MAX matches among the newest FRESH_READ_MAX strategies
       join, so a new strategy can be seen
    3. only these are ranked, by `title`, a vector so short that it lies in the row itself

So relevance, total and counts are exact up to CANDIDATES_MAX matches; above, the answer says so.
The other sorts walk their own index, and by cursor reach every match.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

import psycopg
from django.core import signing
from django.db import OperationalError

from core.errors import InvalidInput, Unavailable
from recommendations.models import Strategy
from recommendations.models.listings import RECORD_DAYS_MIN, STRATEGY_LANGUAGE
from recommendations.strategies.search_text import (
    MARK_END,
    MARK_START,
    SearchText,
    correctable,
    corrected,
    marked,
    search_text,
)
from stores.database import short_statements
from stores.rows import rows_of

CANDIDATES_MAX = 400
FRESH_MAX = 50
FRESH_READ_MAX = 1000
SUGGESTED_MAX = 8
SUGGESTED_FROM_LENGTH = 2
TAGS_COUNTED_MAX = 30
STATEMENT_MS_MAX = 3000
_SALT = "cursor.strategies"
# Between the publication and the first day of the record, and back.
_SLACK_DAYS = 7

# Known words that are looked at for one that was mistyped.
_NEAREST_MAX = 20
# Words of the description, summary and author, tags, name.
_WEIGHTS = "'{0.02, 0.2, 0.5, 1.0}'::real[]"
_WHOLE = f"websearch_to_tsquery('{STRATEGY_LANGUAGE}'::regconfig, %(whole)s)"
_BEGUN = f"to_tsquery('{STRATEGY_LANGUAGE}'::regconfig, %(begun)s)"
_TABLE = "recommendations_strategylisting"


class Sort(StrEnum):
    """The orders of a search. `return`: records of at least RECORD_DAYS_MIN days only."""

    RELEVANCE = "relevance"
    FOLLOWERS = "followers"
    RETURN = "return"
    RECENCY = "recency"


_COLUMNS = {
    Sort.FOLLOWERS: ("followers", "bigint"),
    Sort.RETURN: ("return_1y", "numeric"),
    Sort.RECENCY: ("published_at", "timestamptz"),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a strategy has to have; of several classes or tags all, of several profiles one."""

    asset_classes: tuple[str, ...] = ()
    risk_profile: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    min_return: Decimal | None = None
    min_sharpe: Decimal | None = None
    max_drawdown: Decimal | None = None
    min_record_days: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A strategy that was found, and as HTML what was found in it."""

    strategy: Strategy
    name_html: str
    summary_html: str
    # A part of the description, if the words were found only there.
    description_html: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Matches by value, the most frequent first."""

    asset_classes: Mapping[str, int]
    risk_profile: Mapping[str, int]
    tags: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search. `exact`: total and counts are of all matches, not of the most followed.

    corrected: the text that was searched instead, if nothing was found by the one asked for.
    """

    hits: Sequence[Hit]
    total: int | None
    exact: bool
    counts: Counts | None
    next_cursor: str | None
    corrected: str = ""


@dataclass(slots=True)
class _Wanted:
    """The condition of a search in SQL, and its values."""

    conditions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    query: str = ""

    @property
    def where(self) -> str:
        return " AND ".join(self.conditions) or "true"


def search(
    *,
    text: SearchText,
    filters: Filters,
    sort: Sort,
    size: int,
    start: int = 0,
    cursor: str | None = None,
) -> Found:
    """Return one page of the matches; without matches those of the text with typos corrected.

    `cursor`: empty for the first page by cursor, which counts nothing.
    """
    with _bounded():
        found = _search(text, filters, sort, size, start, cursor)
        if found.hits or cursor or start or text.is_empty:
            return found
        better = _correction(text)
        if better is None:
            return found
        again = _search(better, filters, sort, size, start, cursor)
        if not again.hits:
            return found
        return replace(again, corrected=f"{better.whole} {better.begun}".strip())


def suggestions(*, text: SearchText) -> list[Strategy]:
    """Return the most followed strategies whose title has the words, the last one only begun."""
    if len(text.whole) + len(text.begun) < SUGGESTED_FROM_LENGTH:
        return []
    wanted = _wanted(text, Filters(), vector="title")
    with _bounded():
        rows = rows_of(
            f"SELECT strategy_id FROM {_TABLE} WHERE {wanted.where} "  # noqa: S608
            f"ORDER BY followers DESC, id DESC LIMIT {SUGGESTED_MAX}",
            wanted.values,
        )
    return _strategies([pk for (pk,) in rows])


def _search(
    text: SearchText, filters: Filters, sort: Sort, size: int, start: int, cursor: str | None
) -> Found:
    wanted = _wanted(text, filters)
    if sort == Sort.RELEVANCE:
        return _by_relevance(wanted, size, start, cursor)
    candidates = _candidates(wanted, ranked=False)
    total, exact, counts = _counted(candidates)
    # Few matches are sorted; the index of the sort is walked only where matches are frequent.
    among = _Wanted(["id = ANY(%(among)s)"], {"among": [row.pk for row in candidates]})
    keys, following = _by_column(among if exact else wanted, sort, size, start, cursor)
    if cursor is not None:
        return Found(_hits(keys, wanted), None, False, None, following)
    return Found(_hits(keys, wanted), total, exact, counts, following)


def _by_relevance(wanted: _Wanted, size: int, start: int, cursor: str | None) -> Found:
    at = _read_cursor(cursor, Sort.RELEVANCE) if cursor else start
    if not isinstance(at, int):
        raise _bad_cursor()
    candidates = _candidates(wanted)
    total, exact, counts = _counted(candidates)
    ranked = sorted(candidates, key=lambda row: (row.score, row.followers, row.pk), reverse=True)
    page = [row.strategy_id for row in ranked[at : at + size]]
    more = len(ranked) > at + size
    following = _written_cursor(at + size, Sort.RELEVANCE) if more else None
    if cursor is not None:
        return Found(_hits(page, wanted), None, exact, None, following)
    return Found(_hits(page, wanted), total, exact, counts, following)


@dataclass(frozen=True, slots=True)
class _Candidate:
    pk: int
    strategy_id: int
    followers: int
    risk_profile: str
    asset_classes: Sequence[str]
    tags: Sequence[str]
    fresh: bool
    score: float


def _candidates(wanted: _Wanted, *, ranked: bool = True) -> list[_Candidate]:
    """Return the most followed matches; to be ranked, the newest as well if these are not all."""
    columns = "id, strategy_id, followers, risk_profile, asset_classes, tags, title"
    score = "ln(1 + followers) * 0.02"
    if wanted.query:
        score += f" + ts_rank({_WEIGHTS}, title, {wanted.query}, 1)"
    statement = f"""
WITH followed AS MATERIALIZED (
    SELECT {columns}, false AS fresh FROM {_TABLE} WHERE {wanted.where}
     ORDER BY followers DESC, id DESC LIMIT {CANDIDATES_MAX + 1}),
fresh AS MATERIALIZED (
    SELECT {columns}, true AS fresh
      FROM (SELECT * FROM {_TABLE}
             ORDER BY published_at DESC, id DESC LIMIT {FRESH_READ_MAX}) newest
     WHERE (SELECT count(*) FROM followed) > {CANDIDATES_MAX} AND {wanted.where}
     ORDER BY published_at DESC, id DESC LIMIT {FRESH_MAX})
SELECT id, strategy_id, followers, risk_profile, asset_classes, tags, fresh, {score}
  FROM (SELECT * FROM followed UNION ALL
        SELECT * FROM fresh WHERE id NOT IN (SELECT id FROM followed)) candidate
"""  # noqa: S608  built from constants of this file
    if not ranked:
        statement = f"""
SELECT id, strategy_id, followers, risk_profile, asset_classes, tags, false, 0.0
  FROM {_TABLE} WHERE {wanted.where}
 ORDER BY followers DESC, id DESC LIMIT {CANDIDATES_MAX + 1}
"""  # noqa: S608  built from constants of this file
    return [_Candidate(*row) for row in rows_of(statement, wanted.values)]


def _by_column(
    wanted: _Wanted, sort: Sort, size: int, start: int, cursor: str | None
) -> tuple[list[int], str | None]:
    column, kind = _COLUMNS[sort]
    conditions, values = [wanted.where], dict(wanted.values)
    if sort == Sort.RETURN:
        conditions.append("return_1y IS NOT NULL")
    if cursor:
        after = _read_cursor(cursor, sort)
        if not (isinstance(after, list) and len(after) == 2 and isinstance(after[1], int)):
            raise _bad_cursor()
        conditions.append(f"({column}, id) < (%(after)s::{kind}, %(after_id)s)")
        values |= {"after": str(after[0]), "after_id": after[1]}
    rows = rows_of(
        f"SELECT strategy_id, id, {column}::text AS written FROM {_TABLE} "  # noqa: S608
        f"WHERE {' AND '.join(conditions)} ORDER BY {column} DESC, id DESC "
        f"LIMIT {size + 1:d} OFFSET {0 if cursor else start:d}",
        values,
    )
    following = None
    if len(rows) > size:
        following = _written_cursor([rows[size - 1][2], rows[size - 1][1]], sort)
    return [strategy_id for strategy_id, _, _ in rows[:size]], following


def _counted(candidates: Sequence[_Candidate]) -> tuple[int, bool, Counts]:
    """Return total and counts of the most followed matches, and whether these are all."""
    followed = [row for row in candidates if not row.fresh]
    counted = followed[:CANDIDATES_MAX]
    classes = Counter(one for row in counted for one in row.asset_classes)
    profiles = Counter(row.risk_profile for row in counted)
    tags = Counter(one for row in counted for one in row.tags)
    counts = Counts(
        asset_classes=dict(classes.most_common()),
        risk_profile=dict(profiles.most_common()),
        tags=dict(tags.most_common(TAGS_COUNTED_MAX)),
    )
    return len(counted), len(followed) <= CANDIDATES_MAX, counts


def _wanted(text: SearchText, filters: Filters, *, vector: str = "words") -> _Wanted:
    wanted = _Wanted()
    parts = []
    if text.whole:
        parts.append(_WHOLE)
        wanted.values["whole"] = text.whole
    if text.begun:
        parts.append(_BEGUN)
        wanted.values["begun"] = text.prefix
    if parts:
        wanted.query = f"({' && '.join(parts)})"
        wanted.conditions.append(f"{vector} @@ {wanted.query}")
    for name, condition in (
        ("asset_classes", "asset_classes @> %(asset_classes)s::varchar[]"),
        ("risk_profile", "risk_profile = ANY(%(risk_profile)s)"),
        ("tags", "tags @> %(tags)s::varchar[]"),
        ("min_return", "return_1y >= %(min_return)s"),
        ("min_sharpe", "sharpe >= %(min_sharpe)s"),
        ("max_drawdown", "max_drawdown <= %(max_drawdown)s"),
        ("min_record_days", "record_days >= %(min_record_days)s"),
    ):
        value = getattr(filters, name)
        if value not in ((), None):
            wanted.conditions.append(condition)
            wanted.values[name] = list(value) if isinstance(value, tuple) else value
    if days := _days_needed(filters):
        # Implied, and it saves a walk from the newest on the way through all that are too young.
        wanted.conditions.append("published_at <= now() - %(younger)s * interval '1 day'")
        wanted.values["younger"] = max(0, days - _SLACK_DAYS)
    return wanted


def _days_needed(filters: Filters) -> int:
    """Return the days of record without which no strategy can pass the filters."""
    figures = (filters.min_return, filters.min_sharpe, filters.max_drawdown)
    least = RECORD_DAYS_MIN if any(one is not None for one in figures) else 0
    return max(least, filters.min_record_days or 0)


_MARKS = f"StartSel={MARK_START}, StopSel={MARK_END}"


def _hits(strategy_ids: Sequence[int], wanted: _Wanted) -> list[Hit]:
    """Return the strategies in this order, with the words that were found marked."""
    rows = _strategies(strategy_ids)
    if not (rows and wanted.query):
        return [Hit(row, marked(row.name), marked(row.summary), "") for row in rows]
    language = f"'{STRATEGY_LANGUAGE}'::regconfig"
    whole = f"'{_MARKS}, HighlightAll=true'"
    part = f"'{_MARKS}, MaxFragments=2, MaxWords=24, MinWords=10, FragmentDelimiter=\" … \"'"
    # An author's own text may have these signs; the marks are of the search alone.
    prose = f"translate(left(one.description, 5000), '{MARK_START}{MARK_END}', '')"
    found = rows_of(
        f"""
SELECT one.id, ts_headline({language}, one.name, {wanted.query}, {whole}),
       ts_headline({language}, one.summary, {wanted.query}, {whole}),
       CASE WHEN listing.title @@ {wanted.query} THEN ''
            ELSE ts_headline({language}, {prose}, {wanted.query}, {part}) END
  FROM recommendations_strategy one JOIN {_TABLE} listing ON listing.strategy_id = one.id
 WHERE one.id = ANY(%(ids)s)
""",  # noqa: S608  built from constants of this file
        {**wanted.values, "ids": [row.pk for row in rows]},
    )
    parts = {pk: tuple(marked(text) for text in texts) for pk, *texts in found}
    return [Hit(row, *parts.get(row.pk, (marked(row.name), "", ""))) for row in rows]


def _strategies(strategy_ids: Sequence[int]) -> list[Strategy]:
    """Return the strategies in this order, without their long texts."""
    rows = Strategy.objects.filter(listing__isnull=False).defer(
        "description", "draft_weights", "draft_rules"
    )
    by_id = rows.in_bulk(list(strategy_ids))
    return [by_id[pk] for pk in strategy_ids if pk in by_id]


# Words stay known when a strategy is hidden or renamed: they are offered, and count as spelled
# right, only while a listed strategy has them.
_IS_LISTED = f"""EXISTS (SELECT 1 FROM {_TABLE} listing
    WHERE listing.title @@ plainto_tsquery('{STRATEGY_LANGUAGE}'::regconfig, known.word))"""  # noqa: S608
_NEAREST = f"""
SELECT asked.word, near.word
  FROM unnest(%(words)s::text[]) AS asked(word)
 CROSS JOIN LATERAL (
    SELECT known.word
      FROM (SELECT word FROM recommendations_strategyword
             WHERE word %% asked.word
             ORDER BY similarity(word, asked.word) DESC, word LIMIT {_NEAREST_MAX}) known
     WHERE {_IS_LISTED}
     ORDER BY similarity(known.word, asked.word) DESC, known.word LIMIT 1) near
 WHERE NOT EXISTS (
    SELECT 1 FROM recommendations_strategyword known
     WHERE known.word = asked.word AND {_IS_LISTED})
"""  # noqa: S608  built from constants of this file


def _correction(text: SearchText) -> SearchText | None:
    whole = f"{text.whole} {text.begun}".strip()
    words = correctable(whole)
    nearest = dict(rows_of(_NEAREST, {"words": words})) if words else {}
    return search_text(corrected(whole, nearest)) if nearest else None


@contextmanager
def _bounded() -> Iterator[None]:
    """Let no statement of a search take longer than STATEMENT_MS_MAX."""
    try:
        with short_statements(milliseconds=STATEMENT_MS_MAX):
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise
        raise Unavailable(
            "This search takes too long. Ask for fewer or rarer words.",
            code="search_too_slow",
            retry_after_s=5,
        ) from None


def _written_cursor(value: object, sort: Sort) -> str:
    return signing.dumps(value, salt=f"{_SALT}.{sort}")


def _read_cursor(text: str, sort: Sort) -> Any:
    try:
        return signing.loads(text, salt=f"{_SALT}.{sort}")
    except signing.BadSignature:
        raise _bad_cursor() from None


def _bad_cursor() -> InvalidInput:
    return InvalidInput(
        "The cursor is not valid. Send next_cursor of the previous page unchanged.",
        code="cursor_invalid",
        fields={"cursor": ["must be next_cursor of the previous page, unchanged"]},
    )


__all__ = [
    "CANDIDATES_MAX",
    "RECORD_DAYS_MIN",
    "Counts",
    "Filters",
    "Found",
    "Hit",
    "Sort",
    "search",
    "search_text",
    "suggestions",
]
