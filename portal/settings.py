"""Django's settings, read once from the environment. What must not run in production is judged in portal.checks."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from portal import environment, logs
from tenants.databases import CompartmentDatabases, database
from tenants.databases.router import TABLELESS

BASE_DIR = Path(__file__).resolve().parent.parent

MODE = environment.choice("BULKHEAD_MODE", "production", {"production", "demo", "test"})
PRODUCTION = MODE == "production"
DEBUG = False
BASE_URL = environment.origin("BULKHEAD_BASE_URL")
ALLOWED_HOSTS = [urlsplit(BASE_URL).hostname or ""]
CSRF_TRUSTED_ORIGINS = [BASE_URL]

SECRET_KEY = environment.key("BULKHEAD_SECRET_KEY").hex()
SECRET_KEY_FALLBACKS = [former.hex() for former in environment.former_keys("BULKHEAD_SECRET_KEY_PREVIOUS")]
SESSION_SECRET = environment.key("BULKHEAD_SESSION_SECRET")
SESSION_SECRET_FALLBACKS = environment.former_keys("BULKHEAD_SESSION_SECRET_PREVIOUS")
TOKEN_SECRET = environment.key("BULKHEAD_TOKEN_SECRET")
TOKEN_SECRET_FALLBACKS = environment.former_keys("BULKHEAD_TOKEN_SECRET_PREVIOUS")
DATABASE_SECRET = environment.key("BULKHEAD_DATABASE_SECRET")
DATABASE_SECRET_FALLBACKS = environment.former_keys("BULKHEAD_DATABASE_SECRET_PREVIOUS")

KEY_SERVICE = environment.text("BULKHEAD_KEY_SERVICE")
KEY_SERVICE_OTHERS = environment.listing("BULKHEAD_KEY_SERVICE_OTHERS")  # they unwrap, and wrap nothing more
# How old a tenant's key gets, a database role's password, and what sessions and tokens are sealed with. At least a day:
# sessions and people's tokens live for 12 hours, builds' tokens for up to 24, and portal.epochs accepts them so long.
KEY_ROTATION_DAYS = environment.integer("BULKHEAD_KEY_ROTATION_DAYS", 14, minimum=1)
# How often a tenant's key may be used. Random nonces are sound for 2**32 uses of a key (NIST SP 800-38D, 8.3); looked
# at every hour, a quarter of that leaves the tenant 900,000 uses in each second until then.
KEY_MAX_USES = environment.integer("BULKHEAD_KEY_MAX_USES", 2**30, minimum=1)
LOCAL_KEY_ALLOWED = environment.flag("BULKHEAD_LOCAL_KEY_ALLOWED")
METRICS_TOKEN = environment.secret("BULKHEAD_METRICS_TOKEN", "")
OPERATIONS = environment.listing("BULKHEAD_OPERATIONS")
MESSAGE_TTL_MIN_SECONDS = environment.integer("BULKHEAD_MESSAGE_TTL_MIN_SECONDS", 60, minimum=1)

INSTALLED_APPS = [
    "portal",
    "tenants.registry",
    "tenants.records",
    "django.contrib.contenttypes",  # with auth, only because social-auth-app-django imports them
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "social_django",
    "django_htmx",
    "lucide",
    *OPERATIONS,
]
AUTH_USER_MODEL = "registry.Person"
MIGRATION_MODULES = dict.fromkeys(TABLELESS)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "portal.middleware.HeadersMiddleware",
    "portal.middleware.ClientMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",  # refuses a Host that is not ours
    "portal.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.FailureMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "portal.signin.context.sign_in",
            ]
        },
    },
]

# People and sessions. Nobody has a password; the providers' access tokens are used once and never stored.
SANDBOX_PROVIDER_URL = environment.text("BULKHEAD_SANDBOX_PROVIDER_URL", "").rstrip("/")
_SANDBOX = "" if PRODUCTION else SANDBOX_PROVIDER_URL
_GITHUB = _SANDBOX or "https://github.com"
_BITBUCKET = _SANDBOX or "https://bitbucket.org"
GITHUB_API_URL = _SANDBOX or "https://api.github.com"
BITBUCKET_API_URL = f"{_SANDBOX or 'https://api.bitbucket.org'}/2.0"
SIGN_IN_PROVIDERS = environment.credentials("github", "bitbucket")
SOCIAL_AUTH_STRATEGY = "portal.signin.strategy.Strategy"
SOCIAL_AUTH_STORAGE = "portal.signin.storage.Storage"
SOCIAL_AUTH = {
    "AUTHENTICATION_BACKENDS": ["portal.signin.providers.GitHub", "portal.signin.providers.Bitbucket"],
    "PIPELINE": ["portal.signin.pipeline.identify", "portal.signin.pipeline.admit", "portal.signin.pipeline.remember"],
    "REQUESTS_TIMEOUT": 5,
    "GITHUB_AUTHORIZATION_URL": f"{_GITHUB}/login/oauth/authorize",
    "GITHUB_ACCESS_TOKEN_URL": f"{_GITHUB}/login/oauth/access_token",
    "BITBUCKET_AUTHORIZATION_URL": f"{_BITBUCKET}/site/oauth2/authorize",
    "BITBUCKET_ACCESS_TOKEN_URL": f"{_BITBUCKET}/site/oauth2/access_token",
    **{f"{name.upper()}_KEY": client.id for name, client in SIGN_IN_PROVIDERS.items()},
    **{f"{name.upper()}_SECRET": client.secret for name, client in SIGN_IN_PROVIDERS.items()},
}
AUTHENTICATION_BACKENDS: list[str] = []
ALLOWED_EMAIL_DOMAINS = environment.listing("BULKHEAD_ALLOWED_EMAIL_DOMAINS")
SESSION_ENGINE = "portal.signin.sessions"
SESSION_COOKIE_NAME = "__Host-bulkhead"
SESSION_COOKIE_SECURE = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # sealed with the session, not in a cookie

# The edge. Each of these is asked for by `manage.py check --deploy` too.
TRUSTED_PROXIES = environment.listing("BULKHEAD_TRUSTED_PROXIES")
FORWARDED_HEADER = environment.choice("BULKHEAD_FORWARDED_HEADER", "Forwarded", {"Forwarded", "X-Forwarded-For"})
CSRF_COOKIE_NAME = "__Host-csrf"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.errors.csrf_failure"
SECURE_HSTS_SECONDS = 63072000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = BASE_URL.startswith("https://")
SECURE_REDIRECT_EXEMPT = ["^health/"]  # a supervisor beside the process asks without a proxy between
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = ["portal.uploads.InMemory"]
FILE_UPLOAD_MAX_MEMORY_SIZE = DATA_UPLOAD_MAX_MEMORY_SIZE
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        # Chromium holds the redirects after a form to this as well, and beginning to sign in is such a form.
        "form-action": ["'self'", *dict.fromkeys([_GITHUB, _BITBUCKET])],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["htmx"],  # the one policy, in static/trusted-types.js
    }
}

RATES = {
    "sign-in": environment.rate("BULKHEAD_RATE_SIGN_IN", "20/m"),
    "api": environment.rate("BULKHEAD_RATE_API", "600/m"),
    "build-keys": environment.rate("BULKHEAD_RATE_BUILD_KEYS", "120/m"),
    "certificates": environment.rate("BULKHEAD_RATE_CERTIFICATES", "60/m"),
    "device": environment.rate("BULKHEAD_RATE_DEVICE", "30/m"),
    "lookups": environment.rate("BULKHEAD_RATE_LOOKUPS", "30/m"),  # each confirms or denies a guessed value
    "previews": environment.rate("BULKHEAD_RATE_PREVIEWS", "120/m"),
    "requests": environment.rate("BULKHEAD_RATE_REQUESTS", "30/h"),
    "ssh-keys": environment.rate("BULKHEAD_RATE_SSH_KEYS", "10/m"),  # made or judged: each can take seconds
}

DATABASES = CompartmentDatabases({"default": database(environment.database("DATABASE_URL"))})
IMPLICIT_VARIABLES = environment.implicit()
COMPARTMENT_CONNECTIONS = environment.integer("BULKHEAD_COMPARTMENT_CONNECTIONS", 8, minimum=2)  # warm, in each thread
COMPARTMENT_CONNECTIONS_PROCESS = environment.integer("BULKHEAD_COMPARTMENT_CONNECTIONS_PROCESS", 64, minimum=2)
DATABASE_ROUTERS = ["tenants.databases.Router"]

REDIS_URL = environment.secret("REDIS_URL")
CACHES = {
    "default": {"BACKEND": "portal.caches.Redis", "LOCATION": REDIS_URL},
    "limits": {"BACKEND": "portal.limits.Counters", "LOCATION": REDIS_URL},
}
RATELIMIT_USE_CACHE = "limits"

CELERY_BROKER_URL = environment.secret("CELERY_BROKER_URL", REDIS_URL)
# Where its URL asks for TLS, kombu takes any certificate unless told otherwise.
CELERY_BROKER_USE_SSL = {"ssl_cert_reqs": "required"} if CELERY_BROKER_URL.startswith("rediss:") else False
TASK_QUEUE = "portal.celery.app"  # what wakes workers; looked up when it is first needed
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

LOGGING = logs.configuration(environment.choice("BULKHEAD_LOG_LEVEL", "INFO", {"INFO", "WARNING", "ERROR"}))
LOGGING_CONFIG = "logging.config.dictConfig"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / ".build" / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.static_integrity.IntegrityStorage"},
}

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
