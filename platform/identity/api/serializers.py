"""Serializers of the identity API."""

from typing import Any

from rest_framework import serializers

from core.limits import NAME_LENGTH_MAX
from edge.serializers import CurrencyField, EmailField, FractionField, StrictSerializer

# Argon2 reads the whole password, so the length is bounded to bound the work.
PASSWORD_LENGTH_MAX = 200


def _password(**options: Any) -> serializers.CharField:
    return serializers.CharField(
        max_length=PASSWORD_LENGTH_MAX, trim_whitespace=False, write_only=True, **options
    )


class RegistrationSerializer(StrictSerializer):
    email = EmailField()
    password = _password()
    full_name = serializers.CharField(
        max_length=NAME_LENGTH_MAX, required=False, allow_blank=True, default=""
    )
    invitation = serializers.CharField(
        max_length=200, required=False, help_text="Token of an invitation to a household."
    )


class RegisteredSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField()


class CredentialsSerializer(StrictSerializer):
    email = EmailField()
    password = _password()
    otp = serializers.CharField(
        max_length=24,
        required=False,
        help_text="One-time password or recovery code, for users with a second factor.",
    )


class TokenPairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds until the access token expires.")


class RefreshSerializer(StrictSerializer):
    refresh = serializers.CharField(max_length=2000)


class LogoutSerializer(StrictSerializer):
    refresh = serializers.CharField(max_length=2000, required=False)


class StreamTicketSerializer(serializers.Serializer[Any]):
    ticket = serializers.CharField()
    expires_in = serializers.IntegerField()
    url = serializers.CharField()


class PasswordChangeSerializer(StrictSerializer):
    current_password = _password()
    new_password = _password()


class MemberSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    full_name = serializers.CharField()
    email = serializers.EmailField()


class HouseholdSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    members = MemberSerializer(many=True, source="people")


class ProfileSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    email = serializers.EmailField()
    full_name = serializers.CharField()
    role = serializers.ChoiceField(choices=["investor", "adviser", "operator"])
    base_currency = serializers.CharField()
    federal_ordinary_rate = FractionField()
    federal_long_term_rate = FractionField()
    state_rate = FractionField()
    net_investment_income_rate = FractionField()
    household = HouseholdSerializer()
    email_verified_at = serializers.DateTimeField(allow_null=True)
    pending_email = serializers.EmailField(allow_null=True)
    closes_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class ProfileChangeSerializer(StrictSerializer):
    full_name = serializers.CharField(max_length=NAME_LENGTH_MAX, required=False, allow_blank=True)
    base_currency = CurrencyField(required=False)
    federal_ordinary_rate = FractionField(required=False)
    federal_long_term_rate = FractionField(required=False)
    state_rate = FractionField(required=False)
    net_investment_income_rate = FractionField(required=False)
    email = EmailField(required=False, help_text="New e-mail address; requires current_password.")
    current_password = _password(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "email" in attrs and "current_password" not in attrs:
            raise serializers.ValidationError(
                {"current_password": "Enter the current password to change the e-mail address."},
                code="required",
            )
        return attrs


class InvitedSerializer(StrictSerializer):
    email = EmailField()


class InvitationTokenSerializer(StrictSerializer):
    invitation = serializers.CharField(
        max_length=200, write_only=True, help_text="Token of the invitation."
    )


class InvitationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    email = serializers.EmailField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class NewInvitationSerializer(InvitationSerializer):
    token = serializers.CharField(help_text="Token of the invitation; shown only once.")


class AdviserSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="adviser.public_id")
    full_name = serializers.CharField(source="adviser.full_name")
    email = serializers.EmailField(source="adviser.email")
    created_at = serializers.DateTimeField()


class SecurityEventSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    created_at = serializers.DateTimeField()
    user = serializers.EmailField(allow_null=True)
    actor = serializers.EmailField(allow_null=True)
    address = serializers.CharField()
    device = serializers.CharField()
    details = serializers.DictField()


class ClosingSerializer(serializers.Serializer[Any]):
    closes_at = serializers.DateTimeField()
