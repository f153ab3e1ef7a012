"""What pages do with a form that was sent: record it only once."""

from collections.abc import Callable, Mapping
from datetime import datetime

from dashboard.pages.frame import SignedIn
from jobs.operations import Answer, Subject, answer_once


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
