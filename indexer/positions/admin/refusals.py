"""What endpoints said that nobody knew, and the rules that say what it means."""

from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminRadioSelectWidget

from indexer.access.admin.audited import AuditedAdmin
from indexer.access.strict import ReadOnlyAdmin
from indexer.chains.models import TaughtRule, UnknownText
from indexer.positions.admin.present import moment_html, two_lines_html
from indexer.rpc import Refused, Rule, Rulebook, TooLarge, taught_rule
from indexer.rpc.rulebook import LONGEST_TAUGHT

PREVIEW = "_preview"
SHOWN_TEXTS = 50
"""Texts whose meaning a rule's page shows, the newest first."""


class Line(NamedTuple):
    """What a text means without the rule of the page, and with it."""

    seen: UnknownText
    before: str
    after: str


class Preview(NamedTuple):
    """`problem` is what is wrong with the rule; `can_try` whether its text can still be changed."""

    lines: list[Line]
    problem: str
    can_try: bool

    @property
    def changed(self) -> int:
        return sum(line.before != line.after for line in self.lines)


class KnownList(ChangeList):  # type: ignore[misc]  # unfold has no type information
    """Reads the rules once, and says of every text of a page what it means by now."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        own = cast(Any, self)
        book, texts = Rulebook(enabled_rules()), list(own.result_list)
        for text in texts:
            text.meaning = meaning_of(text, book)
        own.result_list = texts


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    class Meta:
        widgets = {"meaning": UnfoldAdminRadioSelectWidget}


@admin.register(UnknownText)
class UnknownTextAdmin(ReadOnlyAdmin):
    list_display = ("said", "source", "codes", "seen", "last", "now_means", "teach")
    list_display_links = None
    list_select_related = ("chain",)
    search_fields = ("chain__slug__exact", "label__exact")
    search_help_text = "A chain or an endpoint, in full"
    sortable_by = ()
    show_full_result_count = False
    list_per_page = 50
    list_before_template = "positions/admin/unknown_texts_hint.html"
    list_fullwidth = True
    actions = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KnownList]:
        return KnownList

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return self.list_display if request.user.has_perm("chains.add_taughtrule") else self.list_display[:-1]

    @admin.display(description="text")
    def said(self, text: UnknownText) -> SafeString:
        return format_html('<div class="fp-words">{}</div>', text.text)

    @admin.display(description="from")
    def source(self, text: UnknownText) -> SafeString:
        return two_lines_html(f"{text.label} of {text.chain.slug}", text.method)

    @admin.display(description="last seen")
    def last(self, text: UnknownText) -> SafeString | str:
        return moment_html(text.last_seen)

    @admin.display(description="code, HTTP")
    def codes(self, text: UnknownText) -> str:
        return ", ".join("–" if number is None else str(number) for number in (text.code, text.status))

    @admin.display(description="times")
    def seen(self, text: UnknownText) -> str:
        return f"{text.count:,}"

    @admin.display(description="means by now")
    def now_means(self, text: Any) -> str:
        return str(text.meaning)

    @admin.display(description="")
    def teach(self, text: UnknownText) -> SafeString:
        address = f"{reverse('admin:chains_taughtrule_add')}?{urlencode({'pattern': text.text[:LONGEST_TAUGHT]})}"
        return format_html('<a class="fp-link" href="{}">Teach a rule…</a>', address)


@admin.register(TaughtRule)
class TaughtRuleAdmin(AuditedAdmin):
    form = RuleForm
    list_display = ("said", "meaning", "state", "note_shown", "created_by", "created")
    list_display_links = ("said",)
    sortable_by = ()
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    actions = None
    fields = ("pattern", "meaning", "note", "enabled")
    change_form_after_template = "positions/admin/rule_preview.html"

    def get_readonly_fields(self, request: HttpRequest, obj: TaughtRule | None = None) -> tuple[str, ...]:
        return ("pattern", "meaning", "created_by", "created_at") if obj else ()

    def get_fields(self, request: HttpRequest, obj: TaughtRule | None = None) -> tuple[str, ...]:
        return (*self.fields, "created_by", "created_at") if obj else self.fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A disabled rule still says what somebody took a text for."""
        return False

    @admin.display(description="text")
    def said(self, rule: TaughtRule) -> SafeString:
        return format_html('<div class="fp-words">{}</div>', rule.pattern)

    @admin.display(description="state")
    def state(self, rule: TaughtRule) -> SafeString:
        colour, state = ("good", "enabled") if rule.enabled else ("plain", "disabled")
        return format_html('<span class="fp-label fp-{}">{}</span>', colour, state)

    @admin.display(description="created")
    def created(self, rule: TaughtRule) -> SafeString | str:
        return moment_html(rule.created_at)

    @admin.display(description="note")
    def note_shown(self, rule: TaughtRule) -> SafeString:
        return format_html('<div class="fp-words">{}</div>', rule.note or "–")

    def standing(self, obj: TaughtRule) -> str:
        return "enabled" if obj.enabled else "disabled"

    def save_model(self, request: HttpRequest, obj: TaughtRule, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user.get_username()
        super().save_model(request, obj, form, change)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """To try a rule is to open the form again with it: nothing is stored."""
        if request.method == "POST" and PREVIEW in request.POST and self.has_add_permission(request):
            tried = {name: request.POST.get(name, "") for name in ("pattern", "meaning", "note")}
            return HttpResponseRedirect(f"{request.path}?{urlencode(tried)}")
        response: HttpResponse = super().add_view(request, form_url, extra_context)
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], obj: TaughtRule | None = None, **options: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        given = form.data if form.is_bound else form.initial
        rule = obj or TaughtRule(pattern=given.get("pattern", ""), meaning=given.get("meaning", ""))
        added = {
            "preview": preview_of(rule, can_try=obj is None),
            "preview_name": PREVIEW,
            # One button that stores: after it comes the list.
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
        }
        response: HttpResponse = super().render_change_form(request, context | added, obj=obj, **options)
        return response


def enabled_rules(*, but: TaughtRule | None = None) -> list[Rule]:
    """As the worker has them, but for one."""
    rules = []
    for rule in TaughtRule.objects.filter(enabled=True).order_by("id"):
        with suppress(ValueError):
            if rule != but:
                rules.append(taught_rule(rule.pattern, rule.meaning))
    return rules


def preview_of(rule: TaughtRule, *, can_try: bool) -> Preview:
    """What the newest texts mean with and without a rule, which need not be stored."""
    others, tried, problem = enabled_rules(but=rule), [], ""
    if rule.pattern and rule.meaning:
        try:
            tried = [taught_rule(rule.pattern, rule.meaning)]
        except ValueError as error:
            problem = str(error)
    before, after = Rulebook(others), Rulebook([*others, *tried])
    texts = UnknownText.objects.select_related("chain")[:SHOWN_TEXTS]
    lines = [Line(text, meaning_of(text, before), meaning_of(text, after)) for text in texts]
    return Preview(lines, problem, can_try)


def meaning_of(seen: UnknownText, book: Rulebook) -> str:
    """The class by which the worker would handle the text, with the limit that it names."""
    error = book.error(seen.code, seen.text, None, seen.status or HTTPStatus.OK, {}, method=seen.method)
    if isinstance(error, Refused):
        return "unknown"
    if isinstance(error, TooLarge) and error.limit_blocks is not None:
        return f"TooLarge, {error.limit_blocks:,} blocks at most"
    return type(error).__name__
