"""The alert rules: their metrics exist, Prometheus reads them, and each fires at its fault only."""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from embedded.places import ROOT

FOLDER = ROOT / "platform/monitoring"
RULES = sorted((FOLDER / "alerts").glob("*.yaml"))
_SUFFIXES = ("_total", "_bucket", "_count", "_sum")
_DAY = 86_400


def rules() -> list[dict[str, Any]]:
    return [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


@cache
def declared() -> frozenset[str]:
    """Every name of a metric in the source."""
    folders = ("marketdata", "transactions", "portfolios", "recommendations", "notifications")
    texts = [path.read_text() for name in folders for path in (ROOT / name).rglob("*.py")]
    texts += [path.read_text() for path in (ROOT / "platform").rglob("*.py")]
    return frozenset(name for text in texts for name in re.findall(r'"(ballast_[a-z_]+)"', text))


def unknown_metrics(expression: str) -> list[str]:
    """Return the metrics of an expression that the source does not declare."""
    found = []
    for name in re.findall(r"ballast_[a-z_]+", expression):
        base = next((name.removesuffix(end) for end in _SUFFIXES if name.endswith(end)), name)
        if name not in declared() and base not in declared():
            found.append(name)
    return found


def test_each_rule_rests_on_metrics_that_exist() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        assert unknown_metrics(rule["expr"]) == [], rule
        assert set(re.findall(r"ballast:[a-z_]+:?[a-z0-9]*", rule["expr"])) <= recorded, rule
    assert unknown_metrics("rate(ballast_no_such_metric_total[5m])")


def test_each_alert_says_what_to_do_and_has_a_paragraph_in_the_runbook() -> None:
    runbook = (FOLDER / "runbook.md").read_text()
    for rule in alerts():
        assert {"summary", "what_to_do"} <= set(rule["annotations"]), rule["alert"]
        assert rule["labels"]["severity"] in {"warning", "critical"}, rule["alert"]
        assert f"\n**{rule['alert']}.**" in runbook, rule["alert"]
    names = [rule["alert"] for rule in alerts()]
    assert len(set(names)) == len(names)
    described = set(re.findall(r"^\*\*([A-Z]\w+)\.\*\*", runbook, re.MULTILINE))
    assert described == set(names)
    for level in LEVELS:
        assert f"`{level}`" in runbook, level


def test_each_dashboard_draws_metrics_that_exist() -> None:
    dashboards = sorted((FOLDER / "dashboards").glob("*.json"))
    assert len(dashboards) >= 3
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    uids = set()
    for path in dashboards:
        board = yaml.safe_load(path.read_text())
        uids.add(board["uid"])
        targets = [one for panel in board["panels"] for one in panel.get("targets", [])]
        assert targets, path
        for target in targets:
            assert unknown_metrics(target["expr"]) == [], (path, target["expr"])
            assert set(re.findall(r"ballast:[a-z_]+:?[a-z0-9]*", target["expr"])) <= recorded
        places = [tuple(panel["gridPos"].values()) for panel in board["panels"]]
        assert len(set(places)) == len(places), path
    assert len(uids) == len(dashboards)


def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian: prometheus): alert rules are NOT checked")
    return found


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([promtool(), *words], capture_output=True, text=True, check=False)


def test_prometheus_reads_the_rules() -> None:
    found = run("check", "rules", *map(str, RULES))
    assert found.returncode == 0, found.stdout + found.stderr


@dataclass(frozen=True)
class Case:
    """A fault: series of one value a minute, and the alert that must fire with these labels."""

    alert: str
    series: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    minutes: int = 60
    # The same series in health, by which nothing may fire.
    health: dict[str, str] = field(default_factory=dict)


def _gauge(alert: str, name: str, ill: str, well: str, **labels: str) -> Case:
    return Case(alert, {name: ill}, labels, health={name: well})


def _level(level: str, metric: str, labels: str, le: str) -> list[Case]:
    """Half of the events of a level miss it for hours; in health one in ten thousand does."""
    count, bucket = f"{metric}_count{{{labels}}}", f'{metric}_bucket{{{labels},le="{le}"}}'
    health = {count: "0+600x400", bucket: "0+599.99x400"}
    ill = {count: "0+600x400", bucket: "0+60x400"}
    return [
        Case("BudgetBurnsFast", ill, {"level": level}, 90, health),
        Case("BudgetBurnsSlowly", ill, {"level": level}, 390, health),
    ]


