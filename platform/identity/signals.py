"""Rows deleted outside the operations (by a shell or a cascade) end rights as well."""

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from identity.models import AdviserLink, User
from identity.operations.ended_rights import rights_changed


@receiver(post_delete, sender=User)
def user_deleted(instance: User, **_: Any) -> None:
    """Refuse a deleted user's tokens, tickets and sockets as soon as the row is gone."""
    if instance.pk is not None:
        rights_changed(user_ids=[instance.pk])


@receiver(post_delete, sender=AdviserLink)
def link_deleted(instance: AdviserLink, **_: Any) -> None:
    """End the adviser's access to the household, however the link was deleted."""
    rights_changed(user_ids=[instance.adviser_id])
