"""Models of what proves a person: authenticator apps, recovery codes, passkeys, mailed links.

No secret is stored that could be used as it is: secrets of authenticators are sealed with the key
of the installation, recovery codes and keys are hashes, and the token of a mailed link is computed
when it is sent.
"""

from django.db import models

from core.identifiers import uuid7
from core.limits import NAME_LENGTH_MAX
from identity.models.users import User


class Authenticator(models.Model):
    """A user's authenticator app. It counts as second factor once a first code confirmed it."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="authenticator")
    secret_sealed = models.TextField()
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    # The newest time step whose code was accepted. Codes of it and of earlier steps are refused.
    last_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"authenticator of {self.user_id}"


class RecoveryCode(models.Model):
    """One of the codes that replace a lost second factor, each once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_unique")
        ]

    def __str__(self) -> str:
        return f"recovery code of {self.user_id}"


class Passkey(models.Model):
    """A WebAuthn credential: the public half of a key that never leaves the user's device."""

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=NAME_LENGTH_MAX)
    credential_id = models.BinaryField(unique=True)
    public_key = models.BinaryField()
    # Signatures counted by the device; zero for devices that do not count.
    sign_count = models.BigIntegerField(default=0)
    backed_up = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class LinkPurpose(models.TextChoices):
    VERIFY_EMAIL = "verify_email"
    CHANGE_EMAIL = "change_email"
    PASSWORD_RESET = "password_reset"


class MailLink(models.Model):
    """A link sent to an address. It works once, until `expires_at`; its token is not stored.

    `identity.mail_tokens` computes the token from `public_id`, `purpose` and `email`.
    """

    public_id = models.UUIDField(unique=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mail_links")
    purpose = models.CharField(max_length=16, choices=LinkPurpose.choices)
    email = models.EmailField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # A new link replaces the open one.
            models.UniqueConstraint(
                fields=["user", "purpose"],
                name="mail_link_open_unique",
                condition=models.Q(used_at__isnull=True),
            )
        ]
        # Old links are deleted by age.
        indexes = [models.Index(fields=["expires_at"], name="mail_link_age")]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.user_id}"


class ResetRequest(models.Model):
    """Somebody asked to reset the password of an address, known here or not.

    A request for an unknown address writes the same row, so that it takes the same time; a worker
    finds out whose address it is.
    """

    email = models.EmailField()
    address = models.CharField(max_length=45, blank=True)
    device = models.CharField(max_length=NAME_LENGTH_MAX, blank=True)
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                name="reset_request_waiting",
                condition=models.Q(answered_at__isnull=True),
            ),
            # Old requests are deleted by age.
            models.Index(fields=["created_at"], name="reset_request_age"),
        ]

    def __str__(self) -> str:
        return f"reset of {self.email}"
