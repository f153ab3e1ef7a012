"""Upkeep of log-ins, run by the schedule."""

from celery import shared_task
from django.utils import timezone

from identity.operations import refresh_tokens
from identity.operations.sessions import SessionStore


@shared_task(name="identity.forget_dead_log_ins", soft_time_limit=300, time_limit=320)
def forget_dead_log_ins() -> None:
    """Every night: delete refresh families and page sessions that ended long ago."""
    refresh_tokens.forget_dead_families(now=timezone.now())
    SessionStore.clear_expired()
