from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "tenants.registry"
    label = "registry"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate  # noqa: PLC0415 - apps load before models

        from tenants.registry.grants import apply_grants  # noqa: PLC0415

        post_migrate.connect(apply_grants, sender=self)
