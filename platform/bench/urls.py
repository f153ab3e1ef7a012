"""The real addresses, and a view that does nothing: the baseline of every ratio."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from config.urls import urlpatterns as real


def bare(request: HttpRequest) -> HttpResponse:
    """Answer a constant, through the same server and middleware."""
    return HttpResponse(b'{"data": []}', content_type="application/json")


urlpatterns = [path("api/v1/bare", bare), *real]
