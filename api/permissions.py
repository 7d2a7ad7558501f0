"""Who may use a DRF view: by scope, with a CSRF token where a login asks for a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from rest_framework.authentication import CSRFCheck
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from api.access import caller_of_request, read_key
from api.maintenance import refuse_in_maintenance
from indexer.access.callers import Forbidden
from indexer.access.scopes import READ

if TYPE_CHECKING:
    # It imports this module, by the settings' default permissions.
    from rest_framework.views import APIView


class ScopePermission(BasePermission):
    """Safe methods need `read`, others the view's `write_scope`; where a view has declared none, nobody may.

    Whoever may read is told by a 405 that a method is not possible, and whoever may change something that maintenance
    is on. The caller is left in the view's `caller`.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        reads = request.method in SAFE_METHODS or request.method not in view.allowed_methods
        scope = READ if reads else getattr(view, "write_scope", None)
        if scope is None:
            raise Forbidden("Nobody may do this: the view declares no scope for it.")
        asked = request._request
        view.caller = caller_of_request(asked, scope)  # type: ignore[attr-defined]  # declared by RestView
        if not reads:
            if read_key(asked) is None:
                require_csrf_token(asked)
            refuse_in_maintenance()
        return True


def require_csrf_token(request: HttpRequest) -> None:
    """A browser sends a login's cookie wherever a page of anybody's leads it; a key it sends only where told to."""
    check = CSRFCheck(answer_nothing)
    check.process_request(request)
    reason = check.process_view(request, answer_nothing, (), {})
    if reason:
        raise Forbidden(f"{reason} Send the cookie csrftoken in the header X-CSRFToken, or use an API key.")


def answer_nothing(request: HttpRequest) -> Any:
    """What stands behind the check: nothing."""
