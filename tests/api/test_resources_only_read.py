"""No resource changes anything: that is why none asks for a token against forged requests."""

from django.urls import URLPattern, get_resolver

from api.lookups import Lookups
from api.resource import Resource


def test_no_resource_has_a_method_that_changes_something() -> None:
    patterns = get_resolver("api.urls").url_patterns
    views = [getattr(each.callback, "view_class", None) for each in patterns if isinstance(each, URLPattern)]
    resources = [view for view in views if view and issubclass(view, Resource)]
    assert len(resources) > 4
    for resource in resources:
        unsafe = {name for name in ("post", "put", "patch", "delete") if hasattr(resource, name)}
        assert unsafe == ({"post"} if resource is Lookups else set()), resource
