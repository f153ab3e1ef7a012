"""API of browsers that take pushes."""

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
from core.limits import PUSH_ENDPOINT_LENGTH_MAX
from edge.pagination import Keyset
from edge.schema import page_of, page_parameters
from edge.serializers import StrictSerializer
from identity.authentication import caller
from identity.models import User
from jobs.api import IDEMPOTENCY_HEADER, answered_once
from jobs.operations import Answer
from notifications import operations, queries
from notifications.models import PushSubscription


class PushKeysWrite(StrictSerializer):
    p256dh = serializers.CharField(max_length=100)
    auth = serializers.CharField(max_length=40)


class PushSubscriptionWrite(StrictSerializer):
    endpoint = serializers.CharField(max_length=PUSH_ENDPOINT_LENGTH_MAX)
    keys = PushKeysWrite()
    # Browsers send it; the service tells us itself when a subscription has ended.
    expirationTime = serializers.IntegerField(required=False, allow_null=True)  # noqa: N815


class PushSubscriptionRead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    endpoint = serializers.CharField()
    created_at = serializers.DateTimeField()


class PushKeyRead(serializers.Serializer[Any]):
    public_key = serializers.CharField()


def subscription_row(row: PushSubscription) -> dict[str, object]:
    """Return a subscription as JSON values, without its keys."""
    return {
        "id": str(row.public_id),
        "endpoint": row.endpoint,
        "created_at": instant_text(row.created_at),
    }


class PushSubscriptionsView(APIView):
    @extend_schema(
        operation_id="push_subscriptions_list",
        responses=page_of(PushSubscriptionRead, keyset=True),
        parameters=page_parameters(keyset=True),
    )
    def get(self, request: Request) -> Response:
        """List the caller's browsers that take pushes, newest first."""
        rows = queries.push_subscriptions(user=caller(request))
        return Keyset(sort_key="created_at").answer(request, rows, row=subscription_row)

    @extend_schema(
        operation_id="push_subscriptions_create",
        request=PushSubscriptionWrite,
        responses={201: PushSubscriptionRead},
        parameters=[IDEMPOTENCY_HEADER],
    )
    def post(self, request: Request) -> Response:
        """Subscribe a browser, with what its `PushManager.subscribe` returned."""
        data = PushSubscriptionWrite.parsed(request)
        now = timezone.now()

        def effect(user: User) -> Answer:
            row = operations.subscribe(
                user=user,
                endpoint=data["endpoint"],
                public_key=data["keys"]["p256dh"],
                secret=data["keys"]["auth"],
                now=now,
            )
            return 201, subscription_row(row)

        return answered_once(request, now=now, access=lambda: caller(request), effect=effect)


class PushSubscriptionView(APIView):
    @extend_schema(operation_id="push_subscriptions_delete", responses={204: None})
    def delete(self, request: Request, subscription_id: UUID) -> Response:
        """Forget a browser."""
        row = queries.push_subscription(user=caller(request), public_id=subscription_id)
        operations.unsubscribe_browser(subscription=row)
        return Response(status=204)


class PushKeyView(APIView):
    @extend_schema(operation_id="push_key", responses=PushKeyRead)
    def get(self, request: Request) -> Response:
        """Return the public key that a browser's subscription names."""
        return Response({"public_key": operations.own_public_key()})


urlpatterns = [
    path("push/key", PushKeyView.as_view()),
    path("push/subscriptions", PushSubscriptionsView.as_view()),
    path("push/subscriptions/<uuid:subscription_id>", PushSubscriptionView.as_view()),
]
