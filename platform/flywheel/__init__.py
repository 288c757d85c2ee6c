"""The Django project: settings, addresses, Celery."""
