"""What a night needs before it starts, and what it shows while it runs and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from jobs.models import ACTIVE, Job, JobStatus
from marketdata.calendars import hours, last_session_before
from recommendations.models import NightlyPrice, NightlyRun, Outcome
from recommendations.nightly import guards
from stores.rows import rows_of

CHUNK = "recommendations.nightly_chunk"

_ASSETS = """
SELECT asset.id FROM marketdata_asset asset
 WHERE asset.household_id IS NULL
   AND (EXISTS (SELECT FROM portfolios_target WHERE asset_id = asset.id)
        OR EXISTS (SELECT FROM transactions_holding
                    WHERE asset_id = asset.id AND quantity > 0))
 ORDER BY asset.id
"""
_CURRENCIES = "SELECT DISTINCT currency FROM transactions_account ORDER BY currency"
_CLOSES = """
SELECT date, count(*) FROM marketdata_dailyprice
 WHERE date = ANY(%(days)s::date[]) GROUP BY date
"""
# Actions of the day or before it that are not confirmed, or not booked in every household yet.
_ACTIONS = """
SELECT DISTINCT asset.symbol
  FROM marketdata_corporateaction action JOIN marketdata_asset asset ON asset.id = action.asset_id
  LEFT JOIN transactions_actionrun run ON run.action_id = action.id AND run.done_at IS NULL
 WHERE action.ex_date BETWEEN %(since)s AND %(night)s
   AND action.household_id IS NULL
   AND (action.state = 'proposed' OR run.id IS NOT NULL)
 ORDER BY asset.symbol
"""
_CHUNKS = """
SELECT min(id), max(id), count(*)
  FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / %(size)s AS chunk
          FROM transactions_account account
         WHERE archived_at IS NULL
           AND EXISTS (SELECT FROM portfolios_target WHERE account_id = account.id)) AS placed
 GROUP BY chunk ORDER BY chunk
"""
_ACCOUNTS = """
SELECT id FROM transactions_account account
 WHERE id BETWEEN %(first)s AND %(last)s AND archived_at IS NULL
   AND EXISTS (SELECT FROM portfolios_target WHERE account_id = account.id)
"""
_OUTCOMES = """
SELECT outcome, code, count(*) FROM recommendations_nightlyresult
 WHERE run_id = %(run)s GROUP BY outcome, code ORDER BY outcome, code
"""
# An action that nobody has confirmed for this long is no reason to stop every night.
_ACTIONS_AGE = timedelta(days=7)


def traded_assets() -> list[int]:
    """Return the public assets that an account holds or wants."""
    return [pk for (pk,) in rows_of(_ASSETS, {})]


def accounts_with_targets(*, first: int, last: int) -> list[int]:
    """Return the ids of the accounts in a range that a night decides."""
    return [pk for (pk,) in rows_of(_ACCOUNTS, {"first": first, "last": last})]


def account_currencies() -> list[str]:
    """Return the currencies of all accounts."""
    return [currency for (currency,) in rows_of(_CURRENCIES, {})]


def chunks(*, size: int) -> list[tuple[int, int, int]]:
    """Return the first id, the last id and the number of accounts of each chunk of a night."""
    return [(first, last, count) for first, last, count in rows_of(_CHUNKS, {"size": size})]


def night_of(*, exchange: str, now: datetime, settled: timedelta) -> date | None:
    """Return the session whose closes a night would trade on; None while the exchange is open.

    `settled`: how long after the close the closing prices are complete.
    """
    found = hours(exchange=exchange, now=now)
    if found is None or found.is_open or now - found.closed_at < settled:
        return None
    return found.closed_at.date()


def guard_facts(
    *, prices: Sequence[NightlyPrice], pairs_without_rate: Sequence[str], night: date, exchange: str
) -> guards.Facts:
    """Return what the guards judge."""
    before = last_session_before(exchange=exchange, day=night)
    closes = dict(rows_of(_CLOSES, {"days": [night, before]}))
    actions = rows_of(_ACTIONS, {"night": night, "since": night - _ACTIONS_AGE})
    return guards.Facts(
        assets=len(prices),
        without_price=[row.symbol for row in prices if row.price is None],
        stale=[row.symbol for row in prices if row.price is not None and row.stale],
        closes=closes.get(night, 0),
        closes_before=closes.get(before, 0),
        pairs_without_rate=pairs_without_rate,
        actions_open=[symbol for (symbol,) in actions],
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `accounts_a_second` and `seconds_left` are None before the first chunk."""

    done: int
    failed: int
    chunks: int
    accounts: int
    outcomes: dict[str, int]
    codes: dict[str, int]
    accounts_a_second: float | None
    seconds_left: float | None


