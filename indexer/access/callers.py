"""Who calls, and whether they may: by API key, by login, or by nothing at all."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

from indexer.access.keys import admit
from indexer.access.scopes import READ, ROLES, SCOPES


class Caller(NamedTuple):
    """`name` as the audit shows it; empty for nobody in particular."""

    name: str
    scopes: frozenset[str]


class Refusal(Exception):
    """The caller may not do this, or not now; the text says why and what would help."""


class Unauthenticated(Refusal):
    """The key that was shown is not valid, or one is needed and none was shown."""


class Forbidden(Refusal):
    """The caller is known and may not do this."""


class TooManyRequests(Refusal):
    """The key's requests of this minute are used up."""

    def __init__(self, text: str, retry_after: float) -> None:
        super().__init__(text)
        self.retry_after = retry_after


def caller_of_key(text: str) -> Caller:
    """Count the request. Raises Unauthenticated, TooManyRequests."""
    admission = admit(text)
    if admission is None:
        raise Unauthenticated("The API key is not known, or it is disabled or expired.")
    if admission.refused:
        raise TooManyRequests(
            f"The API key {admission.name} has used up its requests of this minute; "
            f"try again in {admission.retry_after:.1f} s.",
            admission.retry_after,
        )
    return Caller(f"key:{admission.name}", admission.scopes)


def caller_of_user(user: AbstractBaseUser | AnonymousUser) -> Caller | None:
    """The scopes of a logged-in user's groups; None for nobody."""
    if not isinstance(user, User) or not user.is_active:
        return None
    if user.is_superuser:
        return Caller(user.username, frozenset(SCOPES))
    roles = [ROLES[group.name] for group in user.groups.all() if group.name in ROLES]
    return Caller(user.username, frozenset(scope for role in roles for scope in role.scopes))


def nobody(*, public_read: bool) -> Caller:
    return Caller("", frozenset({READ}) if public_read else frozenset())


def require(caller: Caller, scope: str) -> None:
    """Raises Unauthenticated where a key or login would help, Forbidden where it has not helped."""
    if scope in caller.scopes:
        return
    if not caller.name:
        raise Unauthenticated(f"This needs an API key or a login with the scope {scope}.")
    raise Forbidden(f"{caller.name} lacks the scope {scope}, which lets one {SCOPES[scope]}.")
