"""Upkeep of log-ins, run by the schedule."""

from celery import shared_task
from django.utils import timezone

from identity.operations import closing, mail_links, recovery, refresh_tokens, refused_log_ins
from identity.operations.sessions import SessionStore


@shared_task(name="identity.answer_reset_requests", soft_time_limit=30, time_limit=40)
def answer_reset_requests() -> None:
    """Woken by a request, and every 10 s: announce the mails of forgotten passwords.

    Also those about refused log-ins, which wait for nothing but this.
    """
    recovery.answer_reset_requests(now=timezone.now())
    refused_log_ins.tell_refused(now=timezone.now())


@shared_task(name="identity.forget_dead_log_ins", soft_time_limit=300, time_limit=320)
def forget_dead_log_ins() -> None:
    """Every night: close users who asked for it, and delete what ended long ago."""
    now = timezone.now()
    closing.close_due(now=now)
    refresh_tokens.forget_dead_families(now=now)
    SessionStore.clear_expired()
    mail_links.forget_old_links(now=now)
    recovery.forget_old_requests(now=now)
