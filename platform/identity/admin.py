"""Operators: who may see what. Passwords are never shown; tokens are ended, not edited."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from edge.admin import LargeTableAdmin, ReadOnlyAdmin
from identity.models import AdviserLink, Household, Invitation, TokenFamily, User
from identity.operations.access import forget
from identity.operations.accounts import end_everything

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
    """A password an operator sets ends every session of the old one."""

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit)
        end_everything(user_id=user.pk, now=timezone.now())
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
        """A public id, or an e-mail by its beginning (the unique index)."""
        term = search_term.strip().lower()
        if "@" in term or (term and "-" not in term):
            return queryset.filter(email__startswith=term), False
        return super().get_search_results(request, queryset, search_term)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """What was remembered of the user is forgotten; closing an account ends its sessions."""
        super().save_model(request, obj, form, change)
        forget(user_ids=[obj.pk])
        if change and "is_active" in form.changed_data and not obj.is_active:
            end_everything(user_id=obj.pk, now=timezone.now())

    @admin.action(description="End every session", permissions=["change"])
    def end_sessions(self, request: HttpRequest, queryset: "QuerySet[User]") -> None:
        users = list(queryset.order_by("id")[:100])
        for user in users:
            end_everything(user_id=user.pk, now=timezone.now())
        self.message_user(request, f"Sessions of {len(users)} users ended.", messages.SUCCESS)


@admin.register(AdviserLink)
class AdviserLinkAdmin(LargeTableAdmin):
    list_display = ("adviser", "household", "created_at")
    list_select_related = ("adviser", "household")
    autocomplete_fields = ("adviser", "household")
    uuid_fields = ("household__public_id",)
    exact_fields = ("adviser__email",)
    ordering = ("-id",)

    def save_model(self, request: HttpRequest, obj: AdviserLink, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        forget(user_ids=[obj.adviser_id])

    def delete_model(self, request: HttpRequest, obj: AdviserLink) -> None:
        super().delete_model(request, obj)
        forget(user_ids=[obj.adviser_id])

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[AdviserLink]") -> None:
        advisers = list(queryset.values_list("adviser_id", flat=True))
        super().delete_queryset(request, queryset)
        forget(user_ids=advisers)


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
