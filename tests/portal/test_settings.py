"""Production refuses to boot on what is unsafe, and says what: real processes with real environments."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from portal import environment
from portal.checks import unsafe
from portal.environment import ProviderClient

ROOT = Path(__file__).resolve().parents[2]


def key(number: int) -> str:
    return base64.b64encode(bytes((number * 89 + place * 37) % 256 for place in range(32))).decode()


SAFE = {
    "BULKHEAD_BASE_URL": "https://bulkhead.example",
    "BULKHEAD_SECRET_KEY": key(1),
    "BULKHEAD_SESSION_SECRET": key(2),
    "BULKHEAD_TOKEN_SECRET": key(3),
    "BULKHEAD_DATABASE_SECRET": key(4),
    "BULKHEAD_KEY_SERVICE": "local:/var/lib/bulkhead/platform.key",
    "BULKHEAD_LOCAL_KEY_ALLOWED": "1",
    "BULKHEAD_GITHUB_CLIENT_ID": "Iv1.0123456789abcdef",
    "BULKHEAD_GITHUB_CLIENT_SECRET": "kittiwake-client-secret",
    "BULKHEAD_TRUSTED_PROXIES": "10.0.0.0/24",
    "DATABASE_URL": "postgresql://bulkhead_web:kittiwake@db.bulkhead.example/bulkhead?sslmode=verify-full",
    "REDIS_URL": "rediss://:kittiwake@redis.bulkhead.example:6379/0",
    "DJANGO_SETTINGS_MODULE": "portal.settings",
}
LAST_WORDS = "This configuration is unsafe, so nothing was started."
UNSAFE_EVERYWHERE = {
    "BULKHEAD_BASE_URL": "http://bulkhead.example",
    "BULKHEAD_SANDBOX_PROVIDER_URL": "http://127.0.0.1:9000",
    "BULKHEAD_LOCAL_KEY_ALLOWED": "0",
    "BULKHEAD_TOKEN_SECRET": base64.b64encode(b"secret!!" * 4).decode(),
    "BULKHEAD_DATABASE_SECRET": key(2),
    "BULKHEAD_GITHUB_CLIENT_SECRET": "",
    "BULKHEAD_TRUSTED_PROXIES": "0.0.0.0/0",
    "DATABASE_URL": "postgresql://bulkhead_web:kittiwake@db.bulkhead.example/bulkhead",
    "PGHOSTADDR": "203.0.113.5",
    "BULKHEAD_RATE_API": "999999999/s",
    "BULKHEAD_METRICS_TOKEN": "metrics",
    "BULKHEAD_ALLOWED_EMAIL_DOMAINS": "*.example.org",
    "REDIS_URL": "redis://:kittiwake@redis.bulkhead.example:6379/0",
}
ALL_BUT_DEBUG_AND_HOSTS = {
    "E001",
    "E002",
    "E004",
    "E005",
    "E006",
    "E007",
    "E009",
    "E010",
    "E012",
    "E013",
    "E014",
    "E015",
}


def run(*command: str, **changes: str) -> tuple[int, str]:
    """Run a Python program with production's variables; return its exit code and all that it said."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {**kept, **SAFE, **changes}
    program = [sys.executable, "-W", "ignore", *command]
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_check_deploy_is_clean_with_safe_settings() -> None:
    code, said = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert (code, said.strip()) == (0, "System check identified no issues (0 silenced).")


PROCESSES = {
    "check": ["manage.py", "check", "--deploy"],
    "migrate": ["manage.py", "migrate"],
    "web": ["-c", "import portal.wsgi"],
    "worker": ["-m", "celery", "-A", "portal.celery", "worker", "-c", "1", "--pool", "solo"],
    "beat": ["-m", "celery", "-A", "portal.celery", "beat", "--schedule", "(of the test)"],
}


def test_every_process_refuses_and_names_each_reason_without_a_secret(tmp_path: Path) -> None:
    PROCESSES["beat"][-1] = str(tmp_path / "beat")
    with ThreadPoolExecutor(2) as pool:
        ends = dict(
            zip(PROCESSES, pool.map(lambda name: run(*PROCESSES[name], **UNSAFE_EVERYWHERE), PROCESSES), strict=True)
        )
    for name, (code, said) in ends.items():
        assert code != 0, name
        assert [reason for reason in ALL_BUT_DEBUG_AND_HOSTS if f"bulkhead.{reason}" not in said] == [], (name, said)
        assert "kittiwake" not in said, name
        assert key(2) not in said, name
    assert LAST_WORDS in ends["web"][1]


def test_tls_to_the_broker_looks_at_the_certificate() -> None:
    program = "import django; django.setup(); from portal.celery import app; print(app.connection_for_write().ssl)"
    assert run("-c", program) == (0, "{'ssl_cert_reqs': 'required'}\n")


