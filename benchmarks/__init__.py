"""Every figure that is quoted of this project, reproducible by one command each: `python -m benchmarks.<name>`."""

import os

import django
from django.apps import apps

from benchmarks.server import use_server

if not apps.ready:
    use_server()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    django.setup()
