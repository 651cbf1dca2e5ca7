"""Django's settings, read once from the environment."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext

from portal import environment
from tenants.databases import CompartmentDatabases, database

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

MODE = environment.text("BULKHEAD_MODE", "production")
PRODUCTION = MODE == "production"
DEBUG = False
BASE_URL = environment.text("BULKHEAD_BASE_URL").rstrip("/")
ALLOWED_HOSTS = [urlsplit(BASE_URL).hostname or ""]
CSRF_TRUSTED_ORIGINS = [BASE_URL]

SESSION_SECRET = environment.key("BULKHEAD_SESSION_SECRET")
TOKEN_SECRET = environment.key("BULKHEAD_TOKEN_SECRET")
DATABASE_SECRET = environment.key("BULKHEAD_DATABASE_SECRET")
SECRET_KEY = base64.b64encode(environment.key("BULKHEAD_SECRET_KEY")).decode()

KEY_SERVICE = environment.text("BULKHEAD_KEY_SERVICE")
OPERATIONS = environment.listing("BULKHEAD_OPERATIONS")
MESSAGE_TTL_MIN_SECONDS = environment.integer("BULKHEAD_MESSAGE_TTL_MIN_SECONDS", 60, minimum=1)
SANDBOX_PROVIDER_URL = environment.text("BULKHEAD_SANDBOX_PROVIDER_URL", "")
ALLOWED_EMAIL_DOMAINS = environment.listing("BULKHEAD_ALLOWED_EMAIL_DOMAINS")
TRUSTED_PROXIES = environment.listing("BULKHEAD_TRUSTED_PROXIES")

INSTALLED_APPS = [
    "portal",
    "tenants.registry",
    "tenants.records",
    "django.contrib.contenttypes",  # with auth, only because social-auth-app-django imports them
    "django.contrib.auth",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "social_django",
    "django_htmx",
    "lucide",
    "ninja",
    *OPERATIONS,
]
AUTH_USER_MODEL = "registry.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    },
]

DATABASES = CompartmentDatabases({"default": database(environment.database("DATABASE_URL"))})
DATABASE_ROUTERS = ["tenants.databases.Router"]

REDIS_URL = environment.secret("REDIS_URL")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

CELERY_BROKER_URL = environment.secret("CELERY_BROKER_URL", REDIS_URL)

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / ".build" / "static"

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