def progress(*, run: NightlyRun, now: datetime) -> Progress:
    """Return the state of a run, from its chunks and outcomes; two queries."""
    states: dict[str, int] = {}
    for status in chunk_jobs(run=run).values_list("status", flat=True):
        states[status] = states.get(status, 0) + 1
    outcomes: dict[str, int] = {}
    codes: dict[str, int] = {}
    for outcome, code, count in rows_of(_OUTCOMES, {"run": run.pk}):
        name = Outcome(outcome).name.lower()
        outcomes[name] = outcomes.get(name, 0) + count
        if code:
            codes[code] = codes.get(code, 0) + count
    accounts = sum(outcomes.values())
    spent = ((run.finished_at or now) - run.created_at).total_seconds()
    rate = accounts / spent if accounts and spent > 0 else None
    left = (run.accounts - accounts) / rate if rate and run.finished_at is None else None
    return Progress(
        states.get(JobStatus.COMPLETED, 0),
        states.get(JobStatus.FAILED, 0),
        run.chunks,
        accounts,
        outcomes,
        codes,
        rate,
        left,
    )


def chunk_jobs(*, run: NightlyRun) -> "QuerySet[Job]":
    """Return the jobs of a run's chunks."""
    return Job.objects.filter(kind=CHUNK, subject_id=run.public_id)


def unfinished(*, run: NightlyRun) -> "QuerySet[Job]":
    """Return the jobs of a run's chunks that are not ended."""
    return chunk_jobs(run=run).filter(status__in=ACTIVE)


def run_of_chunk(*, job_id: int) -> int:
    """Return the run that a chunk's job belongs to."""
    params: dict[str, int] = Job.objects.values_list("params", flat=True).get(pk=job_id)
    return params["run_id"]


def next_chunk(*, run_id: int) -> int | None:
    """Return the job of a chunk of the run that is due and that nobody works on, or None."""
    run = NightlyRun.objects.get(pk=run_id)
    due = unfinished(run=run).filter(
        Q(status=JobStatus.PENDING, next_at__lte=Now())
        | Q(status=JobStatus.PROCESSING, lease_until__lt=Now())
    )
    return due.order_by("id").values_list("pk", flat=True).first()


@dataclass(frozen=True, slots=True)
class Details:
    """What an operator looks for in a run: the slowest chunks, and accounts that were refused."""

    slowest: list[tuple[int, int, float]]
    refused: list[tuple[str, str]]


_SLOWEST = """
SELECT (params ->> 'first')::bigint, (params ->> 'last')::bigint,
       EXTRACT(epoch FROM finished_at - started_at)::float8 AS seconds
  FROM jobs_job
 WHERE subject_id = %(run)s AND kind = %(kind)s AND finished_at IS NOT NULL
   AND started_at IS NOT NULL
 ORDER BY seconds DESC LIMIT %(shown)s
"""
_REFUSED = """
SELECT account.public_id::text, result.code
  FROM recommendations_nightlyresult result
  JOIN transactions_account account ON account.id = result.account_id
 WHERE result.run_id = %(run)s AND result.outcome = %(refused)s
 ORDER BY result.account_id LIMIT %(shown)s
"""


def details(*, run: NightlyRun, shown: int) -> Details:
    """Return the `shown` slowest chunks (first id, last id, seconds) and refused accounts."""
    slowest = rows_of(_SLOWEST, {"run": run.public_id, "kind": CHUNK, "shown": shown})
    refused = rows_of(_REFUSED, {"run": run.pk, "refused": Outcome.REFUSED, "shown": shown})
    return Details(
        [(first, last, seconds) for first, last, seconds in slowest],
        [(public_id, code) for public_id, code in refused],
    )
