"""The pages about tasks. Importing them registers them with Django's admin, and takes the carrier's own pages away."""

from django.contrib import admin
from procrastinate.contrib.django.models import ProcrastinateJob

from indexer.tasks.admin import partitions, runs, schedules

__all__ = ["partitions", "runs", "schedules"]

if admin.site.is_registered(ProcrastinateJob):
    admin.site.unregister(ProcrastinateJob)
