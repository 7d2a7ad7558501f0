"""Users and groups: Django's own, in Unfold's dress, with what a role needs in one form."""

from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from indexer.access.admin.audited import AuditedAdmin, note
from indexer.access.scopes import ROLES

HELP = {
    "permissions": "Those of viewer, operator and administrator are set anew at every migration.",
    "groups": "The role: " + "; ".join(f"{role.name} {role.meaning}" for role in ROLES.values()) + ".",
    "is_staff": "Needed to log in here.",
    "is_superuser": "Does everything, whatever the groups say. Only a superuser makes or changes one.",
    "is_active": "Off: the user cannot log in any more. Rather than deleting: the audit speaks of users by name.",
}


class ExplainedAdmin(AuditedAdmin):
    """Help texts that say what a field means here."""

    def get_form(self, request: HttpRequest, obj: Model | None = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        for name, text in HELP.items():
            if name in form.base_fields:
                form.base_fields[name].help_text = text
        return form


def may_touch(request: HttpRequest, user: User | None) -> bool:
    """Whoever gives a superuser another password is one."""
    return user is None or not user.is_superuser or request.user.is_superuser


admin.site.unregister(User)
admin.site.unregister(Group)


@transaction.atomic
def change_own_password(request: HttpRequest) -> HttpResponse:
    """The admin's own page, with an entry in the audit."""
    response: HttpResponse = admin.site.password_change(request)
    if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
        note(request, "change password", request.user.get_username())
    return response


@admin.register(User)
class FootprintUserAdmin(ExplainedAdmin, UserAdmin):  # type: ignore[type-arg,misc]  # generic only in the stubs
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "roles", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ()
    sortable_by = ()
    show_full_result_count = False
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        ("Role", {"fields": ("groups", "is_staff")}),
    )
    fieldsets = (
        (None, {"fields": ("username", "password", "email")}),
        ("Role", {"fields": ("groups", "is_staff", "is_superuser", "is_active")}),
        ("Life", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    autocomplete_fields = ()

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """A role ends with its group; a superuser whom an administrator could make would outlast that."""
        return self.readonly_fields + (() if request.user.is_superuser else ("is_superuser",))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and may_touch(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request)
        return users.prefetch_related("groups")

    def standing(self, obj: User) -> str:
        # What was prefetched for the form is what was so before.
        roles = obj.groups.order_by("name").values_list("name", flat=True)
        said = [*roles, "superuser"] if obj.is_superuser else list(roles) or ["without a role"]
        said += [] if obj.is_staff else ["no staff"]
        return ", ".join(said + ([] if obj.is_active else ["inactive"]))

    @admin.display(description="role")
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or "–"


@admin.register(Group)
class FootprintGroupAdmin(ExplainedAdmin, GroupAdmin):  # type: ignore[misc]  # get_form differs in the stubs
    """The three roles get their permissions anew at every migration; others may stand beside them."""

    filter_horizontal = ()
    list_display = ("name", "meaning")
    sortable_by = ()
    show_full_result_count = False

    @admin.display(description="meaning")
    def meaning(self, group: Group) -> str:
        return ROLES[group.name].meaning if group.name in ROLES else "–"
