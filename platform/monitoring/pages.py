"""Pages of operators beside the admin: the state of the installation, and the audit trail."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db import connections
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET
from pghistory.models import Context, Event

from dashboard.pages.frame import shown
from identity.models import User
from monitoring.audit import Entry, changes_between, facts, predecessors
from monitoring.checks import CHECKS
from monitoring.examination import examine, worst
from monitoring.findings import Level

# A page waits less long for a check than the command does.
LOOK_S_MAX = 4.0
ENTRIES_SHOWN = 50
# Events of the shown rows that are read to find what each changed.
EVENTS_READ_MAX = 2_000
FIRST_TRAIL = "userevent"
_NUMBER_MAX = 2**31 - 1
# The row that an event is about: every concrete model of the trail has it.
_ROW = "pgh_obj_id"


@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """Show what every check of the doctor finds now, the worst first."""
    found = examine(CHECKS, look_s_max=LOOK_S_MAX, when_done=connections.close_all)
    order = list(reversed(Level))
    rows = [(name, finding) for name, findings in found.items() for finding in findings]
    rows.sort(key=lambda row: order.index(row[1].level))
    return shown(request, "operators_state", {"rows": rows, "worst": worst(found).value})


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Show the changes of one kind of row, newest first, with who made them."""
    trails = _trails()
    name = request.GET.get("of", FIRST_TRAIL)
    name = name if name in trails else FIRST_TRAIL
    text, before = request.GET.get("object", "").strip(), _number(request.GET.get("before", ""))
    rows = trails[name].objects.order_by("-pgh_id")
    wrong = False
    if text:
        number = _number(text)
        wrong = number is None
        rows = rows.filter(**{_ROW: number}) if number is not None else rows.none()
    if before is not None:
        rows = rows.filter(pgh_id__lt=before)
    page = list(rows.values()[: ENTRIES_SHOWN + 1])
    return shown(
        request,
        "operators_audit",
        {
            "entries": _entries(trails[name], page[:ENTRIES_SHOWN]),
            "of": name,
            "object": text,
            "wrong": wrong,
            "trails": [(key, _title(model)) for key, model in sorted(trails.items())],
            "before": page[ENTRIES_SHOWN - 1]["pgh_id"] if len(page) > ENTRIES_SHOWN else None,
        },
    )


def _entries(model: type[Event], page: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """Return a page of events with what each changed; three queries for any number."""
    if not page:
        return []
    rows = (
        model.objects.filter(pgh_id__lte=page[0]["pgh_id"])
        .filter(**{f"{_ROW}__in": {row[_ROW] for row in page}})
        .order_by("-pgh_id")
        .values()[:EVENTS_READ_MAX]
    )
    earlier = predecessors(reversed(list(rows)))
    contexts = {
        context.pk: context.metadata
        for context in Context.objects.filter(pk__in={row["pgh_context_id"] for row in page})
    }
    ids = {metadata.get("user") for metadata in contexts.values()} - {None}
    people = dict(User.objects.filter(pk__in=ids).values_list("pk", "email"))
    found = []
    for row in page:
        metadata = contexts.get(row["pgh_context_id"], {})
        known = earlier.get(row["pgh_id"])
        changes, further = changes_between(None if known is None else facts(known), facts(row))
        found.append(
            Entry(
                number=row["pgh_id"],
                label=row["pgh_label"],
                at=row["pgh_created_at"],
                row=row["pgh_obj_id"],
                by=people.get(metadata.get("user"), ""),
                request=str(metadata.get("url", "")),
                changes=changes,
                further=further,
            )
        )
    return found


def _trails() -> dict[str, type[Event]]:
    """Return the models of the trail by name, one for each kind of row that is tracked."""
    found: dict[str, type[Event]] = {}
    for model in apps.get_models():
        if issubclass(model, Event) and getattr(model, "pgh_tracked_model", None):
            found[str(model._meta.model_name)] = model
    return found


def _title(model: type[Event]) -> str:
    tracked: type[Model] = getattr(model, "pgh_tracked_model")  # noqa: B009
    return str(tracked._meta.verbose_name).capitalize()


def _number(text: str) -> int | None:
    """Return a number that the columns can hold, or None."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        return None
    number = int(text)
    return number if number <= _NUMBER_MAX else None


urlpatterns = [
    path("admin/state/", admin.site.admin_view(state), name="operators_state"),
    path("admin/audit/", admin.site.admin_view(audit), name="operators_audit"),
]
