from django.db import migrations

COMMENT = "Who changed what and when; rows are never updated."


def forwards(apps, schema_editor):
    """Describe the audit table for those who read it with SQL tools."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"COMMENT ON TABLE auditing_auditentry IS '{COMMENT}'")


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("COMMENT ON TABLE auditing_auditentry IS NULL")


class Migration(migrations.Migration):
    dependencies = [
        ("auditing", "0009_add_delivery_index"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