@pytest.mark.parametrize("name", ["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE", "CELERY_BROKER_READ_URL"])
def test_what_libraries_would_follow_unseen_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "elsewhere")
    assert name in environment.implicit()


def test_a_variable_that_is_missing_is_named() -> None:
    code, said = run("-c", "import os; del os.environ['BULKHEAD_SESSION_SECRET']; import portal.settings")
    assert code != 0
    assert "BULKHEAD_SESSION_SECRET must be set." in said


KMS = "arn:aws:kms:eu-west-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e"
REMOTE = {"HOST": "db.bulkhead.example"}
HERE = {"HOST": "127.0.0.1"}
SOCKET = {"HOST": "/run/postgresql"}
PRODUCTION = {
    "PRODUCTION": True,
    "SANDBOX_PROVIDER_URL": "",
    "LOCAL_KEY_ALLOWED": True,
    "BASE_URL": "https://bulkhead.example",
    "ALLOWED_HOSTS": ["bulkhead.example"],
    "SIGN_IN_PROVIDERS": {"github": ProviderClient("id", "secret")},
    "SECRET_KEY": base64.b64decode(key(1)).hex(),
    "SESSION_SECRET": base64.b64decode(key(2)),
    "TOKEN_SECRET": base64.b64decode(key(3)),
    "DATABASE_SECRET": base64.b64decode(key(4)),
    "DEBUG": False,
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "CELERY_BROKER_URL": "redis://127.0.0.1:6379/0",
    "IMPLICIT_VARIABLES": [],
    "RATES": {"sign-in": "20/m"},
}


