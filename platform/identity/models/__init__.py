"""Models of users, households, log-ins, and who may see which household."""

from identity.models.access import (
    AccountantLink,
    AdviserLink,
    Invitation,
    household_ids,
    users_of,
)
from identity.models.api_keys import ApiKey
from identity.models.audit_trail import every_change
from identity.models.log_ins import Revocation, Session, TokenFamily
from identity.models.proofs import (
    Authenticator,
    LinkPurpose,
    MailLink,
    Passkey,
    RecoveryCode,
    ResetRequest,
)
from identity.models.security_events import SecurityEvent
from identity.models.users import Household, Role, User

__all__ = [
    "AccountantLink",
    "AdviserLink",
    "ApiKey",
    "Authenticator",
    "Household",
    "Invitation",
    "LinkPurpose",
    "MailLink",
    "Passkey",
    "RecoveryCode",
    "ResetRequest",
    "Revocation",
    "Role",
    "SecurityEvent",
    "Session",
    "TokenFamily",
    "User",
    "every_change",
    "household_ids",
    "users_of",
]
