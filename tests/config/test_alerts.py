"""The alert rules name metrics that exist, and Prometheus can read them."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from embedded.places import ROOT

RULES = ROOT / "platform/docker/alerts.yaml"
_SUFFIXES = ("_total", "_bucket", "_count", "_sum")


def alerts() -> list[dict[str, Any]]:
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


def declared() -> set[str]:
    """Every name of a metric in the source."""
    texts = [
        path.read_text()
        for folder in (
            *("marketdata", "transactions", "portfolios", "recommendations"),
            "notifications",
        )
        for path in (ROOT / folder).rglob("*.py")
    ]
    texts += [path.read_text() for path in (ROOT / "platform").rglob("*.py")]
    return {name for text in texts for name in re.findall(r'"(ballast_[a-z_]+)"', text)}


def test_each_alert_rests_on_metrics_that_exist_and_says_what_to_do() -> None:
    known = declared()
    for rule in alerts():
        used = re.findall(r"ballast_[a-z_]+", rule["expr"])
        assert used, rule["alert"]
        for name in used:
            base = next((name.removesuffix(end) for end in _SUFFIXES if name.endswith(end)), name)
            assert name in known or base in known, (rule["alert"], name)
        assert {"summary", "what_to_do"} <= set(rule["annotations"]), rule["alert"]
        assert rule["labels"]["severity"] in {"warning", "critical"}, rule["alert"]
    assert len({rule["alert"] for rule in alerts()}) == len(alerts())


def test_prometheus_reads_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: the syntax of the alert rules is NOT checked")
    found = subprocess.run(
        [promtool, "check", "rules", str(RULES)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
