"""The audit in the admin: a house sees what was done in it, site administrators everything, and from where."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from auctions.admin import OrganizerScoped
from auctions.audit import DONE
from auctions.models import AuditAction, AuditEntry
from auctions.permissions import is_administrator


def name_of(user: User | None) -> str:
    """Return what colleagues call somebody: never an address."""
    return "" if user is None else user.display_name or f"#{user.pk}"


class WhatFilter(admin.SimpleListFilter):
    """Entries of one kind of act, in words."""

    title = _("what")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return all that can be done."""
        return [(value, str(label)) for value, label in AuditAction.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Keep those of the chosen kind."""
        return queryset.filter(action=self.value()) if self.value() else queryset


class BecameFilter(admin.SimpleListFilter):
    """What was done, or what was refused."""

    title = _("outcome")
    parameter_name = "became"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the two."""
        return [(DONE, gettext("done")), ("refused", gettext("refused"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Keep those of the chosen outcome."""
        if not self.value():
            return queryset
        return queryset.filter(outcome=DONE) if self.value() == DONE else queryset.exclude(outcome=DONE)


@admin.register(AuditEntry)
class AuditEntryAdmin(OrganizerScoped):
    """Who did what, when, why and by way of what; from where is for site administrators."""

    organizer_path = "organizer"
    list_display = ("at", "who", "what", "became", "auction", "lot", "paddle", "reason", "door")
    list_filter = (WhatFilter, BecameFilter, "door", "at")
    search_fields = ("auction__title", "lot__title", "actor__display_name", "note")
    list_select_related = ("actor", "auction", "lot")
    date_hierarchy = "at"
    exclude = ("actor", "subject", "outcome")
    readonly_fields = ("at", "who", "what", "about_whom")
    _private: ClassVar[tuple[str, ...]] = ("address",)

    @admin.display(description=_("who"), ordering="actor")
    def who(self, entry: AuditEntry) -> str:
        """Name who acted."""
        return name_of(entry.actor)

    @admin.display(description=_("what"), ordering="action")
    def what(self, entry: AuditEntry) -> str:
        """Say what was done."""
        return entry.words

    @admin.display(description=_("outcome"), ordering="outcome")
    def became(self, entry: AuditEntry) -> str:
        """Say whether it was done, or the code of its refusal."""
        return gettext("done") if entry.outcome == DONE else entry.outcome

    @admin.display(description=_("about whom"))
    def about_whom(self, entry: AuditEntry) -> str:
        """Name whom it concerns."""
        return name_of(entry.subject)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Tell site administrators from where it came."""
        return (*self.list_display, *(self._private if is_administrator(request.user) else ()))

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave the address to site administrators."""
        return (*self.exclude, *(() if is_administrator(request.user) else self._private))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse a host's filter by what is hidden."""
        if lookup.partition(LOOKUP_SEP)[0] in self._private and not is_administrator(request.user):
            return False
        # From the page of an auction and of a lot one comes by these.
        if lookup in ("auction__id__exact", "lot__id__exact"):
            return True
        allowed: bool = super().lookup_allowed(lookup, value, request)
        return allowed
