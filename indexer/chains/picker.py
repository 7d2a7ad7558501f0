"""Which chain the pages of the admin speak of: chosen in the session, set on the connection for one request."""

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib import admin, messages
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST
from django_tenants.utils import get_public_schema_name

from indexer.chains.models import Chain

CHOSEN = "chain"
"""The session's key for the slug of the chosen chain."""
SPOKEN_OF = "chain"
"""The field in which every form about a chain says which chain it was opened for."""


class ChainRequest(HttpRequest):
    """A request for a page of the admin: all chains, and the one chosen; None where there is none at all."""

    chains: list[Chain]
    chain: Chain | None


def chain_of(request: HttpRequest) -> Chain:
    """The chain that a page of a chain speaks of; the picker lets no request without one through to it."""
    chain = cast(ChainRequest, request).chain
    assert chain is not None
    return chain


def chains_of(request: HttpRequest) -> list[Chain]:
    return cast(ChainRequest, request).chains


class ChainPicker:
    """Sets the schema for pages of the admin, and lets no form reach a chain that it was not opened for.

    Instances carry no chain: a job saved in another chain's schema would overwrite the job with its number there. So
    what is posted to a page of a chain must name the chain chosen now, which another tab may have changed meanwhile.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    @cached_property
    def home(self) -> str:
        """Where the admin begins: found once, since lookups pass here, too."""
        return reverse("admin:index")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            if connection.schema_name != get_public_schema_name():  # type: ignore[attr-defined]  # django-tenants
                connection.set_schema_to_public()  # type: ignore[attr-defined]  # django-tenants

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not request.path.startswith(self.home) or not admin.site.has_permission(request):
            return None
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            raise Http404("PostgreSQL's text holds no NUL, so there is nothing of that name")
        chains = list(Chain.objects.all())
        chosen = request.session.get(CHOSEN)
        chain = next((chain for chain in chains if chain.slug == chosen), chains[0] if chains else None)
        asked = cast(ChainRequest, request)
        asked.chains, asked.chain = chains, chain
        if chain is not None:
            connection.set_tenant(chain)  # type: ignore[attr-defined]  # django-tenants
        if not is_of_a_chain(view):
            return None
        if chain is None:
            return render(request, "chains/no_chain.html", admin.site.each_context(request) | {"title": "No chain yet"})
        opened_for = request.POST.get(SPOKEN_OF, "")
        if request.method == "POST" and opened_for != chain.slug:
            context = {"title": "Nothing was changed", "opened_for": opened_for, "chain": chain}
            return render(request, "chains/other_chain.html", admin.site.each_context(request) | context, status=409)
        return None


def is_of_a_chain(view: Callable[..., Any]) -> bool:
    """Whether a view of the admin shows a model whose tables lie in the schemas of chains."""
    model_admin = getattr(view, "model_admin", None)
    if model_admin is None:
        return False
    config = apps.get_containing_app_config(model_admin.model.__module__)
    return config is not None and config.name in settings.TENANT_APPS


@require_POST
def choose_chain(request: HttpRequest) -> HttpResponse:
    """Remember the chosen chain, and go on where the reader was."""
    slug = request.POST.get("to", "")
    if slug in {chain.slug for chain in chains_of(request)}:
        request.session[CHOSEN] = slug
    else:
        messages.error(request, f"There is no chain {slug[:40]!r} any more.")
    return redirect(same_kind(request.POST.get("next", "")))


def same_kind(address: str) -> str:
    """The page of the same kind on another chain: a list stays, one row of it becomes the list."""
    home = reverse("admin:index")
    try:
        _, _, path, query, _ = urlsplit(address)
        found = resolve(path)
    except (ValueError, Resolver404):
        return home
    if not path.startswith(home):
        return home
    if not is_of_a_chain(found.func) or (found.url_name or "").endswith(("_changelist", "_import")):
        return f"{path}?{query}" if query else path
    meta = cast(Any, found.func).model_admin.model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
