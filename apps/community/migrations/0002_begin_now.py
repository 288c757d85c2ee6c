"""Readers begin where the record stands: nobody is told of years gone by."""

from django.db import migrations
from django.db.models import Max


def begin_now(apps, editor):
    last = apps.get_model("history", "Event").objects.aggregate(last=Max("pk"))["last"] or 0
    for reader in ("notices", "webhooks"):
        apps.get_model("community", "Reading").objects.create(reader=reader, event_id=last)


class Migration(migrations.Migration):
    dependencies = [("community", "0001_told")]

    operations = [migrations.RunPython(begin_now, migrations.RunPython.noop)]
