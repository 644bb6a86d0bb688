from django.db import migrations

DEPARTMENTS = [("sales", "Sales"), ("returns", "Returns"), ("billing", "Billing")]


def forwards(apps, schema_editor):
    """Create the departments that answer customers."""
    Department = apps.get_model("support", "Department")
    rows = Department.objects.using(schema_editor.connection.alias)
    for code, name in DEPARTMENTS:
        rows.update_or_create(code=code, defaults={"name": name})


def backwards(apps, schema_editor):
    Department = apps.get_model("support", "Department")
    codes = [row[0] for row in DEPARTMENTS]
    Department.objects.using(schema_editor.connection.alias).filter(code__in=codes).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("support", "0001_initial"),
    ]

    operations = [migrations.RunPython(forwards, backwards)]
