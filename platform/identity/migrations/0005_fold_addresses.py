"""Give every stored e-mail address its folded spelling, and mark the demo's people.

Two users whose addresses fold to the same mailbox must be sorted out by hand: the migration names
them and changes nothing.
"""

from typing import Any

from django.db import migrations

from core.emails import EmailInvalid, folded

DEMO = [f"{name}@ballast.example" for name in ("demo", "partner", "adviser", "admin")]


def fold(apps: Any, schema_editor: Any) -> None:
    User = apps.get_model("identity", "User")
    holders: dict[str, int] = dict(
        User.objects.filter(email__regex=r"^[!-~]+$").values_list("email", "pk")
    )
    faults = []
    for user in User.objects.exclude(email__regex=r"^[!-~]+$").order_by("pk"):
        try:
            email = folded(user.email)
        except EmailInvalid:
            faults.append(f"user {user.pk}: {user.email!r} is no valid address")
            continue
        if email in holders:
            faults.append(f"user {user.pk}: {user.email!r} is the mailbox of user {holders[email]}")
            continue
        holders[email] = user.pk
        user.email = email
        user.save(update_fields=["email"])
    if faults:
        raise RuntimeError(
            "These e-mail addresses cannot be folded; change them first: " + "; ".join(faults)
        )
    # An invitation to an address that is no address can be accepted by nobody.
    Invitation = apps.get_model("identity", "Invitation")
    for invitation in Invitation.objects.exclude(email__regex=r"^[!-~]+$").order_by("pk"):
        try:
            invitation.email = folded(invitation.email)
        except EmailInvalid:
            continue
        open_ones = Invitation.objects.filter(
            household_id=invitation.household_id,
            email=invitation.email,
            accepted_at=None,
            revoked_at=None,
        )
        if invitation.accepted_at is None and open_ones.exclude(pk=invitation.pk).exists():
            continue  # the other one, to the same mailbox, is open already
        invitation.save(update_fields=["email"])


def mark_demo(apps: Any, schema_editor: Any) -> None:
    apps.get_model("identity", "User").objects.filter(email__in=DEMO).update(is_demo=True)


class Migration(migrations.Migration):
    dependencies = [("identity", "0004_access_epochs")]
    operations = [
        migrations.RunPython(fold, migrations.RunPython.noop),
        migrations.RunPython(mark_demo, migrations.RunPython.noop),
    ]
