"""How long the body of a request may be: BODY_LIMIT, unless its view says otherwise. api.bodies holds to it."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings

View = TypeVar("View", bound=Callable[..., Any])


def limit_body(setting: str) -> Callable[[View], View]:
    """Let a view's bodies be as long as this setting says, instead of BODY_LIMIT."""

    def mark(view: View) -> View:
        view.body_limit_setting = setting  # type: ignore[attr-defined]  # functions take attributes
        return view

    return mark


def limit_of(view: object) -> int:
    """In bytes, for a view: a function that limit_body has marked, or a class that names its `body_limit_setting`."""
    marked = getattr(view, "view_class", view)
    return int(getattr(settings, getattr(marked, "body_limit_setting", "BODY_LIMIT")))
