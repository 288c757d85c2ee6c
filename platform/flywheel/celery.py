"""The Celery application: two queues, late acknowledgement, JSON only.

A worker whose main process is killed must not leave pool children at work behind its back, so
every child asks the kernel to end it together with its parent.
"""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_process_init, worker_ready

from flywheel.tether import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flywheel.settings")

app = Celery("openflywheel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def _tie_pool_child_to_its_worker(**_: Any) -> None:
    die_with_parent()


@worker_ready.connect
@beat_init.connect
def _tell_the_supervisor(**_: Any) -> None:
    if sign := os.environ.get("OPENFLYWHEEL_READY_FILE"):
        Path(sign).touch()
