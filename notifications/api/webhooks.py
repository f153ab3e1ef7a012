"""API of webhooks: register, change, rotate the secret, test, and read what was sent."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.dates import instant_text
from core.limits import WEBHOOK_URL_LENGTH_MAX
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from edge.serializers import StrictSerializer
from identity.authentication import caller
from identity.models import User
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from notifications import operations, queries
from notifications.models import Delivery, DeliveryState, Webhook
from notifications.topics import TOPIC_NAMES, TOPICS


class WebhookWrite(StrictSerializer):
    url = serializers.CharField(max_length=WEBHOOK_URL_LENGTH_MAX)
    topics = serializers.ListField(
        child=serializers.ChoiceField(choices=TOPIC_NAMES), max_length=len(TOPICS)
    )


class WebhookChange(StrictSerializer):
    url = serializers.CharField(max_length=WEBHOOK_URL_LENGTH_MAX, required=False)
    topics = serializers.ListField(
        child=serializers.ChoiceField(choices=TOPIC_NAMES),
        max_length=len(TOPICS),
        required=False,
    )
    enabled = serializers.BooleanField(required=False)


class WebhookRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    url = serializers.CharField()
    topics = serializers.ListField(child=serializers.CharField())
    enabled = serializers.BooleanField()
    disabled_reason = serializers.CharField(allow_blank=True)
    previous_secret_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class WebhookSecretRead(WebhookRead):
    secret = serializers.CharField()


class WebhookDeliveryRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    topic = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=DeliveryState.values)
    attempts = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    next_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    response_status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)


def webhook_row(hook: Webhook) -> dict[str, object]:
    """Return a webhook as JSON values, without its secret."""
    return {
        "id": str(hook.public_id),
        "url": hook.url,
        "topics": hook.topics,
        "enabled": hook.enabled,
        "disabled_reason": hook.disabled_reason,
        "previous_secret_until": (
            instant_text(hook.previous_until) if hook.previous_until else None
        ),
        "created_at": instant_text(hook.created_at),
    }


def delivery_row(row: Delivery) -> dict[str, object]:
    """Return a delivery as JSON values."""
    waiting = row.state == DeliveryState.WAITING
    return {
        "id": str(row.public_id),
        "topic": row.topic,
        "title": row.title,
        "state": row.state,
        "attempts": row.attempts,
        "created_at": instant_text(row.created_at),
        "next_at": instant_text(row.next_at) if waiting else None,
        "finished_at": instant_text(row.finished_at) if row.finished_at else None,
        "response_status": row.response_status,
        "error": row.error,
    }


class WebhooksView(APIView):
    @extend_schema(
        operation_id="webhooks_list",
        responses=page_of(WebhookRead, keyset=True),
        parameters=page_parameters(keyset=True),
    )
    def get(self, request: Request) -> Response:
        """List the caller's webhooks, newest first."""
        rows = queries.webhooks(user=caller(request))
        return Keyset(sort_key="created_at").answer(request, rows, row=webhook_row)

    @extend_schema(
        operation_id="webhooks_create",
        request=WebhookWrite,
        responses={201: WebhookSecretRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Register an address. The answer holds the secret that signs every message."""
        data = WebhookWrite.parsed(request)
        now = timezone.now()

        def effect(user: User) -> Answer:
            hook = operations.create_webhook(
                user=user, url=data["url"], topics=data["topics"], now=now
            )
            return 201, {**webhook_row(hook), "secret": operations.shown_secret(hook, now=now)}

        return answered_once(request, now=now, access=lambda: caller(request), effect=effect)


class WebhookView(APIView):
    @extend_schema(operation_id="webhooks_read", responses=WebhookRead)
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """Return one webhook."""
        return Response(webhook_row(_hook(request, webhook_id)))

    @extend_schema(operation_id="webhooks_update", request=WebhookChange, responses=WebhookRead)
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        """Change the address, the topics, or whether anything is sent."""
        hook = _hook(request, webhook_id)
        data = WebhookChange.parsed(request)
        return Response(webhook_row(operations.change_webhook(webhook=hook, **data)))

    @extend_schema(operation_id="webhooks_delete", responses={204: None})
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Delete a webhook and its log."""
        operations.delete_webhook(webhook=_hook(request, webhook_id))
        return Response(status=204)


class WebhookTestView(APIView):
    @extend_schema(operation_id="webhooks_test", request=None, responses={202: WebhookDeliveryRead})
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send a test message; its outcome is in the deliveries within seconds."""
        hook = _hook(request, webhook_id)
        row = operations.send_test(webhook=hook, now=timezone.now())
        return Response(delivery_row(row), status=202)


class WebhookSecretView(APIView):
    @extend_schema(operation_id="webhooks_rotate_secret", request=None, responses=WebhookSecretRead)
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Make a new secret. For 24 hours the previous one signs as well."""
        now = timezone.now()
        hook = operations.rotate_secret(webhook=_hook(request, webhook_id), now=now)
        return Response({**webhook_row(hook), "secret": operations.shown_secret(hook, now=now)})


class WebhookDeliveriesView(APIView):
    @extend_schema(
        operation_id="webhook_deliveries",
        responses=page_of(WebhookDeliveryRead, keyset=True),
        parameters=page_parameters(keyset=True),
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """List what was sent to a webhook, or is to be, newest first."""
        rows = queries.webhook_deliveries(webhook=_hook(request, webhook_id))
        return Keyset(sort_key="created_at").answer(request, rows, row=delivery_row)


def _hook(request: Request, webhook_id: UUID) -> Webhook:
    return queries.webhook(user=caller(request), public_id=webhook_id)


urlpatterns = [
    path("webhooks", WebhooksView.as_view()),
    path("webhooks/<uuid:webhook_id>", WebhookView.as_view()),
    path("webhooks/<uuid:webhook_id>/test", WebhookTestView.as_view()),
    path("webhooks/<uuid:webhook_id>/rotate-secret", WebhookSecretView.as_view()),
    path("webhooks/<uuid:webhook_id>/deliveries", WebhookDeliveriesView.as_view()),
]
