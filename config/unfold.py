"""How the admin looks: its name, and what its sidebar offers to whom."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

Condition = Callable[[HttpRequest], bool]


def may(permission: str) -> Condition:
    def permitted(request: HttpRequest) -> bool:
        return request.user.has_perm(permission)

    return permitted


def at(name: str, *, below: tuple[str, ...] = ()) -> Condition:
    """Whether the page shown is the named one or below it, but not one of the other entries `below` it."""

    def active(request: HttpRequest) -> bool:
        if name == "admin:index":
            return request.path == reverse(name)
        return request.path.startswith(reverse(name)) and not any(
            request.path.startswith(reverse(other)) for other in below
        )

    return active


def entry(title: str, icon: str, name: str, permission: str, *, below: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(name),
        "permission": may(permission),
        "active": at(name, below=below),
    }


JOBS, IMPORT = "admin:positions_job_changelist", "admin:positions_job_import"
LIVE = "admin:workers_livevalue_changelist"
MAPPINGS = "admin:market_contractmapping_changelist"
PROPOSALS = "admin:market_watchproposal_changelist"
UNKNOWN = "admin:chains_unknowntext_changelist"

UNFOLD = {
    "SITE_TITLE": "Footprint",
    "SITE_HEADER": "Footprint",
    "SITE_SYMBOL": "footprint",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    # What was changed by whom stands in the audit, whatever page it was changed on.
    "SHOW_HISTORY": False,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("chains/footprint.svg")}],
    "STYLES": [lambda request: static("chains/admin.css")],
    "DASHBOARD_CALLBACK": "indexer.positions.admin.dashboard.fill",
    "SIDEBAR": {
        "navigation": [
            {
                "title": "Overview",
                "items": [
                    {
                        "title": "Dashboard",
                        "icon": "dashboard",
                        "link": reverse_lazy("admin:index"),
                        "active": at("admin:index"),
                    },
                    entry("Chains", "link", "admin:chains_chain_changelist", "chains.view_chain"),
                    entry("Endpoints", "dns", "admin:chains_endpointlimits_changelist", "chains.view_endpointlimits"),
                    entry("Look up an address", "search", "look_up", "positions.view_log"),
                ],
            },
            {
                "title": "Watching",
                "items": [
                    entry("Jobs", "visibility", JOBS, "positions.view_job", below=(IMPORT,)),
                    entry("Import a watch list", "upload_file", IMPORT, "positions.change_job"),
                    entry("State of the chain", "tune", "admin:positions_setting_changelist", "positions.view_setting"),
                ],
            },
            {
                "title": "Past",
                "items": [
                    entry("Scans", "history", "admin:positions_scan_changelist", "positions.view_scan"),
                    entry("Segments", "view_week", "admin:positions_segment_changelist", "positions.view_segment"),
                    entry("Readings", "fact_check", "admin:positions_reading_changelist", "positions.view_reading"),
                ],
            },
            {
                "title": "Tasks",
                "items": [
                    entry("Tasks", "schedule", "admin:tasks_schedule_changelist", "tasks.view_schedule"),
                    entry("Runs", "play_circle", "admin:tasks_taskrun_changelist", "tasks.view_taskrun"),
                    entry("Backfills", "grid_view", "admin:tasks_partition_changelist", "tasks.view_partition"),
                ],
            },
            {
                "title": "Workers",
                "items": [
                    entry("Workers", "engineering", "admin:workers_workerrow_changelist", "workers.view_workerrow"),
                    entry("Live settings", "toggle_on", LIVE, "workers.view_livevalue"),
                ],
            },
            {
                "title": "Market",
                "items": [
                    entry("Market pools", "water_drop", "admin:market_pool_changelist", "market.view_pool"),
                    entry("Protocols", "hub", "admin:market_protocol_changelist", "market.view_protocol"),
                    entry("Contracts", "contract", MAPPINGS, "market.view_contractmapping"),
                    entry("Proposed jobs", "playlist_add", PROPOSALS, "market.view_watchproposal"),
                    entry("Rejected rows", "report", "admin:market_rejectedrow_changelist", "market.view_rejectedrow"),
                    entry("Documents", "description", "admin:market_document_changelist", "market.view_document"),
                ],
            },
            {
                "title": "Endpoints",
                "items": [
                    entry("Unknown texts", "help", UNKNOWN, "chains.view_unknowntext"),
                    entry("Taught rules", "school", "admin:chains_taughtrule_changelist", "chains.view_taughtrule"),
                ],
            },
            {
                "title": "Access",
                "items": [
                    entry("API keys", "key", "admin:access_apikey_changelist", "access.view_apikey"),
                    entry("Audit", "receipt_long", "admin:access_auditentry_changelist", "access.view_auditentry"),
                    entry("Users", "person", "admin:auth_user_changelist", "auth.view_user"),
                    entry("Groups", "group", "admin:auth_group_changelist", "auth.view_group"),
                ],
            },
        ]
    },
}
