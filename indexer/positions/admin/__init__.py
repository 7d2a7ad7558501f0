"""The pages about chains, jobs, the past and lookups. Importing them registers them with Django's admin."""

from django.contrib import admin

from indexer.positions.admin import chains, endpoints, imports, jobs, readings, refusals, scans, settings

admin.site.index_template = "positions/admin/dashboard.html"

__all__ = ["chains", "endpoints", "imports", "jobs", "readings", "refusals", "scans", "settings"]
