"""The settings of every Footprint process, from the environment. Importing them starts and connects nothing."""

import os
from pathlib import Path
from typing import Any

from django.core.management.utils import get_random_secret_key
from psycopg.conninfo import conninfo_to_dict

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DEBUG", "") == "1"
SECRET_KEY = os.environ.get("SECRET_KEY") or get_random_secret_key()
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

SHARED_APPS = [
    "django_tenants",
    "indexer.chains",
    "indexer.embedded",
    "django.contrib.contenttypes",
    "django_prometheus",
    "rest_framework",
    "api",
]
TENANT_APPS = ["indexer.positions"]
INSTALLED_APPS = SHARED_APPS + TENANT_APPS

TENANT_MODEL = "chains.Chain"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
# One SET search_path per switch instead of one per query.
TENANT_LIMIT_SET_CALLS = True


def parse_database_url(url: str) -> dict[str, Any]:
    """Django's database settings for a libpq URL such as postgresql://user:password@host:5432/name?sslmode=require."""
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    return {
        "NAME": parts.pop("dbname", "footprint"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "OPTIONS": parts,
    }


def embedded_database() -> dict[str, Any]:
    """The embedded server's settings; imported here because a deployment with DATABASE_URL does not need its wheel."""
    from indexer.embedded.postgres import default_server

    server = default_server()
    return {"NAME": "footprint", "USER": server.user, "HOST": str(server.socket_dir), "PORT": str(server.port)}


DATABASE_URL = os.environ.get("DATABASE_URL", "")
database = parse_database_url(DATABASE_URL) if DATABASE_URL else embedded_database()
DATABASES = {
    "default": {
        **database,
        "ENGINE": "django_tenants.postgresql_backend",
        # Lookups bind their parameters on the server: planned once per connection they take a third of the time.
        "OPTIONS": {**database.get("OPTIONS", {}), "prepare_threshold": 5},
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
# The embedded server is started by the first connection that needs it.
ORIGINAL_BACKEND = "django_prometheus.db.backends.postgresql" if DATABASE_URL else "indexer.embedded.backend"

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
# Migrations are watched by the worker (it refuses unapplied ones), not by a query at every start of the web.
PROMETHEUS_EXPORT_MIGRATIONS = False

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO").upper()},
}

# A worker that has processed no block for this long makes /health answer 503.
STALLED_AFTER_SECONDS = 600
