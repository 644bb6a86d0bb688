from django.db import migrations


def forwards(apps, schema_editor):
    """Create the statuses, in the database that is migrated."""
    statuses = apps.get_model("legacy", "Status").objects.using(schema_editor.connection.alias)
    statuses.bulk_create([statuses.model(code=code) for code in ("new", "sent", "paid")])


class Migration(migrations.Migration):
    dependencies = [("legacy", "0001_initial")]

    operations = [
        migrations.RunPython(forwards, migrations.RunPython.noop, hints={"target": "legacy"})
    ]