_HOLDINGS = 'route="api/v1/portfolios/<uuid:account_id>/holdings",method="GET",status="200"'
_OF_LEVELS = {
    "holdings_p95": ("ballast_request_seconds", _HOLDINGS, "0.2"),
    "holdings_p99": ("ballast_request_seconds", _HOLDINGS, "0.5"),
    "transactions_p95": ("ballast_request_seconds", 'route="api/v1/transactions"', "0.5"),
    "profile_p95": ("ballast_request_seconds", 'route="api/v1/users/me"', "0.1"),
    "price_p99": ("ballast_stream_tick_seconds", 'job="stream"', "0.1"),
    "rebalance_p95": ("ballast_job_seconds", 'kind="recommendations.rebalance"', "2.0"),
    "rebalance_p99": ("ballast_job_seconds", 'kind="recommendations.rebalance"', "10.0"),
    "record_query_p95": (
        "ballast_query_seconds",
        'kind="SELECT",scope="api/v1/accounts/<uuid:account_id>"',
        "0.005",
    ),
    "aggregate_query_p95": ("ballast_query_seconds", 'scope="home/value"', "0.2"),
    "tax_query_p95": ("ballast_query_seconds", 'scope="accounts/<uuid:account_id>/gains"', "5.0"),
}
LEVELS = ("uptime", *_OF_LEVELS)
_ALL = 'ballast_request_seconds_count{route="x",status="200"}'
_BAD = 'ballast_request_seconds_count{route="x",status="503"}'
_DOWN = {_ALL: "0+60x400", _BAD: "0+10x400"}
_UP = {_ALL: "0+600000x400", _BAD: "0+1x400"}

CASES = [
    *(case for level, what in _OF_LEVELS.items() for case in _level(level, *what)),
    Case("BudgetBurnsFast", _DOWN, {"level": "uptime"}, 90, _UP),
    Case("BudgetBurnsSlowly", _DOWN, {"level": "uptime"}, 390, _UP),
    _gauge("VendorBreakerOpen", 'ballast_provider_breaker{provider="v"}', "2x90", "0x90",
           provider="v"),
    _gauge("AssetsWithoutQuotes", "ballast_feed_unanswered_assets", "3x90", "0x90"),
    _gauge("VendorLies", 'ballast_provider_figures_refused_total{provider="v"}', "0+2x90", "5x90",
           provider="v"),
    _gauge("VendorsDisagree", "ballast_provider_disagreements_total", "0+1x90", "7x90"),
    _gauge("QuotaNearlyUsed", 'ballast_provider_calls_left{provider="v",window_s="86400"}', "2x90",
           "20x90", provider="v", window_s="86400"),
    _gauge("ExchangeRatesOld", "ballast_newest_fixing_seconds", f"-{5 * _DAY}x90", "0x90"),
    _gauge("PricePartitionsEndSoon", "ballast_price_partitions_end_seconds", f"{_DAY}x90",
           f"{30 * _DAY}x90"),
    _gauge("PricesInDefaultPartition", "ballast_price_default_partition_holds_rows", "1x90",
           "0x90"),
    _gauge("PriceTierAway", "ballast_price_tier_gaps_total", "0+1x90", "3x90"),
    _gauge("DeliveriesWait", 'ballast_deliveries_oldest_due_seconds{channel="email"}', "700x90",
           "20x90", channel="email"),
    _gauge("DeadDeliveries", 'ballast_deliveries_dead{channel="email"}', "0+5x90", "150x90",
           channel="email"),
    _gauge("JobsWait", 'ballast_jobs_oldest_due_seconds{queue="interactive"}', "90x90", "5x90",
           queue="interactive"),
    _gauge("JobsWait", 'ballast_jobs_oldest_due_seconds{queue="nightly"}', "15000x90", "9000x90",
           queue="nightly"),
    _gauge("JobsFail", 'ballast_job_seconds_count{kind="k",outcome="failed"}', "0+1x90", "40x90",
           kind="k"),
    _gauge("TasksFail", 'ballast_task_seconds_count{task="t",outcome="failure"}', "0+1x90", "9x90",
           task="t"),
    Case("NothingIsMeasured", {"up": "1x90"}, {}, health={"ballast_jobs_waiting": "0x90"}),
    _gauge("EventsWait", 'ballast_outbox_oldest_seconds{state="waiting"}', "400x90", "5x90"),
    _gauge("DeadEvents", 'ballast_outbox_rows{state="dead"}', "1x90", "0x90"),
    _gauge("NightStopped", "ballast_nightly_stopped", "1x90", "0x90"),
    _gauge("NightChunksFailed", 'ballast_nightly_chunks{state="failed"}', "1x90", "0x90"),
    _gauge("NightTooLong", "ballast_nightly_running_seconds", "14500x90", "0x90"),
    Case(
        "NightStandsStill",
        {"ballast_nightly_running_seconds": "0+60x90",
         'ballast_nightly_accounts{state="done"}': "2000x90"},
        health={"ballast_nightly_running_seconds": "0+60x90",
                'ballast_nightly_accounts{state="done"}': "0+500x90"},
    ),
    _gauge("LedgerWrong", "ballast_ledger_differences", "2x90", "0x90"),
    _gauge("LedgerUnverified", "ballast_ledger_verified_seconds", f"-{9 * _DAY}x90", "0x90"),
    Case(
        "ConnectionsNearlyUsed",
        {'ballast_database_connections{state="idle"}': "60x90",
         'ballast_database_connections{state="active"}': "30x90",
         "ballast_database_connections_max": "100x90"},
        health={'ballast_database_connections{state="idle"}': "60x90",
                "ballast_database_connections_max": "100x90"},
    ),
    _gauge("TransactionOpenTooLong", "ballast_database_oldest_transaction_seconds", "4000x90",
           "2x90"),
    _gauge("LogNotArchived", "ballast_database_log_failing", "1x90", "0x90"),
    _gauge("BackupOld", "ballast_backup_finished_seconds", f"-{2 * _DAY}x90", "0x90"),
    _gauge("CacheEvicts", "ballast_redis_evicted_keys", "0+2000x90", "0+2x90"),
    _gauge("UnhandledErrors", 'ballast_unhandled_errors_total{route="r"}', "0+1x90", "9x90",
           route="r"),
    _gauge("RequestsRefused", 'ballast_front_refused_total{code="c"}', "0+120x90", "0+1x90",
           code="c"),
    Case(
        "StreamLoopLags",
        {'ballast_stream_loop_lag_seconds_bucket{le="0.1"}': "0+60x90",
         'ballast_stream_loop_lag_seconds_bucket{le="0.25"}': "0+120x90",
         'ballast_stream_loop_lag_seconds_bucket{le="+Inf"}': "0+120x90"},
        health={'ballast_stream_loop_lag_seconds_bucket{le="0.1"}': "0+120x90",
                'ballast_stream_loop_lag_seconds_bucket{le="+Inf"}': "0+120x90"},
    ),
    _gauge("StreamSourceLost", "ballast_stream_source_up", "0x90", "1x90"),
    _gauge("StreamRightsUnchecked", "ballast_stream_rights_age_seconds", "20x90", "1x90"),
    # promtool begins on Thursday, 1 January 1970, at midnight: 16:00 is in market hours.
    Case("QuotesOld", {"ballast_newest_quote_seconds": "0x1000"}, minutes=960,
         health={"ballast_newest_quote_seconds": "0+60x1000"}),
]  # fmt: skip


