"""The Django project: settings, addresses, Celery, and the processes of one site."""

from flywheel.celery import app as celery_app

__all__ = ["celery_app"]
