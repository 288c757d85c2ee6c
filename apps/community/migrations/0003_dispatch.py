"""Messages to webhooks get a name of their own; the table keeps its old one."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("community", "0002_begin_now")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("Delivery", "Dispatch"),
                migrations.AlterModelTable("Dispatch", "community_delivery"),
            ]
        )
    ]
