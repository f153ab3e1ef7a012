"""Headers of every answer, and the metrics and logs about it."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.urls import path
from prometheus_client import REGISTRY
from rest_framework.test import APIClient

from edge import metrics


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hello")


def asking(request: HttpRequest, number: int) -> HttpResponse:
    list(Group.objects.all())
    Group.objects.filter(pk=number).update(name="x")
    return HttpResponse("asked")


urlpatterns = [
    path("", page),
    path("admin/x", page),
    path("api/v1/docs", page),
    path("api/v1/ask/<int:number>", asking),
]
pytestmark = pytest.mark.urls(__name__)


def test_a_request_id_is_given_or_taken_over() -> None:
    assert re.fullmatch("[0-9a-f]{32}", APIClient().get("/")["X-Request-ID"])
    taken = APIClient().get("/", HTTP_X_REQUEST_ID="client-2026.01_05")
    assert taken["X-Request-ID"] == "client-2026.01_05"


@pytest.mark.parametrize(
    "offered", ["", "short", "x" * 65, "with space!", "a\tb-------", "<script>a"]
)
def test_a_request_id_that_could_do_harm_in_a_log_is_replaced(offered: str) -> None:
    answer = APIClient().get("/", HTTP_X_REQUEST_ID=offered)
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"])


def test_pages_may_load_only_their_own_and_talk_to_the_stream(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["ballast.example"]
    policy = APIClient().get("/", HTTP_HOST="ballast.example:8000")["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["connect-src"] == "'self' ws://ballast.example:8001"
    assert directives["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy


def test_a_stream_elsewhere_is_named_in_the_policy(settings: Any) -> None:
    settings.STREAM_URL = "wss://stream.ballast.example/ws/v1/stream"
    policy = APIClient().get("/")["Content-Security-Policy"]
    assert "connect-src 'self' wss://stream.ballast.example;" in policy


def test_only_the_admin_and_the_docs_may_run_inline_code() -> None:
    loose = [
        place
        for place in ("/", "/admin/x", "/api/v1/docs", "/api/v1/none")
        if "unsafe-inline" in APIClient().get(place)["Content-Security-Policy"]
    ]
    assert loose == ["/admin/x", "/api/v1/docs"]


def _sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.django_db
def test_requests_and_queries_are_counted_by_route_and_never_by_address() -> None:
    route = "api/v1/ask/<int:number>"
    before = _sample("ballast_query_seconds_count", scope=route, kind="UPDATE")
    for number in range(3):
        assert APIClient().get(f"/api/v1/ask/{number}").status_code == 200
    requests = _sample("ballast_request_seconds_count", route=route, method="GET", status="200")
    assert requests >= 3
    assert _sample("ballast_query_seconds_count", scope=route, kind="UPDATE") - before == 3
    assert _sample("ballast_request_queries_sum", route=route) == 2 * requests


def test_addresses_and_methods_nobody_knows_share_one_label() -> None:
    for index in range(5):
        APIClient().generic(f"BREW{index}", f"/nowhere/{index}")
    text = metrics.exposition().decode()
    assert "BREW" not in text
    assert "nowhere" not in text
    labels = {"route": "unmatched", "method": "OTHER", "status": "404"}
    assert _sample("ballast_request_seconds_count", **labels) >= 5


@pytest.mark.django_db
def test_a_job_is_timed_with_its_queries_and_its_end() -> None:
    with metrics.job("test.done"):
        Group.objects.count()
    with pytest.raises(ZeroDivisionError), metrics.job("test.broken"):
        1 / 0  # noqa: B018
    assert _sample("ballast_job_seconds_count", kind="test.done", outcome="done") == 1
    assert _sample("ballast_job_seconds_count", kind="test.broken", outcome="failed") == 1
    assert _sample("ballast_query_seconds_count", scope="test.done", kind="SELECT") == 1


LOG_PROGRAM = """
import logging, django
django.setup()
from django.test import Client
Client().get("/healthz")
Client().get("/nowhere?token=hidden", HTTP_X_REQUEST_ID="request-0001")
logging.getLogger("other").warning("spoken by %s", "a library")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("other").exception("broken")
"""


def test_logs_are_one_json_object_a_line_the_libraries_too() -> None:
    environment = {**os.environ, "LOG_JSON": "1", "TESTING": "1", "ALLOWED_HOSTS": "testserver"}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOG_PROGRAM],
        env={**environment, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    access, library, broken = lines
    assert access["event"] == "request"
    assert (access["path"], access["status"]) == ("/nowhere", 404)
    assert (access["route"], access["request_id"]) == ("unmatched", "request-0001")
    assert access["queries"] == 0
    assert (library["event"], library["level"]) == ("spoken by a library", "warning")
    assert "ZeroDivisionError" in broken["exception"]
    assert "hidden" not in ran.stderr
