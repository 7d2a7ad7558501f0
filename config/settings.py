"""The settings of every Footprint process, from the environment. Importing them starts and connects nothing."""

import os
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from corsheaders.defaults import default_headers
from django.core.management.utils import get_random_secret_key
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config.logs import build_logging
from config.masks import Mask
from config.options import OptionError, Options
from config.process import has_pages, has_tasks, is_web, program_name
from indexer.embedded.places import make_state_dir, state_dir

BASE_DIR = Path(__file__).resolve().parent.parent
OPTIONS = Options()
STATE_DIR = state_dir()

DEBUG = OPTIONS.flag("DEBUG")
ALLOWED_HOSTS = OPTIONS.names("ALLOWED_HOSTS")

HAS_PAGES = has_pages()


def of_pages(*apps: str) -> tuple[str, ...]:
    """Apps of which a worker and most commands need nothing; they are the greater part of a start."""
    return apps if HAS_PAGES else ()


def of_tasks(*apps: str) -> tuple[str, ...]:
    """Apps of which a chain's worker needs nothing."""
    return apps if has_tasks() else ()


SHARED_APPS = [
    # Before django_tenants, whose migrate_schemas it takes the place of.
    "indexer.chains",
    "django_tenants",
    "indexer.workers",
    "indexer.embedded",
    *of_pages("unfold", "unfold.contrib.filters", "django.contrib.admin"),
    "django.contrib.auth",
    "django.contrib.contenttypes",
    *of_pages("django.contrib.messages", "django.contrib.sessions", "django.contrib.staticfiles"),
    "indexer.access",  # behind auth, which makes the permissions that the roles are given
    *of_pages("corsheaders", "django_filters", "django_prometheus"),
    *of_pages("drf_spectacular", "drf_spectacular_sidecar", "rest_framework", "api"),
    *of_tasks("procrastinate.contrib.django", "indexer.tasks", "indexer.market"),
]
if HAS_PAGES:
    from config.unfold import UNFOLD as UNFOLD
TENANT_APPS = ["indexer.positions"]
# Procrastinate carries every task as the same job: there is nothing to be discovered.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""


def extra_apps() -> list[str]:
    """EXTRA_APPS, each of which can be found. Raises OptionError."""
    names = OPTIONS.names("EXTRA_APPS")
    for name in names:
        try:
            is_there = find_spec(name) is not None
        except (ImportError, ValueError):
            is_there = False
        if not is_there:
            raise OptionError(
                f"EXTRA_APPS={name} cannot be found: name a Python package that is installed, or lies beside manage.py"
            )
    return names


SHARED_APPS += extra_apps()
INSTALLED_APPS = SHARED_APPS + TENANT_APPS

TENANT_MODEL = "chains.Chain"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
# One SET search_path per switch instead of one per query.
TENANT_LIMIT_SET_CALLS = True
TENANT_BASE_MIGRATE_COMMAND = "indexer.chains.migrating.Migrate"


def parse_database_url(name: str, url: str) -> dict[str, Any]:
    """Django's database settings for a libpq URL such as postgresql://user:password@host:5432/name?sslmode=require."""
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except ProgrammingError:
        # libpq's own words show the URL.
        raise OptionError(f"{name} cannot be read: it is postgresql://user:password@host:5432/name") from None
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


# Set by config.wsgi: what a request asks must end; a command or a worker takes the time it needs.
IS_WEB = is_web()
STATEMENT_TIMEOUT = OPTIONS.number("STATEMENT_TIMEOUT", least=1)
LOCK_TIMEOUT = OPTIONS.number("LOCK_TIMEOUT", least=1)


# A host that is gone without a word must not hold a request up, nor a worker for long: psycopg itself would wait for
# two minutes, and for a host that has gone meanwhile as long as TCP does, which is hours.
LIMITS: dict[str, int] = (
    {"connect_timeout": 5, "tcp_user_timeout": 10_000}
    if IS_WEB
    else {
        "connect_timeout": 10,
        "tcp_user_timeout": 20_000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
    }
)


def keep_connections(database: dict[str, Any]) -> dict[str, Any]:
    given = {"application_name": f"footprint {program_name()}", **database.get("OPTIONS", {})}
    limits = f"{given.get('options', '')} -c statement_timeout={STATEMENT_TIMEOUT}s".strip()
    return {
        **database,
        # Lookups bind their parameters on the server: planned once per connection they take a third of the time.
        "OPTIONS": {**LIMITS, **given, **({"options": limits} if IS_WEB else {}), "prepare_threshold": 5},
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASE_URL = OPTIONS.text("DATABASE_URL")
DATABASE_REPLICA_URL = OPTIONS.text("DATABASE_REPLICA_URL")
COUNTED_POSTGRES = "django_prometheus.db.backends.postgresql"
DATABASES = {
    "default": {
        **keep_connections(parse_database_url("DATABASE_URL", DATABASE_URL) if DATABASE_URL else embedded_database()),
        "ENGINE": "django_tenants.postgresql_backend",
    }
}
if DATABASE_REPLICA_URL:
    # Asked by qualified names only, so it needs no tenants' search_path.
    DATABASES["replica"] = {
        **keep_connections(parse_database_url("DATABASE_REPLICA_URL", DATABASE_REPLICA_URL)),
        "ENGINE": COUNTED_POSTGRES,
    }
READ_DATABASE = "replica" if DATABASE_REPLICA_URL else "default"
# The embedded server is started by the first connection that needs it.
ORIGINAL_BACKEND = COUNTED_POSTGRES if DATABASE_URL else "indexer.embedded.backend"

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "api.lean.StaticFiles",
    "corsheaders.middleware.CorsMiddleware",
    "api.bodies.BodyLimit",
    "api.lean.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "api.lean.Authentication",
    "api.lean.Messages",
    "indexer.chains.picker.ChainPicker",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
# Migrations are watched by /health/ready and by the worker, not by a query at every start of the web.
PROMETHEUS_EXPORT_MIGRATIONS = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "static/"
# Served out of the packages that bring them: no collectstatic to forget.
WHITENOISE_USE_FINDERS = True

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = ["config.formats"]

LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]


