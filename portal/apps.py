from django.apps import AppConfig
from django.core import checks


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal.checks import unsafe  # noqa: PLC0415 - settings are complete by now

        checks.register(unsafe, checks.Tags.security)
