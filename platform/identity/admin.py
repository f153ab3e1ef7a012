"""Operators: who may see what. Passwords are never shown; tokens are ended, not edited."""

from collections.abc import Mapping, Set
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from edge.admin import LargeTableAdmin, ReadOnlyAdmin
from identity.models import AdviserLink, Household, Invitation, Role, TokenFamily, User
from identity.operations import households, users

admin.site.unregister(Group)


@admin.register(Household)
class HouseholdAdmin(LargeTableAdmin):
    list_display = ("name", "public_id", "created_at")
    readonly_fields = ("public_id", "created_at")
    exact_fields = ("members__email",)
    ordering = ("-id",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[misc]
    """Set a password as an operator, which ends every session of the old one."""

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit)
        users.end_everything(user_id=user.pk, now=timezone.now())
        return user


@admin.register(User)
class UserAdmin(LargeTableAdmin, DjangoUserAdmin):  # type: ignore[type-arg,misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = PasswordForm
    list_display = ("email", "full_name", "role", "household", "is_active", "last_login")
    list_filter = ("role", "is_active")
    list_select_related = ("household",)
    autocomplete_fields = ("household",)
    readonly_fields = ("public_id", "token_version", "last_login", "created_at")
    filter_horizontal = ()
    ordering = ("-id",)
    actions = ("end_sessions",)
    fieldsets = (
        (None, {"fields": ("email", "password", "full_name", "public_id")}),
        ("Household", {"fields": ("household", "role", "base_currency", "active_trader")}),
        (
            "Tax rates",
            {
                "fields": (
                    "federal_ordinary_rate",
                    "federal_long_term_rate",
                    "state_rate",
                    "net_investment_income_rate",
                )
            },
        ),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "token_version")}),
        ("Dates", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "household", "role", "password1", "password2")}),)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Find a user by public id, or by the beginning of the e-mail (the unique index)."""
        term = search_term.strip().lower()
        if "@" in term or (term and "-" not in term):
            return queryset.filter(email__startswith=term), False
        return super().get_search_results(request, queryset, search_term)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save the plain fields here; the operations of identity change the rights."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        changed = _RIGHTS & set(form.changed_data)
        wanted = {name: form.cleaned_data[name] for name in _RIGHTS if name in form.cleaned_data}
        for name in changed:
            attribute = "household_id" if name == "household" else name
            setattr(obj, attribute, form.initial[name])
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            _change_rights(obj, changed, wanted)
        for name in changed:
            setattr(obj, name, wanted[name])

    @admin.action(description="End every session", permissions=["change"])
    def end_sessions(self, request: HttpRequest, queryset: "QuerySet[User]") -> None:
        chosen = list(queryset.order_by("id")[:100])
        for user in chosen:
            users.end_everything(user_id=user.pk, now=timezone.now())
        self.message_user(request, f"Sessions of {len(chosen)} users ended.", messages.SUCCESS)


_PRIVILEGES = ("is_staff", "is_superuser", "active_trader")
_RIGHTS = frozenset({"household", "role", "is_active", *_PRIVILEGES})


def _change_rights(user: User, changed: Set[str], wanted: Mapping[str, Any]) -> None:
    if "household" in changed:
        users.move(user=user, household=wanted["household"])
    if "role" in changed:
        users.change_role(user=user, role=Role(wanted["role"]))
    if not changed.isdisjoint(_PRIVILEGES):
        users.change_privileges(user=user, **{name: wanted[name] for name in _PRIVILEGES})
    if "is_active" in changed and wanted["is_active"]:
        users.reactivate(user=user)
    elif "is_active" in changed:
        users.deactivate(user=user, now=timezone.now())


@admin.register(AdviserLink)
class AdviserLinkAdmin(LargeTableAdmin):
    list_display = ("adviser", "household", "created_at")
    list_select_related = ("adviser", "household")
    autocomplete_fields = ("adviser", "household")
    uuid_fields = ("household__public_id",)
    exact_fields = ("adviser__email",)
    ordering = ("-id",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # another adviser is another link

    def save_model(self, request: HttpRequest, obj: AdviserLink, form: Any, change: bool) -> None:
        households.save_link(obj)

    def delete_model(self, request: HttpRequest, obj: AdviserLink) -> None:
        households.end_links(AdviserLink.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[AdviserLink]") -> None:
        households.end_links(queryset)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("email", "household", "invited_by", "created_at", "accepted_at", "revoked_at")
    list_select_related = ("household", "invited_by")
    exact_fields = ("email",)
    ordering = ("-id",)


@admin.register(TokenFamily)
class TokenFamilyAdmin(ReadOnlyAdmin):
    list_display = ("user", "created_at", "expires_at", "revoked_at", "revoked_reason")
    list_select_related = ("user",)
    uuid_fields = ("pk",)
    exact_fields = ("user__email",)
    ordering = ("-id",)
