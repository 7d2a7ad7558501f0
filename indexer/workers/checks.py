"""System checks of how this deployment is set up: what `manage.py check` finds, and `check --deploy` besides."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Concern

from indexer.workers.registry import load_all


@register(Tags.security)
def check_proxy(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if not settings.HTTPS or settings.TRUST_PROXY:
        return []
    return [
        Concern(
            "HTTPS=1 without TRUST_PROXY=1: the server speaks no https itself and does not believe the proxy that "
            "does, so every page redirects to itself for ever.",
            hint="Set TRUST_PROXY=1 where a proxy sets X-Forwarded-Proto, or HTTPS=0.",
            id="workers.W001",
        )
    ]


@register(Tags.security)
def check_debug(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    bind = settings.OPTIONS.text("WEB_BIND")
    if not settings.DEBUG or is_private(bind):
        return []
    return [
        Concern(
            f"DEBUG=1 while the web server listens on {bind}: whoever reaches it sees the code and values of an error.",
            hint="Set DEBUG=0, or WEB_BIND to an address of this machine alone, such as 127.0.0.1:8000.",
            id="workers.W002",
        )
    ]


@register(Tags.security, deploy=True)
def check_hosts(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Concern(
            "ALLOWED_HOSTS=* lets a request say under which name the server is reached.",
            hint="Set ALLOWED_HOSTS to the names it has, with commas between.",
            id="workers.W003",
        )
    ]


@register(Tags.security, deploy=True)
def check_database(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    if settings.DATABASE_URL:
        return []
    return [
        Concern(
            "DATABASE_URL is not set: the embedded PostgreSQL is for development, it has no backups and no replicas.",
            hint="Set DATABASE_URL to a PostgreSQL 15 or later.",
            id="workers.W004",
        )
    ]


@register()
def check_background(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[CheckMessage]:
    return [
        Error(
            broken.words,
            hint=f"Mend {broken.module}; until then the worker {broken.name} leaves with 78, and all others work.",
            id="workers.E001",
        )
        for broken in load_all()
    ]


def is_private(bind: str) -> bool:
    """Whether only this machine reaches an address such as 127.0.0.1:8000, localhost:8000 or unix:/run/web."""
    host = bind.rpartition(":")[0].strip("[]")
    if bind.startswith("unix:") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
