"""Addresses in mails and pushes: of the page an event is about, and of signed unsubscribing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.module_loading import import_string

_SALT = "notifications.unsubscribe"


def absolute(path: str) -> str:
    """Return a path of the pages as a full address."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"


def mail_domain() -> str:
    """Return the host name under which mails are identified."""
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"


# Pages of an account to which an event may lead.
_PAGES_OF_ACCOUNTS = frozenset({"dividends_due", "harvest"})


def page_of(payload: Mapping[str, Any]) -> str:
    """Return the path of the page an event is about; the list of notices if it has none."""
    return page_about(payload) or reverse("notices")


def page_about(payload: Mapping[str, Any]) -> str | None:
    """Return the path of the page an event is about, or None."""
    if payload.get("corporate_action_id"):
        return reverse("corporate_action", args=[payload["corporate_action_id"]])
    if payload.get("model_id"):
        return reverse("model", args=[payload["model_id"]])
    account_id, decision_id = payload.get("account_id"), payload.get("recommendation_id")
    if account_id and decision_id:
        return reverse("recommendation", args=[account_id, decision_id])
    page = payload.get("page")
    name = page if page in _PAGES_OF_ACCOUNTS else "portfolio"
    return reverse(name, args=[account_id]) if account_id else None


def secret_link(payload: Mapping[str, Any], *, now: datetime) -> str | None:
    """Return the path of a mail about someone's access, made at the moment it is sent.

    None: the mail is no longer wanted. A kind without a function leads to the settings.
    """
    name = settings.MAIL_LINKS.get(payload["kind"])
    if name is None:
        return reverse("settings")
    path: str | None = import_string(name)(payload=payload, now=now)
    return path


def unsubscribe_path(*, user_id: int, topic: str) -> str:
    """Return the path that ends the mails of a topic, for whoever has the mail."""
    token = signing.dumps({"user": user_id, "topic": topic}, salt=_SALT)
    return reverse("unsubscribe", args=[token])


def unsubscribed(token: str) -> tuple[int, str] | None:
    """Return the user and the topic of such a path; None if it is not ours."""
    try:
        values = signing.loads(token, salt=_SALT)
        return int(values["user"]), str(values["topic"])
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        return None
