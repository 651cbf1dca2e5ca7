from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        # Whoever runs Django speaks to our broker: without this, tasks go to Celery's default one on localhost.
        from portal import celery  # noqa: F401, PLC0415 - tasks can be registered once apps are loaded
