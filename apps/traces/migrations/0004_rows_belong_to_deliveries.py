"""Rows of feedback belong to their delivery: looked up for each statement instead of each row.

A foreign key asks for every row, which took longer than the COPY itself (docs/decisions/0008).
"""

from django.db import migrations

BELONG = """
CREATE FUNCTION traces_feedback_belongs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE one record;
BEGIN
    FOR one IN SELECT DISTINCT delivery_id, account_id FROM fresh LOOP
        -- Locked as a foreign key would, so that nobody takes the delivery away meanwhile.
        PERFORM FROM traces_delivery
        WHERE id = one.delivery_id AND account_id = one.account_id FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE foreign_key_violation USING MESSAGE = format(
                'feedback names delivery %s of account %s, and there is none',
                one.delivery_id, one.account_id);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER traces_feedback_belongs AFTER INSERT ON traces_feedback
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION traces_feedback_belongs();
CREATE TRIGGER traces_feedback_still_belongs AFTER UPDATE ON traces_feedback
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION traces_feedback_belongs();

CREATE FUNCTION traces_delivery_has_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.id, NEW.account_id) = (OLD.id, OLD.account_id) THEN
        RETURN NEW;
    END IF;
    -- A row's number begins with its delivery's.
    IF EXISTS (SELECT FROM traces_feedback
               WHERE id >= OLD.id << 22 AND id < (OLD.id + 1) << 22) THEN
        RAISE foreign_key_violation USING MESSAGE = format(
            'delivery %s has rows of feedback and stays', OLD.id);
    END IF;
    IF TG_OP = 'UPDATE' THEN RETURN NEW; END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER traces_delivery_has_rows BEFORE DELETE OR UPDATE ON traces_delivery
    FOR EACH ROW EXECUTE FUNCTION traces_delivery_has_rows();

ALTER TABLE traces_feedback DROP CONSTRAINT traces_feedback_delivery_id_account_id_fkey;
"""
KEYED = """
ALTER TABLE traces_feedback ADD FOREIGN KEY (delivery_id, account_id)
    REFERENCES traces_delivery (id, account_id) DEFERRABLE INITIALLY DEFERRED;
DROP TRIGGER traces_delivery_has_rows ON traces_delivery;
DROP FUNCTION traces_delivery_has_rows();
DROP TRIGGER traces_feedback_belongs ON traces_feedback;
DROP TRIGGER traces_feedback_still_belongs ON traces_feedback;
DROP FUNCTION traces_feedback_belongs();
"""


class Migration(migrations.Migration):
    dependencies = [("traces", "0003_feedback")]

    operations = [migrations.RunSQL(BELONG, KEYED)]
