"""Models of users, households, log-ins, and who may see which household."""

from identity.models.access import AdviserLink, Invitation, household_ids, users_of
from identity.models.audit_trail import every_change
from identity.models.log_ins import Revocation, Session, TokenFamily
from identity.models.users import Household, Role, User

__all__ = [
    "AdviserLink",
    "Household",
    "Invitation",
    "Revocation",
    "Role",
    "Session",
    "TokenFamily",
    "User",
    "every_change",
    "household_ids",
    "users_of",
]
