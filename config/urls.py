"""Every address the web server answers."""

from django.contrib import admin
from django.http import Http404
from django.urls import include, path
from django.views.defaults import page_not_found

from indexer.access.admin.people import change_own_password
from indexer.chains.picker import choose_chain
from indexer.positions.admin.lookup import look_up_page

urlpatterns = [
    path("admin/chain/", admin.site.admin_view(choose_chain), name="choose_chain"),
    path("admin/password_change/", admin.site.admin_view(change_own_password)),
    path("admin/lookup/", admin.site.admin_view(look_up_page), name="look_up"),
    # Unfold's search over everything is not offered, and fails at a page that is no number.
    path("admin/search/", page_not_found, {"exception": Http404()}),
    path("admin/", admin.site.urls),
    path("", include("api.urls")),
]

handler400 = "api.problems.bad_request"
handler404 = "api.problems.not_found"
handler500 = "api.problems.server_error"
