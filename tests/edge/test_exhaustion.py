"""A pool with one connection, and it is taken: others get 503 in time, then recover."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys, threading, types
import django
django.setup()
from django.db import connection
from django.http import HttpResponse
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory, override_settings
from django.urls import path

held, release = threading.Event(), threading.Event()

def hold(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        held.set()
        release.wait(20)
    return HttpResponse("held")

def ask(request):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("asked")

def get(address):
    # As a server does it: to the end of the answer, where the connection goes back to the pool.
    answers = []
    environ = RequestFactory().get(address).environ
    response = handler(environ, lambda status, headers: answers.append((status, dict(headers))))
    body = b"".join(response)
    response.close()
    return (*answers[0], body)

urls = types.ModuleType("exhaustion_urls")
urls.urlpatterns = [path("api/v1/hold", hold), path("api/v1/ask", ask)]
sys.modules["exhaustion_urls"] = urls

with override_settings(ROOT_URLCONF="exhaustion_urls"):
    handler = WSGIHandler()
    thread = threading.Thread(target=lambda: get("/api/v1/hold"))
    thread.start()
    assert held.wait(10)
    status, headers, body = get("/api/v1/ask")
    print(status[:3], json.loads(body)["code"], headers["Retry-After"], thread.is_alive())
    release.set()
    thread.join()
    print(get("/api/v1/ask")[0][:3])
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.proof
def test_an_exhausted_pool_answers_503_and_recovers() -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "TESTING": "1",
        "ALLOWED_HOSTS": "testserver",
        "DB_POOL_SIZE": "1",
        "DB_POOL_TIMEOUT_S": "1",
    }
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.splitlines() == ["503 database_busy 1 True", "200"], ran.stderr
