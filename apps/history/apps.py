from django.apps import AppConfig


class HistoryConfig(AppConfig):
    name = "apps.history"

    def ready(self) -> None:
        """Workers tick off letters by a signal, so the room that listens must be open."""
        from apps.history import tasks  # noqa: F401
