"""People, organizers and roles in the admin, for site administrators.

Hosts never see these lists: they would show them everybody's address. Nobody is deleted here; an account is
made inactive, an organizer archived. `auctions.admin` registers the accounts, with what depends on permissions.
"""

from typing import Any, ClassVar

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import Membership, Organizer, User
from accounts.services import email_confirm

# Roles are memberships; Django's groups would be a second, silent way to give rights.
admin.site.unregister(Group)


class MembershipInline(TabularInline):
    """The people of an organizer."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


class OwnMembershipInline(TabularInline):
    """The organizers of a person."""

    model = Membership
    extra = 0
    autocomplete_fields = ("organizer",)


class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """Accounts, found by address or name."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display: tuple[str, ...] = (
        "email",
        "display_name",
        "is_active",
        "is_staff",
        "is_superuser",
        "date_joined",
    )
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "display_name")
    ordering = ("-date_joined",)
    filter_horizontal = ()
    readonly_fields: ClassVar[tuple[str, ...]] = ("last_login", "date_joined")
    inlines = (OwnMembershipInline,)
    fieldsets: ClassVar[tuple[Any, ...]] = (
        (None, {"fields": ("email", "display_name", "password")}),
        (_("What they may do"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "display_name", "password1", "password2", "is_staff")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Refuse: bids and sales name people. An account is made inactive instead."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Let an address be set once: its owner changes it, and proves that it is theirs."""
        return ("email", *self.readonly_fields) if obj and obj.email else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Keep addresses in lower case, no address as none, and one that staff entered as verified."""
        obj.email = obj.email.strip().lower() if obj.email else None
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            email_confirm(user=obj)


@admin.register(Organizer)
class OrganizerAdmin(ModelAdmin):
    """Who sells, and who works for them."""

    list_display = ("name", "slug", "tax_id", "archived_at")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Organizer | None = None) -> bool:
        """Refuse: an organizer is archived instead."""
        return False


# Its search asks for user names, which these accounts do not have; people see and end their own sessions.
admin.site.unregister(UserSession)

# Its page shows the secrets that codes are made from.
admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class AuthenticatorAdmin(ModelAdmin):
    """Second factors: staff takes one off for who lost the device, and sees nothing of it."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__display_name")
    fields = readonly_fields = ("user", "type", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: only its owner can set one up."""
        return False
