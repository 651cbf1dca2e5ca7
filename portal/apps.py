from django.apps import AppConfig
from django.core import checks


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        # Whoever runs Django speaks to our broker: without this, tasks go to Celery's default one on localhost.
        from portal import celery  # noqa: F401, PLC0415 - tasks can be registered once apps are loaded
        from portal.checks import unsafe  # noqa: PLC0415 - settings are complete by now

        checks.register(unsafe, checks.Tags.security)
