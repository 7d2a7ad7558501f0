"""Who sends a request, and whether they may: shared by the lean views and by those of DRF."""

from django.conf import settings
from django.http import HttpRequest

from indexer.access.callers import Caller, Unauthenticated, caller_of_key, caller_of_user, nobody, require


def caller_of_request(request: HttpRequest, scope: str) -> Caller:
    """The caller by API key, else nobody where nobody may, else by login.

    A key that is shown must be valid even where none is needed, so that a typing error in it is noticed. Raises
    Unauthenticated, Forbidden and TooManyRequests of indexer.access.callers.
    """
    key = read_key(request)
    if key is not None:
        caller = caller_of_key(key)
    else:
        caller = nobody(public_read=settings.PUBLIC_READ)
        # Reading the session costs two statements, which public reading must not pay.
        if scope not in caller.scopes and settings.SESSION_COOKIE_NAME in request.COOKIES:
            caller = caller_of_user(request.user) or caller
    require(caller, scope)
    return caller


def read_key(request: HttpRequest) -> str | None:
    """The API key of `Authorization: Bearer …` or `X-API-Key: …`; None where neither is sent."""
    header = request.headers.get("Authorization")
    if header is None:
        return request.headers.get("X-API-Key")
    kind, _, key = header.partition(" ")
    if kind.lower() != "bearer" or not key.strip():
        raise Unauthenticated("The header Authorization is not of the form `Bearer KEY`.")
    return key.strip()


def may(request: HttpRequest, caller: Caller, scope: str) -> bool:
    """Whether a caller who may do what was asked may do more besides; a login counts even where nobody was asked."""
    if not caller.name and settings.SESSION_COOKIE_NAME in request.COOKIES:
        caller = caller_of_user(request.user) or caller
    return scope in caller.scopes