def database(**parts: object) -> dict[str, object]:
    default = {**settings.DATABASES["default"], "OPTIONS": {}, **parts}
    return {"DATABASES": {"default": default}}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"SANDBOX_PROVIDER_URL": "http://127.0.0.1:1"}, "E001"),
        ({"LOCAL_KEY_ALLOWED": False}, "E002"),
        ({"LOCAL_KEY_ALLOWED": False, "KEY_SERVICE": f"aws:{KMS}"}, None),
        ({"LOCAL_KEY_ALLOWED": False, "KEY_SERVICE": f"aws:{KMS}", "KEY_SERVICE_OTHERS": ["local:/old.key"]}, "E002"),
        ({"KEY_SERVICE_OTHERS": [f"aws:{KMS}", "transit:http://127.0.0.1:8200/transit/platform"]}, "E016"),
        ({"KEY_SERVICE_OTHERS": [f"aws:{KMS}"]}, None),
        ({"KEY_SERVICE": "aws-kms:alias/bulkhead"}, "E016"),
        ({"KEY_SERVICE": "transit:http://vault.bulkhead.example:8200/transit/platform"}, "E016"),
        ({"KEY_SERVICE": "transit:http://127.0.0.1:8200/transit/platform"}, "E016"),
        ({"KEY_SERVICE": f"aws:{KMS}?endpoint=http://127.0.0.1:5000"}, "E016"),
        ({"KEY_SERVICE": "transit:https://vault.bulkhead.example:8200/transit/platform"}, None),
        ({"DEBUG": True}, "E003"),
        (database(**REMOTE), "E004"),
        (database(**REMOTE, OPTIONS={"sslmode": "prefer"}), "E004"),
        (database(**REMOTE, OPTIONS={"sslmode": "disable"}), "E004"),
        (database(**REMOTE, OPTIONS={"sslmode": "require"}), None),
        (database(**REMOTE, OPTIONS={"sslmode": "verify-full"}), None),
        (database(**HERE), None),
        (database(**SOCKET), None),
        (database(**SOCKET, OPTIONS={"application_name": "bulkhead", "connect_timeout": "3"}), None),
        (database(HOST=""), "E004"),
        (database(HOST="localhost", OPTIONS={"hostaddr": "203.0.113.5"}), "E004"),
        (database(**REMOTE, OPTIONS={"sslmode": "require", "service": "other"}), "E004"),
        (database(**HERE, OPTIONS={"options": "-c search_path=public"}), "E004"),
        (database(HOST="/run/postgresql,db.bulkhead.example"), "E004"),
        (database(HOST="localhost,"), "E004"),
        ({"IMPLICIT_VARIABLES": ["PGHOSTADDR"]}, "E013"),
        ({"BASE_URL": "http://bulkhead.example"}, "E005"),
        ({"TOKEN_SECRET": b"secret!!" * 4}, "E006"),
        ({"TOKEN_SECRET": base64.b64decode(key(2))}, "E006"),
        ({"SIGN_IN_PROVIDERS": {}}, "E007"),
        ({"ALLOWED_HOSTS": ["*"]}, "E008"),
        ({"ALLOWED_HOSTS": []}, "E008"),
        ({"ALLOWED_HOSTS": [".bulkhead.example"]}, "E008"),
        ({"REDIS_URL": "redis://redis.bulkhead.example/0"}, "E009"),
        ({"REDIS_URL": "rediss://redis.bulkhead.example/0"}, None),
        ({"CELERY_BROKER_URL": "redis://redis.bulkhead.example/0"}, "E009"),
        ({"REDIS_URL": "rediss://redis.bulkhead.example/0?ssl_cert_reqs=required"}, None),
        ({"REDIS_URL": "rediss://redis.bulkhead.example/0?ssl_cert_reqs=CERT_REQUIRED&ssl_ca_certs=/ca.pem"}, None),
        ({"REDIS_URL": "rediss://redis.bulkhead.example/0?ssl_cert_reqs=none"}, "E009"),
        ({"REDIS_URL": "rediss://redis.bulkhead.example/0?ssl_cert_reqs=optional"}, "E009"),
        ({"REDIS_URL": "rediss://redis.bulkhead.example/0?ssl_check_hostname=false"}, "E009"),
        ({"REDIS_URL": "rediss://redis.bulkhead.example/0?ssl_ca_certs=/ca&ssl_cert_reqs="}, "E009"),
        ({"REDIS_URL": "redis:///0"}, "E009"),
        ({"REDIS_URL": "redis://localhost/0?host=redis.bulkhead.example"}, "E009"),
        ({"REDIS_URL": "redis://localhost/0,redis://redis.bulkhead.example/0"}, "E009"),
        ({"REDIS_URL": "unix:///run/valkey.sock?db=1"}, None),
        ({"REDIS_URL": "unix://elsewhere/valkey.sock"}, "E009"),
        ({"CELERY_BROKER_URL": "redis+socket:///run/valkey.sock"}, None),
        ({"CELERY_BROKER_URL": "redis://localhost/0;redis://redis.bulkhead.example/0"}, "E009"),
        ({"CELERY_BROKER_URL": "amqp://localhost"}, "E009"),
        ({"CELERY_BROKER_URL": "sentinel://localhost"}, "E009"),
        ({"RATES": {"sign-in": "20/m", "api": "6000/m"}}, None),
        ({"RATES": {"sign-in": "999999999/s"}}, "E014"),
        ({"RATES": {"sign-in": "999999999/d"}}, "E014"),
        ({"METRICS_TOKEN": "metrics"}, "E015"),
        ({"TRUSTED_PROXIES": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]}, None),
        ({"TRUSTED_PROXIES": ["0.0.0.0/1", "128.0.0.0/1"]}, "E010"),
        ({"TRUSTED_PROXIES": [f"{number}.0.0.0/8" for number in range(1, 200)]}, "E010"),
        ({"TRUSTED_PROXIES": ["2000::/3"]}, "E010"),
        ({"TRUSTED_PROXIES": ["0.0.0.0/0"]}, "E010"),
        ({"TRUSTED_PROXIES": ["::/0"]}, "E010"),
        ({"TRUSTED_PROXIES": ["proxy"]}, "E010"),
        (
            {"PRODUCTION": False, "BASE_URL": "http://127.0.0.1", "SANDBOX_PROVIDER_URL": "http://127.0.0.1:1"},
            None,
        ),
        ({"PRODUCTION": False, "BASE_URL": "https://bulkhead.example"}, "E011"),
        ({"PRODUCTION": False, "BASE_URL": "http://localhost:8000"}, None),
        ({"PRODUCTION": False, "BASE_URL": "http://[::1]:8000"}, None),
        ({"PRODUCTION": False, "BASE_URL": "https://localhost"}, "E011"),
        ({"PRODUCTION": False, "BASE_URL": "http://bulkhead.example"}, "E011"),
        ({"ALLOWED_EMAIL_DOMAINS": ["example.org", "bücher.example"]}, None),
        ({"ALLOWED_EMAIL_DOMAINS": ["example.org", "*.example.org"]}, "E012"),
        ({"ALLOWED_EMAIL_DOMAINS": [".example.org"]}, "E012"),
        ({"ALLOWED_EMAIL_DOMAINS": ["@example.org"]}, "E012"),
    ],
)
@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES:UserWarning")
def test_each_unsafe_combination_has_its_reason(changes: dict[str, object], reason: str | None) -> None:
    with override_settings(**{**PRODUCTION, **database(**HERE), **changes}):
        assert [problem.id for problem in unsafe()] == ([f"bulkhead.{reason}"] if reason else [])
