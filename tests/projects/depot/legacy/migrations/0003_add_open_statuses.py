from django.db import migrations, models


def forwards(apps, schema_editor):
    """Whatever is not paid is open."""
    statuses = apps.get_model("legacy", "Status").objects.using(schema_editor.connection.alias)
    statuses.exclude(code="paid").update(is_open=True)


class Migration(migrations.Migration):
    dependencies = [("legacy", "0002_seed_statuses")]

    operations = [
        migrations.AddField("status", "is_open", models.BooleanField(default=False)),
        migrations.RunPython(forwards, migrations.RunPython.noop),
    ]
