"""A small Django project for the tests of the front: it reports the requests that reach Django."""

import re
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from config.settings import *  # noqa: F403
from config.settings import DATA_DIR

ROOT_URLCONF = "front_copy"
ROUTES_SEEN = Path(DATA_DIR) / "seen"
PIECE = b"0123456789abcdef" * 4096


def _seen(request: HttpRequest) -> None:
    with ROUTES_SEEN.open("a") as file:
        file.write(f"{request.path}?{request.META['QUERY_STRING']}\n")


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    """Return the request as it reached Django."""
    _seen(request)
    body = request.read()
    headers = {name: value for name, value in request.META.items() if name.startswith("HTTP_")}
    return JsonResponse(
        {
            "size": len(body),
            "digest": sha256(body).hexdigest(),
            "address": request.META["REMOTE_ADDR"],
            "path": request.path,
            "query": request.META["QUERY_STRING"],
            "headers": headers,
        }
    )


def hold(request: HttpRequest) -> HttpResponse:
    """Keep the thread until the test releases it."""
    _seen(request)
    while not (Path(DATA_DIR) / "let-go").exists():
        time.sleep(0.02)
    return HttpResponse("held")


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[bytes]:
        for _ in range(int(request.GET["pieces"])):
            yield PIECE

    return StreamingHttpResponse(pieces(), content_type="application/octet-stream")


def filed(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(sys.executable).resolve().open("rb"))


def standstill(request: HttpRequest) -> HttpResponse:
    """Run a backtracking expression: it holds the GIL, so nothing else of the process runs."""
    re.match(r"(a+)+$", "a" * 64 + "b")
    return HttpResponse("never")


urlpatterns: list[Any] = [
    path("echo", echo),
    path("api/v1/echo", echo),
    path("api/v1/imports", echo),
    path("hold", hold),
    path("api/v1/hold", hold),
    path("streamed", streamed),
    path("filed", filed),
    path("standstill", standstill),
]
