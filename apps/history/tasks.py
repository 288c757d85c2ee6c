"""What the clock sets off in history: the outbox is swept, and done letters are ticked off."""

from __future__ import annotations

from typing import Any

from celery import Task, shared_task
from celery.signals import task_prerun, task_success

from apps.history import actions


@shared_task
def sweep_outbox() -> int:
    """Send again every letter that was lost on the way."""
    return actions.sweep()


@task_prerun.connect
def note_beginning(task: Task | None = None, **_: Any) -> None:
    """A task that has begun waits for no worker any more."""
    if task and (letter := (task.request.headers or {}).get("letter")):
        actions.begun(letter)


@task_success.connect
def tick_off(sender: Task | None = None, **_: Any) -> None:
    """A task that ran to its end needs no second sending."""
    if sender and (letter := (sender.request.headers or {}).get("letter")):
        actions.delivered(letter)