def read_secret_key() -> str:
    """This machine's own key, made at the first start: all processes of one machine must have the same."""
    try:
        file = make_state_dir() / "secret-key"
        if not file.exists():
            # Linked into place whole: two processes that start at once must not read half of it, or two keys.
            new = file.with_name(f"secret-key.{os.getpid()}")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as text:
                text.write(get_random_secret_key())
            with suppress(FileExistsError):
                file.hardlink_to(new)
            new.unlink()
        return file.read_text()
    except OSError as error:
        raise OptionError(f"SECRET_KEY is not set, and none can be kept here: {error}. Set it.") from None


SECRET_KEY = OPTIONS.text("SECRET_KEY") or read_secret_key()

HTTPS = OPTIONS.flag("HTTPS")
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# A load balancer asks for health on the inside, where nothing is encrypted.
SECURE_REDIRECT_EXEMPT = [r"^health", r"^metrics"]
TRUST_PROXY = OPTIONS.flag("TRUST_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY else None
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host != "*"] if HTTPS else []
X_FRAME_OPTIONS = "DENY"

PUBLIC_READ = OPTIONS.flag("PUBLIC_READ")
CORS_ALLOW_ALL_ORIGINS = OPTIONS.names("CORS_ORIGINS") == ["*"]
CORS_ALLOWED_ORIGINS = [] if CORS_ALLOW_ALL_ORIGINS else OPTIONS.names("CORS_ORIGINS")
CORS_ALLOW_HEADERS = (*default_headers, "if-none-match", "x-api-key")
CORS_EXPOSE_HEADERS = ("ETag", "Footprint-Incomplete", "Retry-After")
CORS_URLS_REGEX = r"^/(api|user-pools|support|health)"
BODY_LIMIT = OPTIONS.number("BODY_LIMIT", least=1024)
WATCH_LIST_LIMIT = OPTIONS.number("WATCH_LIST_LIMIT", least=1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["api.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.renderers.OneForm",
    "DEFAULT_PARSER_CLASSES": [],
    # api.permissions asks once who calls and whether they may; a second asking would count a key's request twice.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["api.permissions.ScopePermission"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "api.errors.respond_to_error",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": "Footprint",
    "DESCRIPTION": "Which DeFi pools has an address ever touched, on every chain, and how sure is that answer.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["api.openapi.complete"],
    # The docs page takes everything from this server, and asks nobody else whether the schema is valid.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": "none"},
}

MASK = Mask()
MASK.add([SECRET_KEY])
LOGGING = build_logging(OPTIONS, MASK, is_web=IS_WEB)
DEFAULT_EXCEPTION_REPORTER = "config.reports.MaskedReporter"

DEFILLAMA_URL = OPTIONS.url("DEFILLAMA_URL")
DEFILLAMA_YIELDS_URL = OPTIONS.url("DEFILLAMA_YIELDS_URL")
DEFILLAMA_PRO_URL = OPTIONS.url("DEFILLAMA_PRO_URL")
DEFILLAMA_API_KEY = OPTIONS.text("DEFILLAMA_API_KEY")
ALCHEMY_URL = OPTIONS.url("ALCHEMY_URL")
ALCHEMY_API_KEY = OPTIONS.text("ALCHEMY_API_KEY")
MORALIS_URL = OPTIONS.url("MORALIS_URL")
MORALIS_API_KEY = OPTIONS.text("MORALIS_API_KEY")

# A worker that has processed no block for this long makes /health answer 503.
STALLED_AFTER_SECONDS = OPTIONS.number("STALLED_AFTER", least=1)
AUDIT_SHARE = OPTIONS.number("AUDIT_PERCENT") / 100
METRICS_HOST = OPTIONS.text("METRICS_HOST")

MAX_CONCURRENT_JOBS = OPTIONS.number("MAX_CONCURRENT_JOBS", least=1)
API_RATE_LIMIT_MS = OPTIONS.number("API_RATE_LIMIT_MS", least=0)


def api_budgets() -> dict[str, int]:
    """API_BUDGETS by API. Raises OptionError."""
    budgets = {}
    for entry in OPTIONS.names("API_BUDGETS"):
        api, _, budget = (part.strip() for part in entry.partition("="))
        if not api or not budget.isdecimal():
            raise OptionError(f"API_BUDGETS: {entry!r} cannot be read: it is defillama=10000,alchemy=5000")
        budgets[api] = int(budget)
    return budgets


API_BUDGETS = api_budgets()
