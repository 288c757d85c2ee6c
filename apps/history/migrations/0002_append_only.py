"""The database itself refuses to change or delete a recorded event."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION history_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record is append-only: % on % is refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER history_event_append_only BEFORE UPDATE OR DELETE ON history_event
    FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER history_event_no_truncate BEFORE TRUNCATE ON history_event
    FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
"""

ALLOW = """
DROP TRIGGER history_event_append_only ON history_event;
DROP TRIGGER history_event_no_truncate ON history_event;
DROP FUNCTION history_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0001_initial")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
