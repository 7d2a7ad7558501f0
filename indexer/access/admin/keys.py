"""API keys: made with a form, shown once, disabled; nothing shows them again."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import now
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from indexer.access.admin.audited import AuditedAdmin
from indexer.access.audit import recorded
from indexer.access.keys import make_key, may_do
from indexer.access.models import ApiKey, ApiKeyUse
from indexer.access.scopes import SCOPES

SHOWN_KEY = "_new_key"
STATES = {"active": "good", "disabled": "plain", "expired": "warn"}


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    scopes = forms.MultipleChoiceField(
        choices=[(scope, f"{scope}: {meaning}") for scope, meaning in SCOPES.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What a program that shows the key may do. Give no more than it needs.",
    )

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        if expires_at is not None and expires_at <= now() and "expires_at" in self.changed_data:
            raise forms.ValidationError("This is in the past; to refuse the key now, disable it.")
        return expires_at


@admin.register(ApiKey)
class ApiKeyAdmin(AuditedAdmin):
    form = KeyForm
    list_display = ("name", "prefix_shown", "state", "may", "limit", "last_used", "created_by", "created_at")
    search_fields = ("name", "prefix")
    search_help_text = "A part of the name or of the prefix"
    sortable_by = ()
    show_full_result_count = False
    list_fullwidth = True
    list_select_related = ("use",)
    actions = ("disable",)
    add_fieldsets = ((None, {"fields": ("name", "scopes", "requests_per_minute", "expires_at")}),)
    fieldsets = (
        (None, {"fields": ("name", "prefix_shown", "enabled", "scopes", "requests_per_minute", "expires_at")}),
        ("Its life", {"fields": ("last_used", "created_by", "created_at")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """The audit speaks of a key by its name, so that does not change."""
        return ("name", "prefix_shown", "last_used", "created_by", "created_at") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A disabled key still says who had it."""
        return False

    @admin.display(description="begins with")
    def prefix_shown(self, key: ApiKey) -> SafeString:
        return format_html('<span class="fp-mono">{}…</span>', key.prefix)

    @admin.display(description="state")
    def state(self, key: ApiKey) -> SafeString:
        expired = key.expires_at is not None and key.expires_at <= now()
        state = "disabled" if not key.enabled else "expired" if expired else "active"
        return format_html('<span class="fp-label fp-{}">{}</span>', STATES[state], state)

    @admin.display(description="scopes")
    def may(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description="requests a minute")
    def limit(self, key: ApiKey) -> str:
        return "no limit" if key.requests_per_minute is None else f"{key.requests_per_minute:,}"

    @admin.display(description="last used")
    def last_used(self, key: ApiKey) -> str:
        try:
            return f"{key.use.last_used:%Y-%m-%d %H:%M:%S}"
        except ApiKeyUse.DoesNotExist:
            return "never"

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            obj.save()
            return
        with recorded(request.user.get_username(), "add API key", target=obj.name) as recording:
            made = make_key(
                obj.name,
                form.cleaned_data["scopes"],
                created_by=request.user.get_username(),
                requests_per_minute=obj.requests_per_minute,
                expires_at=obj.expires_at,
            )
            recording.outcome = self.say("done", made.key)
        obj.pk, obj.prefix, obj.sha256 = made.key.pk, made.key.prefix, made.key.sha256
        setattr(request, SHOWN_KEY, made.text)

    def standing(self, obj: ApiKey) -> str:
        return may_do(obj)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """save_model has recorded it."""

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:
        """One button: after it comes the page that shows the key, or the list."""
        one = {"show_save_and_add_another": False, "show_save_and_continue": False}
        response: HttpResponse = super().render_change_form(request, context | one, **options)
        return response

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The page that shows the key: neither a message nor a redirect, which would keep its text somewhere."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"API key {obj.name}",
            "key": obj,
            "text": getattr(request, SHOWN_KEY),
        }
        return render(request, "access/key_shown.html", context)

    @admin.action(description="Disable", permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        names = list(queryset.filter(enabled=True).values_list("name", flat=True))
        with recorded(request.user.get_username(), "disable API key", target=", ".join(names) or "none"):
            changed = ApiKey.objects.filter(name__in=names).update(enabled=False)
        self.message_user(
            request,
            f"{changed} API key{'s' * (changed != 1)} disabled: refused from the next request on."
            if changed
            else "They were disabled already.",
            messages.SUCCESS if changed else messages.WARNING,
        )
