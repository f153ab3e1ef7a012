"""The service worker: it must come from the top of the site to receive pushes for all of it."""

from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_http_methods

NAME = "dashboard/service-worker.js"


@require_http_methods(["GET", "HEAD"])
def service_worker(request: HttpRequest) -> FileResponse:
    """Return the script; browsers ask again for changes by themselves."""
    path = staticfiles_storage.path(NAME) if staticfiles_storage.exists(NAME) else None
    path = path or finders.find(NAME)
    if path is None:
        raise Http404
    return FileResponse(
        Path(path).open("rb"),  # the response closes it
        content_type="text/javascript",
        headers={"Cache-Control": "no-cache"},
    )
