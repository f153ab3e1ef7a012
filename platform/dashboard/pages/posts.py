"""What pages do with a form that was sent: count the try, read an id, record it only once."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from core.errors import NotFound
from dashboard.pages.frame import SignedIn
from edge import rate_limits
from jobs.operations import Answer, Subject, answer_once


def count_try(request: SignedIn, limit: rate_limits.RateLimit) -> None:
    """Count a try of the user, by their address and by their id, together with those of the API."""
    rate_limits.consume(limit, request=request, subject=f"user:{request.user.pk}")


def id_sent(request: SignedIn, name: str, *, missing: NotFound) -> UUID:
    """Return the id in a field of the form; raise `missing` if it is none."""
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError:
        raise missing from None


def answered_once(
    request: SignedIn,
    *,
    subject: Subject,
    effect: Callable[[Subject], Answer],
    now: datetime,
    form: Mapping[str, str] | None = None,
) -> Answer:
    """Return the answer of `effect`, which runs once for the key in the form.

    form: what the key stands for; by default all that was sent.
    """
    sent = {name: request.POST[name] for name in sorted(request.POST)} if form is None else form
    answer, _ = answer_once(
        user=request.user,
        key=request.POST.get("key") or None,
        request={"page": request.path, "form": sent},
        now=now,
        access=lambda: subject,
        effect=effect,
    )
    return answer