def _test_of(case: Case, *, ill: bool) -> dict[str, Any]:
    series = case.series if ill else case.health
    # The queues are measured in every case but their own.
    if "ballast_jobs_waiting" not in series and case.alert != "NothingIsMeasured":
        series = series | {"ballast_jobs_waiting": "0x1000"}
    [severity] = [x["labels"]["severity"] for x in alerts() if x["alert"] == case.alert]
    labels = {"alertname": case.alert, "alertstate": "firing", "severity": severity, **case.labels}
    shown = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    which = ",".join(f'{name}="{value}"' for name, value in case.labels.items())
    wanted = f'ALERTS{{alertstate="firing",alertname="{case.alert}"' + (
        f",{which}" if which else ""
    )
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"{wanted}}}" if ill else 'ALERTS{alertstate="firing"}',
                "eval_time": f"{case.minutes}m",
                "exp_samples": [{"labels": f"ALERTS{{{shown}}}", "value": 1}] if ill else [],
            }
        ],
    }


@pytest.mark.proof
@pytest.mark.parametrize("ill", [True, False], ids=["fires", "stays quiet"])
def test_each_alert_fires_at_its_fault_and_only_then(ill: bool, tmp_path: Path) -> None:
    content = {
        "rule_files": [str(path) for path in RULES],
        "evaluation_interval": "1m",
        "tests": [_test_of(case, ill=ill) for case in CASES],
    }
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    found = run("test", "rules", str(tmp_path / "cases.yaml"))
    assert found.returncode == 0, found.stdout + found.stderr


def test_each_alert_and_each_level_has_a_case() -> None:
    assert {case.alert for case in CASES} == {rule["alert"] for rule in alerts()}
    for alert in ("BudgetBurnsFast", "BudgetBurnsSlowly"):
        assert {case.labels["level"] for case in CASES if case.alert == alert} == set(LEVELS)
    budgets = {rule["labels"]["level"] for rule in rules() if "budget" in rule.get("record", "")}
    assert budgets == set(LEVELS)
