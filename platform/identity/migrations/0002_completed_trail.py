"""The audit trail may complete who acted; it never changes or deletes it."""

from django.db import migrations

# pghistory writes the context of a request when the first change is made, often before the token
# has named its user, and completes it with later changes.
_COMPLETED_ONLY = """
CREATE FUNCTION pghistory_context_is_completed_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.id <> NEW.id OR EXISTS (
        SELECT 1 FROM jsonb_each(OLD.metadata) AS known(name, value)
         WHERE known.value <> 'null'::jsonb
           AND known.value IS DISTINCT FROM NEW.metadata -> known.name
    ) THEN
        RAISE EXCEPTION 'the audit trail cannot be changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER completed_only BEFORE UPDATE OR DELETE ON pghistory_context
    FOR EACH ROW EXECUTE FUNCTION pghistory_context_is_completed_only();
"""
_FREE = """
DROP TRIGGER completed_only ON pghistory_context;
DROP FUNCTION pghistory_context_is_completed_only();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("identity", "0001_first_release"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]
    operations = [
        migrations.RunSQL(_COMPLETED_ONLY, _FREE),
    ]
