"""The task queue: JSON only, acknowledged late, and never a secret in it.

celery -A portal.celery worker -Q default         as bulkhead_worker
celery -A portal.celery worker -Q provisioning    as bulkhead_provisioner
celery -A portal.celery beat
"""

import os
from typing import Any, Final

from celery import Celery, signals
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from portal import environment
from tenants.isolation import schedule

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

# How long work may wait when nobody woke a worker, and expired content past its time (it reads as gone at once).
SWEEP_SECONDS: Final = environment.integer("BULKHEAD_SWEEP_SECONDS", 5, minimum=1)
TIDY_SECONDS: Final = 600
# How often is looked whose keys and passwords have come of age; how old they get is BULKHEAD_KEY_ROTATION_DAYS.
ROTATE_SECONDS: Final = 3600
# As the provisioner's database role.
PROVISIONING: Final = ("provision", "compare_declared", "rotate_keys", "rotate_database_passwords")

app = Celery("bulkhead")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_default_queue="default",
    task_routes={f"tenants.tasks.{name}": {"queue": "provisioning"} for name in PROVISIONING},
    # A worker that is killed gives its task back; every task may run twice.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # Nothing has an ETA: when something is due stands in the database, whatever the broker forgets.
    broker_transport_options={
        "visibility_timeout": 600,
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
        "max_retries": 0,
    },
    broker_connection_retry_on_startup=True,
    beat_schedule={
        # A tick that no worker took is stale when the next one comes.
        "sweep": {"task": "tenants.tasks.sweep", "schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_SECONDS}},
        "provision": {
            "task": "tenants.tasks.provision",
            "schedule": SWEEP_SECONDS,
            "options": {"expires": SWEEP_SECONDS, "queue": "provisioning"},
        },
        "prove_isolation": {
            "task": "tenants.tasks.prove_isolation",
            "schedule": crontab(hour=str(schedule.AT.hour), minute=str(schedule.AT.minute)),
        },
        "compare_declared": {
            "task": "tenants.tasks.compare_declared",
            "schedule": crontab(hour="4", minute="0"),
            "options": {"queue": "provisioning"},
        },
        **{
            name: {
                "task": f"tenants.tasks.{name}",
                "schedule": ROTATE_SECONDS,
                "options": {"expires": ROTATE_SECONDS, "queue": "provisioning"},
            }
            for name in ("rotate_keys", "rotate_database_passwords")
        },
        "tidy": {"task": "tenants.tasks.tidy", "schedule": TIDY_SECONDS, "options": {"expires": TIDY_SECONDS}},
    },
)
app.autodiscover_tasks(["tenants"])


@signals.worker_init.connect
@signals.beat_init.connect
def refuse_unsafe(**_: object) -> None:
    """End the process on a configuration that must not run; Celery would only log any other exception from here."""
    from portal import checks  # noqa: PLC0415 - Django is set up by now

    try:
        checks.refuse_unsafe()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None


@signals.worker_init.connect
def open_key_service(sender: Any, **_: object) -> None:
    """Import the client where tenants are made and keys rotate, before the first customer waits for one."""
    if "provisioning" in sender.app.amqp.queues.consume_from:
        from tenants import keyrings  # noqa: PLC0415 - Django is set up by now

        keyrings.open_early()


@signals.worker_process_shutdown.connect
def close_compartments(**_: object) -> None:
    """Say goodbye to the server: a worker's child ends without what Python does at a program's end."""
    from tenants.databases.base import close_compartments  # noqa: PLC0415 - Django is set up by now

    close_compartments()
