from django.db import migrations

GROUPS = ["Catalogue editors", "Order desk", "Support agents"]


def forwards(apps, schema_editor):
    """Create one permission group for each team."""
    Group = apps.get_model("auth", "Group")
    for name in GROUPS:
        Group.objects.using(schema_editor.connection.alias).get_or_create(name=name)


def backwards(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Group.objects.using(schema_editor.connection.alias).filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_add_login_attempts"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
