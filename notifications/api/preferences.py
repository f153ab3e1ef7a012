"""API of preferences: what a person is told, on which channel, and when."""

from datetime import time
from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.limits import MUTED_ACCOUNTS_MAX
from edge.serializers import StrictSerializer
from identity.authentication import caller
from notifications import queries
from notifications.models import Digest
from notifications.operations import Given, set_preferences
from notifications.preferences import Wishes, wants
from notifications.topics import CHOSEN_CHANNELS, TOPIC_NAMES, TOPICS


class ChannelsWrite(StrictSerializer):
    in_app = serializers.BooleanField(required=False)
    email = serializers.BooleanField(required=False)
    push = serializers.BooleanField(required=False)


class TopicWrite(StrictSerializer):
    topic = serializers.ChoiceField(choices=TOPIC_NAMES)
    channels = ChannelsWrite()


class QuietHoursWrite(StrictSerializer):
    start = serializers.TimeField(format="%H:%M", input_formats=["%H:%M"])
    end = serializers.TimeField(format="%H:%M", input_formats=["%H:%M"])


class PreferencesWrite(StrictSerializer):
    """What is left out stays as it is."""

    topics: serializers.ListSerializer[Any] = serializers.ListSerializer(
        child=TopicWrite(), required=False, max_length=len(TOPICS)
    )
    time_zone = serializers.CharField(max_length=64, required=False)
    quiet_hours = QuietHoursWrite(required=False, allow_null=True)
    digest = serializers.ChoiceField(choices=Digest.values, required=False)
    muted_accounts = serializers.ListField(
        child=serializers.UUIDField(), max_length=MUTED_ACCOUNTS_MAX, required=False
    )


class ChannelsRead(serializers.Serializer[Any]):
    in_app = serializers.BooleanField()
    email = serializers.BooleanField()
    push = serializers.BooleanField()


class TopicRead(serializers.Serializer[Any]):
    topic = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    urgent = serializers.BooleanField()
    channels = ChannelsRead()
    required_channels = serializers.ListField(child=serializers.CharField())


class QuietHoursRead(serializers.Serializer[Any]):
    start = serializers.TimeField(format="%H:%M")
    end = serializers.TimeField(format="%H:%M")


class PreferencesRead(serializers.Serializer[Any]):
    topics = TopicRead(many=True)
    time_zone = serializers.CharField()
    quiet_hours = QuietHoursRead(allow_null=True)
    digest = serializers.ChoiceField(choices=Digest.values)
    muted_accounts = serializers.ListField(child=serializers.UUIDField())


def preferences_row(wishes: Wishes) -> dict[str, object]:
    """Return preferences as JSON values."""
    quiet = None
    if wishes.quiet_from is not None and wishes.quiet_until is not None:
        quiet = {"start": f"{wishes.quiet_from:%H:%M}", "end": f"{wishes.quiet_until:%H:%M}"}
    return {
        "topics": [
            {
                "topic": topic.name,
                "title": topic.title,
                "description": topic.description,
                "urgent": topic.urgent,
                "channels": {
                    channel: wants(wishes=wishes, topic=topic, channel=channel)
                    for channel in CHOSEN_CHANNELS
                },
                "required_channels": list(topic.required),
            }
            for topic in TOPICS.values()
        ],
        "time_zone": wishes.time_zone,
        "quiet_hours": quiet,
        "digest": wishes.digest,
        "muted_accounts": [str(account_id) for account_id in sorted(wishes.muted_accounts)],
    }


def _quiet_hours(data: dict[str, Any]) -> tuple[time, time] | tuple[()] | None:
    """Return the quiet hours of a request: none given, none wanted, or two times."""
    if "quiet_hours" not in data:
        return None
    given = data["quiet_hours"]
    return (given["start"], given["end"]) if given else ()


class PreferencesView(APIView):
    @extend_schema(operation_id="notification_preferences", responses=PreferencesRead)
    def get(self, request: Request) -> Response:
        """Return what the caller is told, on which channel, and when."""
        wishes = queries.wishes_of(queries.preference_of(user=caller(request)))
        return Response(preferences_row(wishes))

    @extend_schema(
        operation_id="notification_preferences_replace",
        request=PreferencesWrite,
        responses=PreferencesRead,
    )
    def put(self, request: Request) -> Response:
        """Change preferences; what is left out stays as it is."""
        data = PreferencesWrite.parsed(request)
        wishes = set_preferences(
            user=caller(request),
            given=Given(
                choices={row["topic"]: row["channels"] for row in data.get("topics", [])},
                time_zone=data.get("time_zone"),
                quiet_hours=_quiet_hours(data),
                digest=data.get("digest"),
                muted_accounts=data.get("muted_accounts"),
            ),
            now=timezone.now(),
        )
        return Response(preferences_row(wishes))


urlpatterns = [path("notifications/preferences", PreferencesView.as_view())]
